package tree

import (
	"errors"
	"fmt"
	"io/fs"
)

// MountPoints are the directories that PID 1 and the kernel mount on. The root
// is read-only: a directory that is missing cannot be made later, and without
// /dev the kernel mounts no devtmpfs and init dies without a word (fault G1).
func MountPoints() []string {
	return []string{"/dev", "/devices", "/proc", "/sys", "/run", "/tmp", "/perm"}
}

// Lint says what keeps entries from being a root file system that boots.
// With nodes (an initramfs, where the kernel mounts nothing on /dev) it also
// wants real /dev/console and /dev/null nodes; without (squashfs) /dev is empty.
func Lint(entries []Entry, nodes bool) error {
	at := map[string]*Entry{}
	for i := range entries {
		at[entries[i].Path] = &entries[i]
	}
	var errs []error
	for _, dir := range MountPoints() {
		if e := at[dir]; e == nil || !e.Mode.IsDir() {
			errs = append(errs, fmt.Errorf("lint image: no directory %s", dir))
		}
	}
	if nodes {
		errs = append(errs, lintNode(at, "/dev/console", 5, 1), lintNode(at, "/dev/null", 1, 3), lintInit(at, "/init"))
	}
	return errors.Join(append(errs, lintInit(at, "/sbin/init"))...)
}

func lintNode(at map[string]*Entry, name string, major, minor uint32) error {
	e := at[name]
	if e == nil || e.Mode&fs.ModeCharDevice == 0 || e.Major != major || e.Minor != minor {
		return fmt.Errorf("lint image: no device node %s (c %d %d): init would die before its first line", name, major, minor)
	}
	return nil
}

// lintInit wants something that can be executed; a link is followed by hand, once.
func lintInit(at map[string]*Entry, name string) error {
	e := at[name]
	if e != nil && e.Mode&fs.ModeSymlink != 0 {
		e = at["/"+e.Link]
	}
	if e == nil || !e.Mode.IsRegular() || e.Mode&0o111 == 0 {
		return fmt.Errorf("lint image: no program %s", name)
	}
	return nil
}
