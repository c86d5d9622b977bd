// Package halt is what PID 1 does itself before the end. By then `userland
// teardown` has unmounted what it could; if it could not even be started, the
// disks are clean all the same.
//
// Each step may block for ever on a dead disk. PID 1 therefore runs Do in a
// goroutine of its own and stops waiting for it at a deadline.
package halt

import (
	"slices"
	"strings"
	"syscall"

	"slashdev/init/mountinfo"
)

// Kernel is what the steps need from the kernel.
type Kernel interface {
	KillAll(sig syscall.Signal) error
	RemountReadOnly(target string) error
	Sync()
}

// Do kills what is left, syncs, makes the disks read-only, the last mounted
// first, and syncs again. It leaves nothing out, and returns what went wrong.
// If a remount hangs, the data is safe.
func Do(k Kernel, mounts string) []error {
	errs := []error{k.KillAll(syscall.SIGKILL)}
	k.Sync()
	for _, target := range slices.Backward(onDisk(mounts)) {
		errs = append(errs, k.RemountReadOnly(target))
	}
	k.Sync()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// onDisk returns the mount points whose contents outlive the machine, in mount
// order. A process that served one is dead by now.
func onDisk(table string) []string {
	var targets []string
	for l := range strings.Lines(table) {
		if m, ok := mountinfo.Parse(l); ok && mountinfo.OnDisk(m.FSType) && m.FSType != "fuseblk" {
			targets = append(targets, m.Dir)
		}
	}
	return targets
}
