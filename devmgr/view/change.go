package view

import "syscall"

// maxObjects bounds what a view has of its own.
const maxObjects = 1 << 16

// begin checks what every change needs: that the view can be changed, and that
// the names are good. It returns locked if err is nil.
func (v *View) begin(names ...string) error {
	for _, name := range names {
		if err := checkPart(name); err != nil {
			return err
		}
	}
	v.lock()
	switch {
	case v.frozen > 0:
		v.unlock()
		return syscall.EROFS
	case len(v.objects) >= maxObjects:
		v.unlock()
		return syscall.ENOSPC
	}
	return nil
}

// Mknod makes a node, FIFO or socket. The name of a device that is hidden shows
// it again, whatever the number.
func (v *View) Mknod(p Place, it Item, c Caller) (Entry, error) {
	if err := v.begin(p.Name); err != nil {
		return Entry{}, err
	}
	defer v.unlock()
	d, err := v.vacant(p)
	if err != nil {
		return Entry{}, err
	}
	if !it.Kind.isDevice() {
		return v.make(p, Entry{Item: it})
	}
	r := v.kid(d, p.Name)
	reveals := r != nil && r.Kind != Dir && !v.elsewhere(r)
	if (reveals || v.opt.Lock) && !c.Host {
		return Entry{}, syscall.EPERM
	}
	if d.linked {
		v.reveal(join(d.back, p.Name))
	}
	if reveals {
		return v.dress(r), nil
	}
	return v.make(p, Entry{Item: it})
}

// reveal makes a name behind visible, now or when it comes.
func (v *View) reveal(name string) {
	delete(v.gone, name)
	if v.opt.NewDev != Show || len(v.opt.Rules) > 0 {
		v.shown = set(v.shown, name)
		clear(v.admits)
	}
}

func set(m map[string]bool, name string) map[string]bool {
	if m == nil {
		m = map[string]bool{}
	}
	m[name] = true
	return m
}

func (v *View) elsewhere(r *Record) bool {
	_, moved := v.places[r.ID]
	return moved
}

// vacant returns the directory of a place where nothing is to be seen, and
// clears away an object that had been hidden.
func (v *View) vacant(p Place) (dir, error) {
	d, err := v.find(p.Dir)
	if err != nil {
		return d, err
	}
	if _, there := v.child(d, p.Name); there {
		return d, syscall.EEXIST
	}
	v.clear(p)
	return d, nil
}

// clear removes objects that cannot be seen.
func (v *View) clear(p Place) {
	d := v.dirs[p.Dir]
	for d != nil && d.names[p.Name] != nil {
		o := d.names[p.Name]
		if inner := v.dirs[o.ID]; inner != nil {
			for name := range inner.names {
				v.clear(Place{o.ID, name})
			}
		}
		v.remove(o)
	}
}

// make puts a new object of the view at a place.
func (v *View) make(p Place, e Entry) (Entry, error) {
	if e.ID == 0 {
		e.ID = v.own()
	}
	t := now()
	e.Attr.Access, e.Attr.Modify, e.Attr.Change = t, t, t
	if err := v.put(p, &object{Entry: e, own: true}); err != nil {
		return e, err
	}
	return v.present(p)
}

// Symlink makes a link. It may cover a device that is hidden.
func (v *View) Symlink(p Place, target string, c Caller) (Entry, error) {
	if len(target) > maxName {
		return Entry{}, syscall.ENAMETOOLONG
	}
	if err := v.begin(p.Name); err != nil {
		return Entry{}, err
	}
	defer v.unlock()
	if _, err := v.vacant(p); err != nil {
		return Entry{}, err
	}
	return v.make(p, Entry{Item: Item{Kind: Link, Target: target, Attr: Attr{Mode: 0o777, UID: c.UID, GID: c.GID}}})
}

// Mkdir makes a directory. Devices that come behind under its name are in it.
func (v *View) Mkdir(p Place, mode uint32, c Caller) (Entry, error) {
	if err := v.begin(p.Name); err != nil {
		return Entry{}, err
	}
	defer v.unlock()
	d, err := v.vacant(p)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Item: Item{Kind: Dir, Attr: Attr{Mode: mode, UID: c.UID, GID: c.GID}}}
	r := v.kid(d, p.Name)
	if !d.linked || r != nil && r.Kind != Dir || v.linkedTo(join(d.back, p.Name)) {
		return v.make(p, e)
	}
	e.From = join(d.back, p.Name)
	delete(v.gone, e.From)
	e.ID = v.back.identity(&Record{Item: Item{Kind: Dir}, Name: e.From})
	if r != nil {
		e.ID = r.ID
	}
	v.setAttr(e.ID, e.Attr)
	return v.make(p, e)
}

