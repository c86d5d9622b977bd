package daemon

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"slashdev/devmgr/devdir"
	udevrules "slashdev/devmgr/rules/udev"
)

// A disk that somebody holds locked, to make partitions or a file system, is
// tried again; at last its device gets what it gets without that answer.
const (
	lockPause = 200 * time.Millisecond
	lockTime  = 3 * time.Minute
)

var errLocked = errors.New("somebody works on the disk")

// lock keeps others from changing the disk that a tool reads. The lock of a
// partition is that of its disk. Mapped disks have none: their tables change
// while they are open.
func (h *host) lock() (release func(), err error) {
	node := h.wholeDisk()
	if node == "" || strings.HasPrefix(node, "dm-") {
		return func() {}, nil
	}
	release, ok := devdir.ShareDisk(h.place("/dev/" + node))
	switch {
	case ok:
		return release, nil
	case h.patient:
		return nil, udevrules.ErrLater
	}
	return nil, fmt.Errorf("lock %s: %w", node, errLocked)
}

// wholeDisk returns the node of the disk that the device is or is on.
func (h *host) wholeDisk() string {
	switch d := h.device; {
	case d.Subsystem != "block":
		return ""
	case d.DevType() != "partition":
		return d.DevName
	}
	disk, err := h.sys.Read(path.Dir(h.device.DevPath))
	if err != nil || disk.Subsystem != "block" {
		return ""
	}
	return disk.Env.Get("DEVNAME")
}
