// Package view shows the devices of a machine, each view in its own way.
//
// The back layer (Back) holds what there is: the nodes and links of all
// devices under the names that policy gave them. The device manager's loop is
// the only one that writes to it, in time that depends neither on the number
// of devices nor of views. A View is an overlay: it keeps what has been
// changed in it (whiteouts, moves, attributes, objects of its own) and looks
// everything else up behind it. An event never touches a view. It raises the
// generation of the back layer, and a view that is looked at later drops what
// it kept for devices that have gone.
//
// Every entry has an identity (ID). A device that comes back is another one
// even under its old name, while a directory is the same one for as long as it
// has the same name behind. So what was moved stays linked: a device vanishes
// wherever its entry is, and a directory receives new devices wherever it is.
//
// One predicate decides what is visible, for lookup, listing and mknod alike.
package view

import (
	"encoding/binary"
	"hash/fnv"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// ID tells an entry from all others that a view has or had.
type ID uint64

// Root is the directory that a view is.
const Root ID = 1

// Kind is the type of an entry.
type Kind byte

// The kinds of entries.
const (
	Dir Kind = iota
	Char
	Block
	Link
	Fifo
	Socket
)

func (k Kind) isDevice() bool { return k == Char || k == Block }

// Attr is what chmod, chown and touch change. Times are in ns since 1970.
type Attr struct {
	Mode                   uint32
	UID, GID               uint32
	Access, Modify, Change int64
}

// Item is what a name in the back layer stands for.
type Item struct {
	Kind         Kind
	Major, Minor uint32
	Target       string // of a Link
	Key          string // tells the device from another that has the name and number later
	Attr         Attr
}

// Record is an entry of the back layer. It is never changed once it is there.
type Record struct {
	Item
	ID     ID
	Name   string // below /dev
	Born   uint64 // generation in which it came
	shared *Attr  // what views that share attributes have made of it
	fixed  bool   // a directory that stays: something is mounted there
}

// Back is the back layer. One goroutine calls Put, Remove and Fix; any may
// look views up.
type Back struct {
	gen      atomic.Uint64
	mu       sync.RWMutex
	branches map[string]*branch // directories, by name; "" is the root
	byID     map[ID]*Record
	past     map[string]uint32 // how often a name and key were there before
	epoch    uint32            // how often past was forgotten
	log      changeLog
	holds    holds
}

type branch struct {
	record *Record
	kids   map[string]*Record
	sorted atomic.Pointer[[]*Record] // nil: to be sorted again, by who reads it
}

// NewBack returns an empty back layer.
func NewBack() *Back {
	b := &Back{branches: map[string]*branch{}, byID: map[ID]*Record{}, past: map[string]uint32{}}
	b.branches[""] = &branch{record: &Record{Item: Item{Kind: Dir, Attr: Attr{Mode: 0o755}}, ID: Root, fixed: true}, kids: map[string]*Record{}}
	b.gen.Store(1)
	b.log.least = leastLog
	return b
}

// Generation counts the changes of the back layer.
func (b *Back) Generation() uint64 { return b.gen.Load() }

// Len returns the number of nodes, links and directories.
func (b *Back) Len() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.byID)
}

// Put makes name stand for an item. An item of the same identity only gets new
// attributes; any other is a new device.
func (b *Back) Put(name string, it Item) error {
	if err := CheckName(name); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.at(name)
	switch {
	case old != nil && old.Kind == Dir:
		return syscall.EISDIR
	case old != nil && old.same(it):
		if old.Attr != it.Attr {
			b.swap(old, func(r *Record) { r.Attr = it.Attr })
		}
		return nil
	}
	if err := b.room(path.Dir(name)); err != nil {
		return err
	}
	if old != nil {
		b.remove(old)
	}
	b.add(&Record{Item: it, Name: name})
	return nil
}

// Fix makes a directory that stays while it is empty, to mount something on.
func (b *Back) Fix(name string, a Attr) error {
	if err := CheckName(name); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.room(name); err != nil {
		return err
	}
	b.swap(b.mkdir(name), func(r *Record) { r.Attr, r.fixed = a, true })
	return nil
}

// Remove takes a node or link away, and the directories that it leaves empty.
func (b *Back) Remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.at(name); r != nil && r.Kind != Dir {
		b.remove(r)
	}
}

func (r *Record) same(it Item) bool {
	return r.Kind == it.Kind && r.Major == it.Major && r.Minor == it.Minor && r.Target == it.Target && r.Key == it.Key
}

// at returns what name stands for.
func (b *Back) at(name string) *Record {
	if br := b.branches[parent(name)]; br != nil {
		return br.kids[path.Base(name)]
	}
	return nil
}

