package daemon

import (
	"path"
	"strings"

	"slashdev/devmgr/devdir"
)

// lock keeps others from changing the disk that a tool reads, and waits for
// those who are at it. The lock of a partition is that of its disk. Mapped
// disks have none: their tables change while they are open.
func (h *host) lock() (release func(), err error) {
	node := h.wholeDisk()
	if node == "" || strings.HasPrefix(node, "dm-") {
		return func() {}, nil
	}
	return devdir.ShareDisk(h.ctx, h.place("/dev/"+node))
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
