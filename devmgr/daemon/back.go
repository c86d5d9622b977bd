package daemon

import (
	"os"
	"path"
	"strings"
	"syscall"

	"slashdev/devmgr/namespace"
	"slashdev/devmgr/view"
)

// back keeps the back layer of the views as the space is. Only the loop
// touches it.
type back struct {
	layer *view.Back
	owner map[string]string   // by name: the device that it is shown for
	later map[string][]string // by device: names that wait until it is ready
}

// mountPoints are directories of every view that something is mounted on.
const mountPoints = "pts shm mqueue"

func newBack() back {
	return back{view.NewBack(), map[string]string{}, map[string][]string{}}
}

// show brings the names that a step has touched to the views, when what they
// lead to is there. ready says that the device of the step is.
func (d *daemon) show(devpath string, present, ready bool) {
	names := append(d.pipe.space.TakeTouched(), d.back.later[devpath]...)
	delete(d.back.later, devpath)
	for _, name := range names {
		if !present && d.back.owner[name] == devpath {
			d.back.hide(name)
		}
		owner, e, ok := d.pipe.space.At(name)
		switch {
		case !ok:
			d.back.hide(name)
		case owner == devpath && !(present && ready), owner != devpath && d.unready(owner):
			d.back.later[owner] = append(d.back.later[owner], name)
		default:
			d.showEntry(owner, e)
		}
	}
}

// unready says that a device has not got what rules give it.
func (d *daemon) unready(devpath string) bool {
	return d.pending[devpath] != nil || d.asked.holder(devpath) != nil
}

func (b *back) hide(name string) {
	b.layer.Remove(name)
	delete(b.owner, name)
}

func (d *daemon) showEntry(owner string, e namespace.Entry) {
	it := view.Item{Kind: view.Link, Target: e.Target, Key: owner}
	if n := e.Node; n != nil {
		it = nodeItem(*n)
		it.Key = owner
		if !n.Set {
			it.Attr = d.nodeAttr(e.Name)
		}
	}
	if dev := d.pipe.tree.Get(owner); dev != nil {
		it.Key += " " + dev.Env.Get("DISKSEQ")
	}
	d.showItem(e.Name, owner, it)
}

func (d *daemon) showItem(name, owner string, it view.Item) {
	if err := d.back.layer.Put(name, it); err != nil {
		d.warnf("show %s: %v", name, err)
		return
	}
	d.back.owner[name] = owner
}

func nodeItem(n namespace.Node) view.Item {
	it := view.Item{Kind: view.Char, Major: n.Major, Minor: n.Minor, Attr: view.Attr{Mode: n.Mode, UID: n.UID, GID: n.GID}}
	if n.Block {
		it.Kind = view.Block
	}
	return it
}

// nodeAttr returns what the kernel gave a node that is not ours to set.
func (d *daemon) nodeAttr(name string) view.Attr {
	info, err := os.Lstat(path.Join(d.cfg.Dev, name))
	if err != nil {
		return view.Attr{Mode: 0o600}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return view.Attr{Mode: 0o600}
	}
	return view.Attr{Mode: st.Mode & 0o777, UID: st.Uid, GID: st.Gid}
}

// showStatic shows a node that has no device yet.
func (d *daemon) showStatic(name string, n namespace.Node) {
	if _, owned := d.back.owner[name]; owned {
		return
	}
	it := nodeItem(n)
	if !n.Set {
		it.Attr = d.nodeAttr(name)
	}
	d.showItem(name, "", it)
}

// showFixed shows what every /dev has, and the directories to mount on.
func (d *daemon) showFixed() {
	for name := range strings.FieldsSeq(mountPoints) {
		if err := d.back.layer.Fix(name, view.Attr{Mode: 0o755}); err != nil {
			d.warnf("show %s: %v", name, err)
		}
	}
	d.show("", true, true)
}