// room says why there can be no directory of this name.
func (b *Back) room(name string) error {
	for ; name != "." && name != ""; name = path.Dir(name) {
		if r := b.at(name); r != nil && r.Kind != Dir {
			return syscall.ENOTDIR
		}
	}
	return nil
}

func (b *Back) mkdir(name string) *Record {
	if br := b.branches[name]; br != nil {
		return br.record
	}
	r := &Record{Name: name, Item: Item{Kind: Dir, Attr: Attr{Mode: 0o755}}}
	b.branches[name] = &branch{record: r, kids: map[string]*Record{}}
	b.add(r)
	return r
}

// add puts a record in its place, and makes the directories above it.
func (b *Back) add(r *Record) {
	b.mkdir(parent(r.Name))
	r.ID, r.Born = b.identity(r), b.gen.Load()+1
	br := b.branches[parent(r.Name)]
	br.kids[path.Base(r.Name)] = r
	br.sorted.Store(nil)
	b.byID[r.ID] = r
	b.note(change{name: r.Name})
}

func (b *Back) remove(r *Record) {
	br := b.branches[parent(r.Name)]
	delete(br.kids, path.Base(r.Name))
	delete(b.byID, r.ID)
	delete(b.branches, r.Name)
	br.sorted.Store(nil)
	if r.Kind != Dir {
		b.remember(r)
	}
	b.note(change{name: r.Name, gone: r.ID})
	if len(br.kids) == 0 && !br.record.fixed {
		b.remove(br.record)
	}
}

// swap replaces a record by a changed copy.
func (b *Back) swap(old *Record, edit func(*Record)) {
	r := *old
	edit(&r)
	if br := b.branches[r.Name]; br != nil {
		br.record = &r
	}
	br := b.branches[parent(r.Name)]
	br.kids[path.Base(r.Name)] = &r
	br.sorted.Store(nil)
	b.byID[r.ID] = &r
	b.note(change{name: r.Name})
}

// note publishes a change that has been made.
func (b *Back) note(c change) {
	b.log.add(c, len(b.byID))
	b.gen.Add(1)
	b.holds.wake(c.name)
}

// firstID leaves the small numbers to Root and to nothing; ownID marks what
// belongs to a view.
const (
	firstID ID = 1 << 16
	ownID   ID = 1 << 63
)

// identity is the same for the same history, so that a manager that starts
// anew finds the numbers that its predecessor gave. Directories are their
// name.
func (b *Back) identity(r *Record) ID {
	h := fnv.New64a()
	h.Write([]byte(r.Name + "\x00" + r.Key))
	n := b.past[r.Name+"\x00"+r.Key]
	var tail [9]byte
	tail[0] = byte(r.Kind)
	binary.LittleEndian.PutUint32(tail[1:], n)
	binary.LittleEndian.PutUint32(tail[5:], b.epoch)
	h.Write(tail[:])
	for id := ID(h.Sum64()) &^ ownID; ; id++ {
		if id >= firstID && id < ownID && b.byID[id] == nil {
			return id
		}
	}
}

const maxPast = 1 << 16

func (b *Back) remember(r *Record) {
	if len(b.past) >= maxPast {
		clear(b.past)
		b.epoch++
	}
	b.past[r.Name+"\x00"+r.Key]++
}

// share gives a device attributes that all views which share them show.
func (b *Back) share(id ID, a Attr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.byID[id]; r != nil {
		b.swap(r, func(r *Record) { r.shared = &a })
	}
}

// list returns the entries of a directory in the order of their names.
func (b *Back) list(name string) []*Record {
	br := b.branches[name]
	if br == nil {
		return nil
	}
	if sorted := br.sorted.Load(); sorted != nil {
		return *sorted
	}
	sorted := make([]*Record, 0, len(br.kids))
	for _, r := range br.kids {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(x, y *Record) int { return strings.Compare(x.Name, y.Name) })
	br.sorted.Store(&sorted)
	return sorted
}

func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

const (
	maxPart = 255
	maxName = 4095
)

// CheckName refuses names that lead out of /dev or play with terminals.
func CheckName(name string) error {
	if len(name) > maxName {
		return syscall.ENAMETOOLONG
	}
	for part := range strings.SplitSeq(name, "/") {
		if err := checkPart(part); err != nil {
			return err
		}
	}
	return nil
}

func checkPart(part string) error {
	switch {
	case len(part) > maxPart:
		return syscall.ENAMETOOLONG
	case part == "" || part == "." || part == "..":
		return syscall.EINVAL
	}
	for i := range len(part) {
		if part[i] < ' ' || part[i] == 0x7f || part[i] == '/' {
			return syscall.EINVAL
		}
	}
	return nil
}
