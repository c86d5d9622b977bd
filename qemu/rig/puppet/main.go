// Command puppet is every program of a rig: a process that connects to the test,
// says its name and does what it is told, whichever init has started it. Called
// as stage it makes the machine first; called as devmgr it says READY=1, which
// the real one cannot where there is no sysfs; called as init it spoils the state
// that one init hands to the next.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"slashdev/qemu/rig/stage"
)

// socket is where the test waits for its puppets.
const socket = "/rig/socket"

func main() {
	inherited := descriptors()
	name := path.Base(os.Args[0])
	if name == "stage" {
		fmt.Fprint(os.NewFile(stage.ErrorFD, "error"), stage.Enter())
		os.Exit(1)
	}
	if name == "init" {
		fmt.Fprint(os.Stderr, sabotage())
		os.Exit(1)
	}
	if name == "devmgr" {
		_, _ = notify("READY=1\nSTATUS=a puppet")
	}
	go live()
	if err := play(name, inherited); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// live gives the signs of life that the init wants.
func live() {
	silence, err := strconv.Atoi(os.Getenv("WATCHDOG_USEC"))
	if err != nil {
		return
	}
	for range time.Tick(time.Duration(silence) * time.Microsecond / 3) {
		_, _ = notify("WATCHDOG=1")
	}
}

// play obeys until the test lets go of the connection.
func play(name, inherited string) error {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %d\n", name, os.Getpid())
	in := bufio.NewScanner(c)
	for in.Scan() {
		verb, rest, _ := strings.Cut(in.Text(), " ")
		reply, err := inherited, error(nil)
		if verb != "fds" {
			reply, err = act(verb, rest)
		}
		if err != nil {
			reply = "error: " + err.Error()
		}
		fmt.Fprintf(c, "%q\n", reply)
	}
	return in.Err()
}
