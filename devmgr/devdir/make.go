package devdir

import (
	"fmt"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/namespace"
)

// Make makes a node that the kernel has not made, for root alone, unless
// something is there.
func (d *Dir) Make(name string, n namespace.Node) error {
	fd, base, err := d.parent(name, true)
	if err == nil {
		mode := uint32(unix.S_IFCHR | 0o600)
		if n.Block {
			mode = unix.S_IFBLK | 0o600
		}
		err = unix.Mknodat(fd, base, mode, int(unix.Mkdev(n.Major, n.Minor)))
	}
	if err != nil && err != unix.EEXIST {
		return fmt.Errorf("make node %s: %w", name, err)
	}
	return nil
}

// makeNode makes a node that must go with its device. One that is there is the
// kernel's, which removes it itself.
func (d *Dir) makeNode(name string, n namespace.Node) error {
	if fd, base, err := d.parent(name, true); err == nil && unix.Faccessat(fd, base, unix.F_OK, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return nil
	}
	d.made[name] = true
	return d.Make(name, n)
}

// removeNode removes a node that makeNode has made and nobody replaced.
func (d *Dir) removeNode(name string, n namespace.Node) error {
	if !d.made[name] {
		return nil
	}
	delete(d.made, name)
	fd, base, err := d.parent(name, false)
	if err != nil {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstatat(fd, base, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || !d.isNode(&st, n) {
		return nil
	}
	return unix.Unlinkat(fd, base, 0)
}