// linkedTo says whether a directory of the view shows the one of this name
// behind.
func (v *View) linkedTo(name string) bool {
	for id := range v.places {
		if o := v.objects[id]; o.Kind == Dir && o.From == name {
			return true
		}
	}
	return false
}

// Unlink deletes what is no directory. A device is hidden by that, wherever it
// had been moved.
func (v *View) Unlink(p Place) error {
	if err := v.begin(p.Name); err != nil {
		return err
	}
	defer v.unlock()
	e, err := v.present(p)
	switch {
	case err != nil:
		return err
	case e.Kind == Dir:
		return syscall.EISDIR
	}
	return v.discard(p, e)
}

// Rmdir deletes a directory in which nothing is to be seen.
func (v *View) Rmdir(p Place) error {
	if err := v.begin(p.Name); err != nil {
		return err
	}
	defer v.unlock()
	e, err := v.present(p)
	switch {
	case err != nil:
		return err
	case e.Kind != Dir:
		return syscall.ENOTDIR
	}
	return v.discard(p, e)
}

func (v *View) present(p Place) (Entry, error) {
	d, err := v.find(p.Dir)
	if err != nil {
		return Entry{}, err
	}
	e, ok := v.child(d, p.Name)
	if !ok {
		return e, syscall.ENOENT
	}
	return e, nil
}

// discard deletes an entry, and says why it cannot.
func (v *View) discard(p Place, e Entry) error {
	r := v.back.byID[e.ID]
	if e.Kind == Dir {
		d, err := v.find(e.ID)
		switch {
		case err != nil:
			return err
		case r != nil && r.fixed:
			return syscall.EBUSY
		case len(v.list(d)) > 0:
			return syscall.ENOTEMPTY
		}
	}
	if r != nil && v.opt.KeepAll {
		return syscall.EPERM
	}
	v.clear(p)
	delete(v.attrs, e.ID)
	if r != nil {
		v.gone = set(v.gone, r.Name)
	}
	return nil
}

// AttrChange is what to change; nil is left.
type AttrChange struct {
	Mode, UID, GID *uint32
	Access, Modify *int64
}

// SetAttr changes attributes.
func (v *View) SetAttr(id ID, c AttrChange) (Entry, error) {
	e, err := v.trySetAttr(id, c)
	if err != nil || !e.shares {
		return e.Entry, err
	}
	v.back.share(id, e.Attr) // takes the lock that trySetAttr had for reading
	return e.Entry, nil
}

type attrSet struct {
	Entry
	shares bool
}

func (v *View) trySetAttr(id ID, c AttrChange) (attrSet, error) {
	if err := v.begin(); err != nil {
		return attrSet{}, err
	}
	defer v.unlock()
	e, err := v.entryOf(id)
	if err != nil {
		return attrSet{}, err
	}
	r := v.back.byID[id]
	if r != nil && r.Kind.isDevice() && v.opt.Links {
		return attrSet{}, syscall.EPERM
	}
	c.apply(&e.Attr)
	if r != nil && r.Kind.isDevice() && v.opt.SharedAttrs {
		return attrSet{e, true}, nil
	}
	v.setAttr(id, e.Attr)
	return attrSet{e, false}, nil
}

func (c AttrChange) apply(a *Attr) {
	if c.Mode != nil {
		a.Mode = *c.Mode & 0o7777
	}
	if c.UID != nil {
		a.UID = *c.UID
	}
	if c.GID != nil {
		a.GID = *c.GID
	}
	if c.Access != nil {
		a.Access = *c.Access
	}
	if c.Modify != nil {
		a.Modify = *c.Modify
	}
	a.Change = now()
}

func (v *View) setAttr(id ID, a Attr) {
	if v.attrs == nil {
		v.attrs = map[ID]Attr{}
	}
	v.attrs[id] = a
}

// Refresh shows again what was deleted; what was moved stays where it is.
func (v *View) Refresh() error {
	if err := v.begin(); err != nil {
		return err
	}
	defer v.unlock()
	v.gone = nil
	return nil
}

// SetReadOnly freezes the view as it is, or lets it go on.
func (v *View) SetReadOnly(on bool) {
	v.lock()
	defer v.unlock()
	v.opt.ReadOnly, v.frozen = on, 0
	if on {
		v.frozen = v.seen
	}
	clear(v.admits)
}
