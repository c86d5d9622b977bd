package view

import (
	"sync"
	"syscall"
	"time"
)

// View is one way to see the back layer. It may be used by any goroutine.
type View struct {
	back  *Back
	stale stale

	mu      sync.Mutex
	opt     Options
	seen    uint64 // generation that the rest is true for
	since   uint64 // NewDev hide: what came later is hidden
	frozen  uint64 // read-only: what came later is not there; 0: not read-only
	lastOwn ID
	gone    map[string]bool    // names behind that were deleted here
	shown   map[string]bool    // names behind that mknod made visible
	attrs   map[ID]Attr        // of entries of the back layer
	places  map[ID]Place       // entries of the back layer that have a place of their own here
	objects map[ID]*object     // everything in dirs
	made    map[Place]*object  // nodes made by mknod
	dirs    map[ID]*dir        // directories that hold objects
	admits  map[string]verdict // directories behind, for this generation
}

// Place is a name in a directory.
type Place struct {
	Dir  ID
	Name string
}

// dir holds what a view has of its own in a directory.
type dir struct {
	back   string // the directory behind, whose entries show up here
	linked bool   // there is one
	names  map[string]*object
}

// object is an entry that a view has of its own: made by somebody, or moved, or
// a directory behind that holds such entries.
type object struct {
	Entry
	born  uint64  // generation of the back layer when it was made
	own   bool    // made or moved by somebody, so that it stays when it is empty
	under *object // what a directory behind hid when it became an object
}

// Entry is what a name in a view means. From is the name behind; "" means that
// the entry is the view's own. Over is the name behind of the place where an
// object of the view lies: a device that comes there will hide it.
type Entry struct {
	Item
	ID         ID
	From, Over string
}

// Listed is an entry in a directory.
type Listed struct {
	Name string
	ID   ID
	Kind Kind
}

// Caller is who asks for a change.
type Caller struct {
	UID, GID uint32
	Host     bool // of the machine, not of a container: may show what is hidden
}

// New returns a view of b.
func New(b *Back, opt Options) *View {
	v := &View{back: b, opt: opt, seen: b.Generation(), since: b.Generation(), lastOwn: ownID}
	v.stale.poke = make(chan struct{}, 1)
	if opt.ReadOnly {
		v.frozen = v.seen
	}
	return v
}

// Options returns the options of the view.
func (v *View) Options() Options {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.opt
}

// lock begins an operation: what the view keeps for devices that have gone is
// dropped, and the back layer stands still until unlock.
func (v *View) lock() {
	v.mu.Lock()
	v.back.mu.RLock()
	v.catchUp()
}

func (v *View) unlock() {
	v.back.mu.RUnlock()
	v.mu.Unlock()
}

// catchUp does what the events since the last look mean for this view.
func (v *View) catchUp() {
	now := v.back.gen.Load()
	if now == v.seen {
		return
	}
	changes, ok := v.back.log.since(v.seen)
	if ok {
		for _, c := range changes {
			v.forget(c.gone)
		}
	} else {
		v.compare()
	}
	v.seen = now
	clear(v.admits)
	v.adopt()
}

// adopt gives devices that came for nodes that mknod had made the attributes of
// those.
func (v *View) adopt() {
	for p, o := range v.made {
		d := v.dirs[p.Dir]
		if r := v.kid(*d, p.Name); r != nil && r.Kind == o.Kind && r.Born > o.born {
			if _, has := v.attrs[r.ID]; !has {
				v.setAttr(r.ID, v.objectEntry(o).Attr)
			}
		}
	}
}

// compare drops everything that is kept for what is no longer there.
func (v *View) compare() {
	for id := range v.attrs {
		v.forget(id)
	}
	for id := range v.places {
		v.forget(id)
	}
}

// forget drops what is kept for an entry of the back layer, if it has gone. A
// directory that was moved or holds something stays, to receive what comes.
func (v *View) forget(id ID) {
	if id <= Root || id >= ownID || v.back.byID[id] != nil {
		return
	}
	o := v.objects[id]
	if o != nil && o.Kind == Dir {
		return
	}
	delete(v.attrs, id)
	if o != nil {
		v.remove(o)
	}
}

// remove takes an object out of its place.
func (v *View) remove(o *object) {
	p := v.places[o.ID]
	names := v.dirs[p.Dir].names
	switch top := names[p.Name]; {
	case top != o:
		top.under = nil
	case o.under != nil:
		names[p.Name] = o.under
	default:
		delete(names, p.Name)
	}
	delete(v.objects, o.ID)
	delete(v.places, o.ID)
	delete(v.dirs, o.ID)
	if v.made[p] == o {
		delete(v.made, p)
	}
	if o.From == "" {
		delete(v.attrs, o.ID)
	}
}

// put adds an object at a place, whose directory is touched.
func (v *View) put(p Place, o *object) error {
	d, err := v.touch(p.Dir)
	if err != nil {
		return err
	}
	if v.objects == nil {
		v.objects, v.places, v.made = map[ID]*object{}, map[ID]Place{}, map[Place]*object{}
	}
	if o.From == "" && o.Kind.isDevice() {
		v.made[p] = o
	}
	o.born = v.seen
	d.names[p.Name] = o
	v.objects[o.ID], v.places[o.ID] = o, p
	return nil
}

// find returns the directory of an ID, as it is.
func (v *View) find(id ID) (dir, error) {
	if d := v.dirs[id]; d != nil {
		return *d, nil
	}
	if id == Root {
		return dir{linked: true}, nil
	}
	if o := v.objects[id]; o != nil {
		if o.Kind != Dir {
			return dir{}, syscall.ENOTDIR
		}
		return dir{back: o.From, linked: o.From != ""}, nil
	}
	switch r := v.back.byID[id]; {
	case r == nil:
		return dir{}, syscall.ENOENT
	case r.Kind != Dir:
		return dir{}, syscall.ENOTDIR
	default:
		return dir{back: r.Name, linked: true}, nil
	}
}

// touch returns a directory to put objects into. One of the back layer, and
// those above it, become objects for that.
func (v *View) touch(id ID) (*dir, error) {
	if d := v.dirs[id]; d != nil {
		return d, nil
	}
	found, err := v.find(id)
	if err != nil {
		return nil, err
	}
	if v.dirs == nil {
		v.dirs = map[ID]*dir{}
	}
	found.names = map[string]*object{}
	if id != Root && v.objects[id] == nil {
		r := v.back.byID[id]
		above := Place{v.front(parent(r.Name)), base(r.Name)}
		d, err := v.touch(above.Dir)
		if err != nil {
			return nil, err
		}
		o := &object{Entry: Entry{Item: r.Item, ID: id, From: r.Name}, under: d.names[above.Name]}
		if err := v.put(above, o); err != nil {
			return nil, err
		}
	}
	v.dirs[id] = &found
	return &found, nil
}

// front returns the ID of a directory behind.
func (v *View) front(name string) ID {
	if name == "" {
		return Root
	}
	return v.back.branches[name].record.ID
}

// own returns a new ID of the view.
func (v *View) own() ID {
	v.lastOwn++
	return v.lastOwn
}

func now() int64 { return time.Now().UnixNano() }
