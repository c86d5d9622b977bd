// Command direct is a program that wants to end the machine by itself, with
// u-root's shutdown, and says what it hears.
package main

import (
	"os/exec"

	"slashdev/qemu/testdata/clients/words"
)

func main() {
	out, err := exec.Command("/other/uroot", "-r", "now").CombinedOutput()
	words.Say("direct: %v: %s", err, out)
}
