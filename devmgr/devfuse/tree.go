// Package devfuse serves a view of the devices as a FUSE file system.
//
// What one has to know of FUSE to change anything here:
//
// A node, FIFO or socket is a special inode: open(2) goes from the kernel's
// file layer straight to the driver. The server sees that a name is looked up,
// never that it is opened, read or closed, and costs nothing after that.
//
// For the same reason nobody but the kernel checks the mode of a node, and it
// does so only with the mount option default_permissions: without it every user
// opens every device (E-1). Mount has no way to leave it out, and Check proves
// that it works before anything is mounted.
//
// Entries are cached for ever and invalidated when what is behind them changes.
// A notification makes the kernel take the lock of the directory, which a
// lookup in it holds until it is answered. So the goroutines that serve never
// notify and never touch the mount: Notify does it, on a goroutine of its own.
// Invalidating a name on which something is mounted unmounts that; fixed
// directories of the back layer (pts, shm, mqueue) never change, so theirs are
// never invalidated.
//
// That a name is missing is not cached: it may be there a moment later.
//
// The kernel counts how often it was told of a node and says when it forgets;
// as long as it has not, the number stands for the same thing. What is known of
// a node that has gone is kept until then, because somebody has it open.
package devfuse

import (
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"slashdev/devmgr/view"
)

// Tree answers the requests of one mount. It needs no mount itself.
type Tree struct {
	fuse.RawFileSystem
	view *view.View
	cfg  Config

	mu       sync.Mutex
	nodes    map[view.ID]*node
	held     map[string][]view.ID // by the names behind
	listings map[uint64]*listing
	lastFh   uint64
	waiting  int
}

// Config says where a Tree asks. The zero value is right without containers.
type Config struct {
	// Host says whether a process is of the machine and not of a container; nil
	// means that all are.
	Host func(pid uint32) bool
	// Missing is asked for a name that is not there; when it returns the name is
	// looked up once more. It may wait, but not longer than until cancel.
	Missing func(cancel <-chan struct{}, dir view.ID, name string)
}

// node is what the kernel knows.
type node struct {
	view.Entry
	lookups uint64 // times that the kernel was told of it
	place   view.Place
}

// forever is as long as a name and its attributes are cached.
const forever = 365 * 24 * time.Hour

// maxWaiting bounds the lookups that wait for Missing; more are answered at once.
const maxWaiting = 64

// New returns a Tree of a view.
func New(v *view.View, cfg Config) *Tree {
	return &Tree{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), view: v, cfg: cfg,
		nodes: map[view.ID]*node{}, held: map[string][]view.ID{}, listings: map[uint64]*listing{},
	}
}

// Known returns how many nodes the kernel knows.
func (t *Tree) Known() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.nodes)
}

// String implements fuse.RawFileSystem.
func (t *Tree) String() string { return "slashdev" }

// Lookup implements fuse.RawFileSystem.
func (t *Tree) Lookup(cancel <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if isMarker(in.NodeId, name) {
		return t.tellMarker(out)
	}
	p := view.Place{Dir: view.ID(in.NodeId), Name: name}
	e, err := t.view.Lookup(p.Dir, name)
	if err != nil && t.cfg.Missing != nil && t.wait(1) {
		t.cfg.Missing(cancel, p.Dir, name)
		t.wait(-1)
		select {
		case <-cancel:
			return fuse.EINTR
		default:
		}
		e, err = t.view.Lookup(p.Dir, name)
	}
	return t.tell(p, e, err, out)
}

// wait counts the lookups that wait, and says whether one more may.
func (t *Tree) wait(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n > 0 && t.waiting >= maxWaiting {
		return false
	}
	t.waiting += n
	return true
}

// tell answers with an entry, of which the kernel then knows once more.
func (t *Tree) tell(p view.Place, e view.Entry, err error, out *fuse.EntryOut) fuse.Status {
	if err != nil {
		return fuse.ToStatus(err)
	}
	if t.learn(p, e) {
		t.recheck(p, e)
	}
	fill(out, e)
	return fuse.OK
}

// learn counts one more thing that the kernel knows; anew means that the view
// did not watch it before.
func (t *Tree) learn(p view.Place, e view.Entry) (anew bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[e.ID]
	switch {
	case n == nil:
		n, anew = &node{}, true
		t.nodes[e.ID] = n
		t.hold(e)
	case n.From != e.From || n.Over != e.Over:
		anew = true
		t.drop(n.Entry)
		t.hold(e)
	}
	n.Entry, n.place = e, p
	n.lookups++
	return anew
}

