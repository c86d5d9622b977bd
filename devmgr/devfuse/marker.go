package devfuse

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"slashdev/devmgr/view"
)

// The marker is a file in the root of every view: that it exists says that a
// devfs is mounted. It is not listed, and cannot be changed.
const (
	markerName = ".devfsd"
	markerID   = view.Root + 1
	markerText = "slashdev 1\n"
)

func isMarker(dir uint64, name string) bool { return dir == uint64(view.Root) && name == markerName }

// keepMarker refuses to make, move or delete the marker.
func keepMarker(dir uint64, name string) fuse.Status {
	if isMarker(dir, name) {
		return fuse.EPERM
	}
	return fuse.OK
}

func markerAttr(a *fuse.Attr) {
	*a = fuse.Attr{Ino: uint64(markerID), Mode: syscall.S_IFREG | 0o400, Nlink: 1, Size: uint64(len(markerText)), Blksize: blockSize}
}

// tellMarker answers a lookup of the marker.
func (t *Tree) tellMarker(out *fuse.EntryOut) fuse.Status {
	t.learn(view.Place{Dir: view.Root, Name: markerName}, view.Entry{ID: markerID})
	out.NodeId = uint64(markerID)
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	markerAttr(&out.Attr)
	return fuse.OK
}

// Open implements fuse.RawFileSystem, for the marker: nodes are opened by the
// kernel.
func (t *Tree) Open(_ <-chan struct{}, in *fuse.OpenIn, _ *fuse.OpenOut) fuse.Status {
	switch {
	case in.NodeId != uint64(markerID):
		return fuse.ENOSYS
	case in.Flags&syscall.O_ACCMODE != syscall.O_RDONLY:
		return fuse.EPERM
	}
	return fuse.OK
}

// Read implements fuse.RawFileSystem, for the marker.
func (t *Tree) Read(_ <-chan struct{}, in *fuse.ReadIn, _ []byte) (fuse.ReadResult, fuse.Status) {
	if in.NodeId != uint64(markerID) {
		return nil, fuse.EIO
	}
	from := min(in.Offset, uint64(len(markerText)))
	to := min(from+uint64(in.Size), uint64(len(markerText)))
	return fuse.ReadResultData([]byte(markerText[from:to])), fuse.OK
}
