package main

import (
	"fmt"
	"io"
	"strings"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/udevadm"
	"slashdev/devmgr/uevent"
)

func runUdevadm(env environment, args []string) int {
	s := udevadm.Host(env.stdout, env.stderr)
	s.Test = testEvent
	s.Builtins = map[string]udevadm.Builtin{}
	for _, name := range daemon.Builtins() {
		s.Builtins[name] = func(devpath string, args []string) ([]string, error) {
			return daemon.Probe(daemon.Config{}, devpath, append([]string{name}, args...))
		}
	}
	return udevadm.Main(s, args)
}

// testEvent prints what the device manager would do with an event.
func testEvent(w io.Writer, devpath, action string) error {
	step, err := daemon.Try(daemon.Config{}, devpath, uevent.Action(action))
	if err != nil {
		return err
	}
	dev, dec := step.Change.Device, step.Decision
	fmt.Fprintf(w, "ACTION=%s\nDEVPATH=%s\nSUBSYSTEM=%s\n", action, dev.DevPath, dev.Subsystem)
	for key, value := range dev.Env.All() {
		fmt.Fprintf(w, "%s=%s\n", printable(key), printable(value))
	}
	for key, value := range dec.Properties.All() {
		fmt.Fprintf(w, "%s=%s\n", printable(key), printable(value))
	}
	if len(dec.Tags) > 0 {
		fmt.Fprintf(w, "TAGS=:%s:\n", strings.Join(dec.Tags, ":"))
	}
	for _, op := range step.Ops {
		fmt.Fprintln(w, printable(op.String()))
	}
	return nil
}
