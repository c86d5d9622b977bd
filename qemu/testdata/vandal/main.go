// Command vandal does to an appliance what no program should. Started by PID 1
// it sets the clock to 1970, fifty years on and an hour back, a jump in each
// life, and ends at once. Called as `vandal crash` it overwrites the memory of PID 1.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const lives = "/tmp/lives"

func main() {
	if len(os.Args) > 1 {
		fmt.Println(crash())
		return
	}
	f, err := os.OpenFile(lives, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	f.WriteString("x")
	st, _ := f.Stat()
	const today = 1_790_000_000
	jumps := []int64{1000, today + 50*365*86400, today - 3600}
	err = syscall.Settimeofday(&syscall.Timeval{Sec: jumps[st.Size()%3]})
	if line, e := os.OpenFile("/dev/ttyS0", os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0); e == nil {
		fmt.Fprintf(line, "\r\nvandal: life %d, %v, it is %d\r\n", st.Size(), err, time.Now().Year())
	}
	os.Exit(1)
}

// crash fills all that PID 1 can write with bytes that are no address.
func crash() error {
	mem, err := os.OpenFile("/proc/1/mem", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/1/maps")
	if err != nil {
		return err
	}
	for in := bufio.NewScanner(maps); in.Scan(); {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(in.Text(), "%x-%x %s", &from, &to, &mode); n == 3 && strings.Contains(mode, "w") {
			for ; from < to; from += 4096 {
				mem.WriteAt([]byte(strings.Repeat("\xee", 4096)), from)
			}
		}
	}
	return nil
}
