package launch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/plan"
)

// kept are the descriptors above 2 that are the program's: its sockets, as
// sd_listen_fds(3) counts them, and the one on which it says that it is ready.
func kept(p *plan.Program, env []string) []int {
	var fds []int
	for _, e := range env {
		if n, ok := strings.CutPrefix(e, "LISTEN_FDS="); ok {
			count, _ := strconv.Atoi(n)
			for fd := range min(count, 1024) {
				fds = append(fds, entryFD+fd)
			}
		}
	}
	if n, ok := strings.CutPrefix(p.Ready, "fd:"); ok {
		if fd, err := strconv.Atoi(n); err == nil && !slices.Contains(fds, fd) {
			fds = append(fds, fd)
		}
	}
	slices.Sort(fds)
	return fds
}

// descriptors moves what is kept to its place, over the plan's entry, and lets
// exec close the rest: closing it here would take the runtime's own away.
func descriptors(keep []int) step {
	text := "close all descriptors but 0 1 2"
	for _, fd := range keep {
		text += fmt.Sprintf(" %d", fd)
	}
	return step{text, func() error {
		if err := unix.CloseRange(entryFD, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
			return err
		}
		for _, fd := range keep {
			if err := unix.Dup3(fd+1, fd, 0); err != nil {
				return fmt.Errorf("descriptor %d: %w", fd, err)
			}
		}
		return nil
	}}
}

// readOnly hides nothing and lets nobody write: the kernel's settings, its
// devices' attributes, and the trigger that resets the machine.
func readOnly() []step {
	steps := []step{
		{"unshare --mount", func() error { return unix.Unshare(unix.CLONE_NEWNS) }},
		{"mount --make-rprivate /", func() error {
			return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}},
		{"mount -o remount,bind,ro=recursive /sys", func() error { return setReadOnly("/sys") }},
	}
	for _, path := range []string{"/proc/sys", "/proc/sysrq-trigger"} {
		steps = append(steps, step{"mount -o bind,ro " + path + " " + path, func() error {
			err := unix.Mount(path, path, "", unix.MS_BIND, "")
			switch {
			case err == unix.ENOENT: // a kernel without it
				return nil
			case err != nil:
				return err
			}
			return setReadOnly(path)
		}})
	}
	return steps
}

func setReadOnly(path string) error {
	return unix.MountSetattr(unix.AT_FDCWD, path, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}
