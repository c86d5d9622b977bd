package view

import "syscall"

// Rename moves an entry. A device stays linked to what is behind.
func (v *View) Rename(from, to Place, noReplace bool) error {
	if err := v.begin(from.Name, to.Name); err != nil {
		return err
	}
	defer v.unlock()
	e, err := v.present(from)
	if err != nil {
		return err
	}
	old, err := v.present(to)
	switch {
	case err == nil && noReplace:
		return syscall.EEXIST
	case err == nil && old.ID == e.ID:
		return nil
	case err != nil && err != syscall.ENOENT:
		return err
	case err != nil:
		if _, err := v.find(to.Dir); err != nil {
			return err
		}
	}
	if err := v.mayMove(e, to); err != nil {
		return err
	}
	if err == nil {
		if err := v.replace(to, old, e); err != nil {
			return err
		}
	}
	return v.move(from, to, e)
}

func (v *View) mayMove(e Entry, to Place) error {
	r := v.back.byID[e.ID]
	switch {
	case r != nil && r.fixed:
		return syscall.EBUSY
	case r != nil && !v.opt.Rename:
		return syscall.EOPNOTSUPP
	case e.Kind != Dir:
		return nil
	}
	for id := to.Dir; id != Root; id = v.above(id) {
		if id == e.ID {
			return syscall.EINVAL
		}
	}
	return nil
}

// above returns the directory that a directory is in.
func (v *View) above(id ID) ID {
	if p, ok := v.places[id]; ok {
		return p.Dir
	}
	if r := v.back.byID[id]; r != nil {
		return v.front(parent(r.Name))
	}
	return Root
}

func (v *View) replace(to Place, old, e Entry) error {
	switch {
	case old.Kind == Dir && e.Kind != Dir:
		return syscall.EISDIR
	case old.Kind != Dir && e.Kind == Dir:
		return syscall.ENOTDIR
	}
	return v.discard(to, old)
}

func (v *View) move(from, to Place, e Entry) error {
	target, err := v.touch(to.Dir)
	if err != nil {
		return err
	}
	o := v.objects[e.ID]
	kept := v.dirs[e.ID]
	if o != nil {
		attr, has := v.attrs[e.ID]
		v.remove(o)
		o.under = nil
		if has {
			v.setAttr(e.ID, attr)
		}
	} else {
		r := v.back.byID[e.ID]
		o = &object{Entry: Entry{Item: r.Item, ID: r.ID, From: r.Name}}
		if made := v.made[from]; made != nil && made.Kind == r.Kind {
			v.remove(made) // the node that it had replaced
		}
	}
	v.clear(to)
	home := o.From != "" && target.linked && join(target.back, to.Name) == o.From
	if home && o.Kind != Dir {
		return nil
	}
	o.own = o.own || !home
	if kept != nil {
		v.dirs[e.ID] = kept
	}
	return v.put(to, o)
}
