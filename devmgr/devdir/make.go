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
