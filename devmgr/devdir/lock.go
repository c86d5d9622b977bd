package devdir

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ShareDisk takes a shared lock on the node of a disk, for the time in which
// the disk is read. Who makes partitions or a file system holds the lock alone
// (flock, "udevadm lock"): then ok is false. A node that cannot be opened needs
// no lock.
func ShareDisk(node string) (release func(), ok bool) {
	fd, err := unix.Open(node, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return func() {}, true
	}
	if unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK {
		unix.Close(fd)
		return nil, false
	}
	return func() { unix.Close(fd) }, true
}

// Reread makes the kernel read the partition table of a disk again. A disk that
// is locked, or whose partitions are in use, stays as it is.
func Reread(node string) error {
	fd, err := unix.Open(node, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("reread %s: %w", node, err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("reread %s: lock: %w", node, err)
	}
	if err := unix.IoctlSetInt(fd, unix.BLKRRPART, 0); err != nil {
		return fmt.Errorf("reread %s: %w", node, err)
	}
	return nil
}
