// Command direct is a program that wants to end the machine by itself, with
// u-root's shutdown, and says what it hears; then it asks the line socket.
package main

import (
	"fmt"
	"io"
	"net"
	"os/exec"

	"slashdev/qemu/testdata/clients/words"
)

func main() {
	out, err := exec.Command("/other/uroot", "-r", "now").CombinedOutput()
	words.Say("direct: %v: %s", err, out)
	words.Say("telinit: %s", ask("-t 3 q"))
}

func ask(line string) string {
	c, err := net.Dial("unix", "/dev/telinit")
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	fmt.Fprintln(c, line)
	reply, err := io.ReadAll(c)
	return fmt.Sprint(string(reply), err)
}
