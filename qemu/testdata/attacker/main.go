// Command attacker does to devmgr what a hostile program would, from inside of
// the machine.
//
//	attacker forge KIND N    send N forged uevents, a real one after each hundred
//	attacker starve          shrink devmgr's receive buffer to 4 KiB
//	attacker storm N         have the kernel send N events from two writers
//	attacker compare         say where /sys, /dev and devmgr's list differ
//	attacker say TEXT        print, for rules that run a program
//	attacker raw             print what no terminal and no shell should see
//	attacker sleep           sleep for ever
package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	number := func(i int) int {
		n, _ := strconv.Atoi(args[i])
		return n
	}
	switch {
	case len(args) == 3 && args[0] == "forge":
		return forge(args[1], number(2))
	case len(args) == 3 && args[0] == "send":
		return send(args[1], number(2))
	case len(args) == 1 && args[0] == "starve":
		return starve()
	case len(args) == 2 && args[0] == "storm":
		return storm(number(1))
	case len(args) == 1 && args[0] == "compare":
		return compare()
	case len(args) == 2 && args[0] == "say":
		fmt.Println(args[1])
		return nil
	case len(args) == 1 && args[0] == "raw":
		_, err := os.Stdout.WriteString("A=1\nINJECTED=quote'; reboot; '\nESC=\x1b[2J\xff\x9b5m\n\x1b]0;title\a\n/../../x `reboot`\n")
		return err
	case len(args) == 1 && args[0] == "sleep":
		return unix.Pause()
	}
	return fmt.Errorf("what to do with %q?", args)
}
