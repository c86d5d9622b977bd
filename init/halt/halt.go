// Package halt is what PID 1 does itself before the end. By then `userland
// teardown` has unmounted what it could; if it could not even be started, the
// disks are clean all the same.
//
// Each step may block for ever on a dead disk. PID 1 therefore runs Do in a
// goroutine of its own and stops waiting for it at a deadline.
package halt

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
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
func Do(k Kernel, mountinfo string) []error {
	errs := []error{k.KillAll(syscall.SIGKILL)}
	k.Sync()
	for _, target := range slices.Backward(onDisk(mountinfo)) {
		errs = append(errs, k.RemountReadOnly(target))
	}
	k.Sync()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// onDisk returns the mount points whose contents outlive the machine, in mount
// order. Format: proc_pid_mountinfo(5).
func onDisk(mountinfo string) []string {
	var targets []string
	for l := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(l, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(g) < 1 || inMemory(g[0]) {
			continue
		}
		targets = append(targets, unescape(f[4]))
	}
	return targets
}

func inMemory(fstype string) bool {
	switch fstype {
	case "proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "ramfs", "rootfs", "mqueue", "cgroup", "cgroup2",
		"bpf", "pstore", "fusectl", "efivarfs", "securityfs", "debugfs", "tracefs", "configfs", "hugetlbfs":
		return true
	}
	return strings.HasPrefix(fstype, "fuse")
}

// unescape decodes the \ooo of blanks and backslashes in a path.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
