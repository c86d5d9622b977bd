package devfuse

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"slashdev/devmgr/view"
)

// kinds are the types of inodes that a view can hold.
var kinds = map[view.Kind]uint32{
	view.Dir: syscall.S_IFDIR, view.Char: syscall.S_IFCHR, view.Block: syscall.S_IFBLK,
	view.Link: syscall.S_IFLNK, view.Fifo: syscall.S_IFIFO, view.Socket: syscall.S_IFSOCK,
}

func kindMode(k view.Kind) uint32 { return kinds[k] }

func kindOf(mode uint32) (view.Kind, bool) {
	for k, bits := range kinds {
		if mode&syscall.S_IFMT == bits {
			return k, true
		}
	}
	return 0, false
}

// modeBits are what chmod changes.
const modeBits = 0o7777

func at(id uint64, name string) view.Place { return view.Place{Dir: view.ID(id), Name: name} }

func (t *Tree) caller(in *fuse.InHeader) view.Caller {
	return view.Caller{UID: in.Uid, GID: in.Gid, Host: t.cfg.Host == nil || t.cfg.Host(in.Pid)}
}

// Mknod implements fuse.RawFileSystem. There are no regular files: what a typo
// redirects to /dev is not to fill the memory.
func (t *Tree) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	kind, known := kindOf(in.Mode)
	if !known || isMarker(in.NodeId, name) || kind == view.Dir || kind == view.Link {
		return fuse.EPERM
	}
	it := view.Item{Kind: kind, Attr: view.Attr{Mode: in.Mode & modeBits, UID: in.Uid, GID: in.Gid}}
	if kind == view.Char || kind == view.Block {
		it.Major, it.Minor = numbers(in.Rdev)
	}
	p := at(in.NodeId, name)
	e, err := t.view.Mknod(p, it, t.caller(&in.InHeader))
	return t.tell(p, e, err, out)
}

// Create implements fuse.RawFileSystem.
func (t *Tree) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return fuse.EPERM
}

// Tmpfile implements fuse.RawFileSystem.
func (t *Tree) Tmpfile(<-chan struct{}, *fuse.CreateIn, *fuse.CreateOut) fuse.Status {
	return fuse.EPERM
}

// Link implements fuse.RawFileSystem.
func (t *Tree) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

// Mkdir implements fuse.RawFileSystem.
func (t *Tree) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	if s := keepMarker(in.NodeId, name); s != fuse.OK {
		return s
	}
	p := at(in.NodeId, name)
	e, err := t.view.Mkdir(p, in.Mode&modeBits, t.caller(&in.InHeader))
	return t.tell(p, e, err, out)
}

// Symlink implements fuse.RawFileSystem.
func (t *Tree) Symlink(_ <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	if s := keepMarker(in.NodeId, name); s != fuse.OK {
		return s
	}
	p := at(in.NodeId, name)
	e, err := t.view.Symlink(p, target, t.caller(in))
	return t.tell(p, e, err, out)
}

// Unlink implements fuse.RawFileSystem.
func (t *Tree) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	if s := keepMarker(in.NodeId, name); s != fuse.OK {
		return s
	}
	err := t.view.Unlink(at(in.NodeId, name))
	t.emptied(view.ID(in.NodeId))
	return fuse.ToStatus(err)
}

// Rmdir implements fuse.RawFileSystem.
func (t *Tree) Rmdir(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	err := t.view.Rmdir(at(in.NodeId, name))
	t.emptied(view.ID(in.NodeId))
	return fuse.ToStatus(err)
}

// emptied looks whether directories are gone because the last of what was ours
// in them is: the devices had gone before.
func (t *Tree) emptied(dir view.ID) {
	for dir != view.Root {
		n, known := t.known(dir)
		if !known {
			return
		}
		if _, err := t.view.Lookup(n.place.Dir, n.place.Name); err == nil {
			return
		}
		t.view.Suspect(n.From)
		dir = n.place.Dir
	}
}

func (t *Tree) known(id view.ID) (node, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.nodes[id]; n != nil {
		return *n, true
	}
	return node{}, false
}

// renameNoReplace is the only flag of renameat2(2) that there is here.
const renameNoReplace = 1

// Rename implements fuse.RawFileSystem.
func (t *Tree) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	switch {
	case in.Flags&^renameNoReplace != 0:
		return fuse.EINVAL
	case isMarker(in.NodeId, oldName), isMarker(in.Newdir, newName):
		return fuse.EPERM
	}
	to := at(in.Newdir, newName)
	err := t.view.Rename(at(in.NodeId, oldName), to, in.Flags&renameNoReplace != 0)
	if err == nil {
		t.moved(to)
		t.emptied(view.ID(in.NodeId))
	}
	return fuse.ToStatus(err)
}

// moved notes where the kernel now has a node.
func (t *Tree) moved(to view.Place) {
	e, err := t.view.Lookup(to.Dir, to.Name)
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.nodes[e.ID]; err == nil && n != nil {
		t.drop(n.Entry)
		n.Entry, n.place = e, to
		t.hold(e)
	}
}

// SetAttr implements fuse.RawFileSystem.
func (t *Tree) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if in.NodeId == uint64(markerID) {
		return fuse.EPERM
	}
	e, err := t.view.SetAttr(view.ID(in.NodeId), wanted(in))
	if err != nil {
		return fuse.ToStatus(err)
	}
	out.SetTimeout(forever)
	fillAttr(&out.Attr, e)
	return fuse.OK
}

func wanted(in *fuse.SetAttrIn) (c view.AttrChange) {
	if mode, ok := in.GetMode(); ok {
		mode &= modeBits
		c.Mode = &mode
	}
	if uid, ok := in.GetUID(); ok {
		c.UID = &uid
	}
	if gid, ok := in.GetGID(); ok {
		c.GID = &gid
	}
	if when, ok := in.GetATime(); ok {
		c.Access = nanoseconds(when)
	}
	if when, ok := in.GetMTime(); ok {
		c.Modify = nanoseconds(when)
	}
	return c
}

func nanoseconds(t time.Time) *int64 {
	ns := max(t.UnixNano(), 0)
	return &ns
}
