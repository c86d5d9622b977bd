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

// Step is one thing to do; it prints itself as the command one would type.
type Step struct {
	Verb   string // kill, remount, sync
	Target string
}

func (s Step) String() string {
	switch s.Verb {
	case "kill":
		return "kill -KILL -1"
	case "remount":
		return "mount -o remount,ro " + s.Target
	}
	return s.Verb
}

// Plan returns the steps for a machine with this /proc/self/mountinfo: kill
// what is left, make the disks read-only, the last mounted first, sync. They are
// synced first too: if a remount hangs, the data is safe.
func Plan(mountinfo string) []Step {
	steps := []Step{{"kill", ""}, {"sync", ""}}
	for _, target := range slices.Backward(onDisk(mountinfo)) {
		steps = append(steps, Step{"remount", target})
	}
	return append(steps, Step{"sync", ""})
}

// Do runs the steps and returns what went wrong; it leaves none out.
func Do(k Kernel, steps []Step) []error {
	var errs []error
	for _, s := range steps {
		if err := s.do(k); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (s Step) do(k Kernel) error {
	switch s.Verb {
	case "kill":
		return k.KillAll(syscall.SIGKILL)
	case "remount":
		return k.RemountReadOnly(s.Target)
	}
	k.Sync()
	return nil
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
