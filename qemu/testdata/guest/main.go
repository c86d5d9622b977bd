// Command guest is a tiny init for tests of the harness: it speaks as much of
// slashdev's console as the session layer needs, and does what the word after
// guest= on the kernel command line says.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	syscall.Mount("devtmpfs", "/dev", "devtmpfs", 0, "")
	syscall.Mount("proc", "/proc", "proc", 0, "")
	syscall.Mount("sysfs", "/sys", "sysfs", 0, "")
	switch mode() {
	case "panic":
		os.Exit(1)
	case "silent":
		time.Sleep(time.Hour)
	case "off":
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	}
	fmt.Print("hello: ready\r\ninit: ready\r\n")
	shell()
}

func mode() string {
	text, _ := os.ReadFile("/proc/cmdline")
	for _, word := range strings.Fields(string(text)) {
		if value, ok := strings.CutPrefix(word, "guest="); ok {
			return value
		}
	}
	return ""
}

func shell() {
	in := bufio.NewReader(os.Stdin)
	for {
		fmt.Print("slashdev:/# ")
		line, err := in.ReadString('\n')
		if err != nil {
			time.Sleep(time.Second)
			continue
		}
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		switch words[0] {
		case "poweroff":
			syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
		case "reboot":
			syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
		case "exec-frame":
			run(words[1], strings.Trim(words[2], "'"))
		}
	}
}

// run knows `cat FILE`, `ls DIR`, `await FILE`, `both` and `exit N`.
func run(nonce, command string) {
	f := framer{nonce: nonce}
	name, arg, _ := strings.Cut(command, " ")
	status := 0
	switch name {
	case "cat":
		text, err := os.ReadFile(arg)
		f.data("o", text)
		if err != nil {
			f.data("e", []byte(err.Error()+"\n"))
			status = 1
		}
	case "ls":
		names, _ := filepath.Glob(arg + "/*")
		f.data("o", []byte(strings.Join(names, "\n")+"\n"))
	case "await": // devices of slow buses come after init
		for _, err := os.Stat(arg); err != nil; _, err = os.Stat(arg) {
			time.Sleep(100 * time.Millisecond)
		}
	case "both":
		f.data("o", []byte("out\x00\x1b[31m\n"))
		f.data("e", []byte("err\n"))
	case "exit":
		fmt.Sscan(arg, &status)
	case "hang":
		time.Sleep(time.Hour)
	case "damage":
		fmt.Printf("\r\n@%s o 0 AAAA 00000000\r\n", nonce)
	default:
		status = 127
	}
	f.frame("x", fmt.Sprint(status))
}

type framer struct {
	nonce string
	seq   int
}

func (f *framer) data(kind string, p []byte) {
	for len(p) > 0 {
		n := min(len(p), 510)
		f.frame(kind, base64.StdEncoding.EncodeToString(p[:n]))
		p = p[n:]
	}
}

func (f *framer) frame(kind, payload string) {
	body := fmt.Sprintf("%s %d %s", kind, f.seq, payload)
	fmt.Printf("\r\n@%s %s %08x\r\n", f.nonce, body, crc32.ChecksumIEEE([]byte(body)))
	f.seq++
}
