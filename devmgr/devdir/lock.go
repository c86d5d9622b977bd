package devdir

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// lockPause is how long after a disk was found locked it is tried again.
const lockPause = 200 * time.Millisecond

// ShareDisk takes a shared lock on the node of a disk, for the time in which
// the disk is read. Who makes partitions or a file system holds the lock alone
// (flock, "udevadm lock") and is waited for until ctx ends. A node that cannot
// be opened needs no lock.
func ShareDisk(ctx context.Context, node string) (release func(), err error) {
	fd, err := unix.Open(node, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return func() {}, nil
	}
	release = func() { unix.Close(fd) }
	for unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) == unix.EWOULDBLOCK {
		select {
		case <-ctx.Done():
			release()
			return nil, fmt.Errorf("lock %s: somebody works on the disk: %w", node, ctx.Err())
		case <-time.After(lockPause):
		}
	}
	return release, nil
}
