package view

import (
	"maps"
	"slices"
	"strings"
	"syscall"
)

// verdict says whether a directory behind is admitted.
type verdict bool

// Lookup returns what name means in a directory.
func (v *View) Lookup(id ID, name string) (Entry, error) {
	if len(name) > maxPart {
		return Entry{}, syscall.ENAMETOOLONG
	}
	v.lock()
	defer v.unlock()
	d, err := v.find(id)
	if err != nil {
		return Entry{}, err
	}
	e, ok := v.child(d, name)
	if !ok {
		return Entry{}, syscall.ENOENT
	}
	return e, nil
}

// Get returns the entry of an ID, be it visible or not: somebody has it open.
func (v *View) Get(id ID) (Entry, error) {
	v.lock()
	defer v.unlock()
	return v.entryOf(id)
}

func (v *View) entryOf(id ID) (Entry, error) {
	if id == Root {
		return v.dress(v.back.branches[""].record), nil
	}
	if o := v.objects[id]; o != nil {
		return v.objectEntry(o), nil
	}
	if r := v.back.byID[id]; r != nil {
		return v.dress(r), nil
	}
	return Entry{}, syscall.ENOENT
}

// List returns the entries of a directory in the order of their names.
func (v *View) List(id ID) ([]Listed, error) {
	v.lock()
	defer v.unlock()
	d, err := v.find(id)
	if err != nil {
		return nil, err
	}
	return v.list(d), nil
}

func (v *View) list(d dir) []Listed {
	var kids []*Record
	if d.linked {
		kids = v.back.list(d.back)
	}
	all := make([]Listed, 0, len(kids)+len(d.names))
	for _, r := range kids {
		if e, ok := v.child(d, base(r.Name)); ok {
			all = append(all, Listed{base(r.Name), e.ID, e.Kind})
		}
	}
	if len(d.names) == 0 {
		return all
	}
	for _, name := range slices.Sorted(maps.Keys(d.names)) {
		if e, ok := v.child(d, name); ok && v.kid(d, name) == nil {
			all = append(all, Listed{name, e.ID, e.Kind})
		}
	}
	slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// kid returns the record behind a name of a directory, visible or not.
func (v *View) kid(d dir, name string) *Record {
	if !d.linked {
		return nil
	}
	if br := v.back.branches[d.back]; br != nil {
		return br.kids[name]
	}
	return nil
}

// child is the one predicate: what a name means in a directory, if it is
// visible. Of an object of the view and a device of the same name the later one
// hides the other.
func (v *View) child(d dir, name string) (Entry, bool) {
	o, r := d.names[name], v.kid(d, name)
	o = v.uncovered(o)
	switch {
	case r != nil && v.visible(r) && (o == nil || r.Born > o.born):
		return v.dress(r), true
	case o != nil:
		e := v.objectEntry(o)
		if d.linked && e.Kind != Dir {
			e.Over = join(d.back, name)
		}
		return e, true
	}
	return Entry{}, false
}

// uncovered returns an object, or the one under it, that shows up.
func (v *View) uncovered(o *object) *object {
	for o != nil && !v.alive(o) {
		o = o.under
	}
	return o
}

// visible says whether a record shows up in its own place.
func (v *View) visible(r *Record) bool {
	if _, elsewhere := v.places[r.ID]; elsewhere {
		return false
	}
	return !v.gone[r.Name] && v.admitted(r)
}

// alive says whether an object shows up: a directory behind that is an object
// only because of what it held is there as long as it would be without.
func (v *View) alive(o *object) bool {
	switch {
	case o.From == "":
		return true
	case v.gone[o.From]:
		return false
	case o.Kind != Dir:
		return v.back.byID[o.ID] != nil
	case o.own:
		return true
	}
	if r := v.back.byID[o.ID]; r != nil && v.admitted(r) {
		return true
	}
	if d := v.dirs[o.ID]; d != nil {
		for _, inner := range d.names {
			if v.uncovered(inner) != nil {
				return true
			}
		}
	}
	return false
}

// admitted says whether the options of the view let a record be seen. A
// directory is, if anything in it is.
func (v *View) admitted(r *Record) bool {
	if r.Kind != Dir {
		return v.opt.admit(r, v)
	}
	if r.fixed && v.opt.admit(r, v) {
		return true
	}
	ok, known := v.admits[r.Name]
	if !known {
		if v.admits == nil {
			v.admits = map[string]verdict{}
		}
		ok = false
		for _, kid := range v.back.branches[r.Name].kids {
			if v.admitted(kid) {
				ok = true
				break
			}
		}
		v.admits[r.Name] = ok
	}
	return bool(ok)
}

// dress makes an entry of a record: with the attributes that it has here, and
// in the style of the view.
func (v *View) dress(r *Record) Entry {
	e := Entry{Item: r.Item, ID: r.ID, From: r.Name}
	e.Key = ""
	if a, ok := v.attrs[r.ID]; ok {
		e.Attr = a
	} else if r.shared != nil && v.opt.SharedAttrs {
		e.Attr = *r.shared
	}
	if v.opt.Links && r.Kind.isDevice() {
		e.Kind, e.Target, e.Major, e.Minor = Link, v.opt.Devices+"/"+r.Name, 0, 0
	}
	if e.Kind == Link {
		e.Attr.Mode = 0o777
	}
	return e
}

func (v *View) objectEntry(o *object) Entry {
	if r := v.back.byID[o.ID]; r != nil {
		return v.dress(r)
	}
	e := o.Entry
	if a, ok := v.attrs[o.ID]; ok {
		e.Attr = a
	}
	return e
}

func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