// recheck looks whether an entry changed before it was watched. The kernel
// keeps what it was told until the notification, which waits for the answer.
func (t *Tree) recheck(p view.Place, e view.Entry) {
	now, err := t.view.Lookup(p.Dir, p.Name)
	if err == nil && now == e {
		return
	}
	for _, name := range [...]string{e.From, e.Over} {
		if name != "" {
			t.view.Suspect(name)
		}
	}
}

// Forget implements fuse.RawFileSystem.
func (t *Tree) Forget(id, lookups uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[view.ID(id)]
	if n == nil {
		return
	}
	if n.lookups -= min(lookups, n.lookups); n.lookups == 0 {
		delete(t.nodes, n.ID)
		t.drop(n.Entry)
	}
}

// hold has the view tell when what is behind an entry changes.
func (t *Tree) hold(e view.Entry) {
	for _, name := range [...]string{e.From, e.Over} {
		if name == "" {
			continue
		}
		if len(t.held[name]) == 0 {
			t.view.Hold(name)
		}
		t.held[name] = append(t.held[name], e.ID)
	}
}

func (t *Tree) drop(e view.Entry) {
	for _, name := range [...]string{e.From, e.Over} {
		if name == "" {
			continue
		}
		if t.held[name] = without(t.held[name], e.ID); len(t.held[name]) == 0 {
			delete(t.held, name)
			t.view.Drop(name)
		}
	}
}

func without(ids []view.ID, id view.ID) []view.ID {
	for i := range ids {
		if ids[i] == id {
			ids[i] = ids[len(ids)-1]
			return ids[:len(ids)-1]
		}
	}
	return ids
}

// GetAttr implements fuse.RawFileSystem.
func (t *Tree) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	out.SetTimeout(forever)
	if in.NodeId == uint64(markerID) {
		markerAttr(&out.Attr)
		return fuse.OK
	}
	e, err := t.get(view.ID(in.NodeId))
	if err != nil {
		return fuse.ToStatus(err)
	}
	fillAttr(&out.Attr, e)
	return fuse.OK
}

// get returns what an ID stands for, or stood for: it may be open still.
func (t *Tree) get(id view.ID) (view.Entry, error) {
	e, err := t.view.Get(id)
	if err == nil {
		return e, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.nodes[id]; n != nil {
		return n.Entry, nil
	}
	return e, err
}

// Readlink implements fuse.RawFileSystem.
func (t *Tree) Readlink(_ <-chan struct{}, in *fuse.InHeader) ([]byte, fuse.Status) {
	e, err := t.get(view.ID(in.NodeId))
	switch {
	case err != nil:
		return nil, fuse.ToStatus(err)
	case e.Kind != view.Link:
		return nil, fuse.EINVAL
	}
	return []byte(e.Target), fuse.OK
}

// StatFs implements fuse.RawFileSystem.
func (t *Tree) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.NameLen, out.Bsize, out.Frsize = 255, blockSize, blockSize
	return fuse.OK
}

const blockSize = 4096

func fill(out *fuse.EntryOut, e view.Entry) {
	out.NodeId = uint64(e.ID)
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	fillAttr(&out.Attr, e)
}

func fillAttr(a *fuse.Attr, e view.Entry) {
	a.Ino, a.Nlink, a.Blksize = uint64(e.ID), 1, blockSize
	a.Mode = kindMode(e.Kind) | e.Attr.Mode
	a.Uid, a.Gid = e.Attr.UID, e.Attr.GID
	a.Rdev = number(e.Major, e.Minor)
	a.Size = uint64(len(e.Target))
	a.Atime, a.Atimensec = seconds(e.Attr.Access)
	a.Mtime, a.Mtimensec = seconds(e.Attr.Modify)
	a.Ctime, a.Ctimensec = seconds(e.Attr.Change)
}

func seconds(ns int64) (s uint64, rest uint32) {
	return uint64(ns / int64(time.Second)), uint32(ns % int64(time.Second))
}

// number packs a device number as the kernel does in 32 bits.
func number(major, minor uint32) uint32 { return minor&0xff | major<<8 | minor&^0xff<<12 }

func numbers(rdev uint32) (major, minor uint32) {
	return rdev >> 8 & 0xfff, rdev&0xff | rdev>>12&^0xff
}
