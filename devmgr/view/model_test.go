package view

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The model is a copy of the whole tree for each view, changed at every event.
// Of several things of one name the last one that is visible counts.

type modelRecord struct {
	name string
	item Item
	born int
}

type modelDir struct {
	back   string
	linked bool
	names  map[string][]*modelThing
}

type modelThing struct {
	item   Item
	record *modelRecord
	dir    *modelDir
	made   bool // or moved
	born   int
}

type modelView struct {
	m             *model
	opt           Options
	since, frozen int
	root          *modelDir
	gone, shown   map[string]bool
	modes         map[*modelRecord]uint32
}

type model struct {
	clock   int
	records map[string]*modelRecord
	dirs    map[string]int // when they came
	views   []*modelView
}

func newModelDir(back string, linked bool) *modelDir {
	return &modelDir{back, linked, map[string][]*modelThing{}}
}

func (m *model) view(opt Options) *modelView {
	v := &modelView{m: m, opt: opt, since: m.clock, root: newModelDir("", true), gone: map[string]bool{}, shown: map[string]bool{}, modes: map[*modelRecord]uint32{}}
	for _, name := range slices.Sorted(mapKeys(m.records)) {
		v.add(m.records[name])
	}
	m.views = append(m.views, v)
	return v
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (m *model) add(name string, it Item) {
	if r := m.records[name]; r != nil && r.item == it {
		return
	}
	m.remove(name)
	m.clock++
	r := &modelRecord{name, it, m.clock}
	for dir := parent(name); dir != ""; dir = parent(dir) {
		if !m.holds(dir) {
			m.dirs[dir] = m.clock
		}
	}
	m.records[name] = r
	for _, v := range m.views {
		v.add(r)
	}
}

func (m *model) holds(dir string) bool {
	for name := range m.records {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

func (m *model) remove(name string) {
	r := m.records[name]
	if r == nil {
		return
	}
	delete(m.records, name)
	for _, v := range m.views {
		v.each(v.root, func(d *modelDir, n string, t *modelThing) {
			if t.record == r {
				d.drop(n, t)
			}
		})
	}
}

func (v *modelView) each(d *modelDir, visit func(*modelDir, string, *modelThing)) {
	for name, stack := range d.names {
		for _, t := range slices.Clone(stack) {
			visit(d, name, t)
			if t.dir != nil {
				v.each(t.dir, visit)
			}
		}
	}
}

func (d *modelDir) drop(name string, t *modelThing) {
	d.names[name] = slices.DeleteFunc(d.names[name], func(o *modelThing) bool { return o == t })
}

// insert puts a thing before what was made after it.
func (d *modelDir) insert(name string, t *modelThing) {
	stack := d.names[name]
	i := slices.IndexFunc(stack, func(o *modelThing) bool { return o.born >= t.born })
	if i < 0 {
		i = len(stack)
	}
	d.names[name] = slices.Insert(stack, i, t)
}

// add puts a record at home; a node that mknod made gives it its mode.
func (v *modelView) add(r *modelRecord) {
	d := v.home(parent(r.name))
	for dir := parent(r.name); dir != ""; dir = parent(dir) {
		if v.m.dirs[dir] == r.born {
			v.reborn(dir)
		}
	}
	for _, t := range d.names[base(r.name)] {
		if t.made && t.record == nil && t.item.Kind == r.item.Kind {
			v.modes[r] = t.item.Attr.Mode
		}
	}
	d.names[base(r.name)] = append(d.names[base(r.name)], &modelThing{item: r.item, record: r, born: r.born})
}

// reborn puts a directory that has come again before what was made meanwhile.
func (v *modelView) reborn(dir string) {
	v.each(v.root, func(d *modelDir, name string, t *modelThing) {
		if t.dir != nil && t.dir.linked && t.dir.back == dir && !t.made {
			d.drop(name, t)
			t.born = v.m.clock
			d.names[name] = append(d.names[name], t)
		}
	})
}

// home returns the directory that shows the one behind, and makes it if need
// be.
func (v *modelView) home(back string) *modelDir {
	if back == "" {
		return v.root
	}
	var found *modelDir
	v.each(v.root, func(_ *modelDir, _ string, t *modelThing) {
		if t.dir != nil && t.dir.linked && t.dir.back == back {
			found = t.dir
		}
	})
	if found == nil {
		found = newModelDir(back, true)
		up := v.home(parent(back))
		up.insert(base(back), &modelThing{item: Item{Kind: Dir}, dir: found, born: v.m.dirs[back]})
	}
	return found
}

func (v *modelView) admits(r *modelRecord) bool {
	hide := slices.ContainsFunc(v.opt.Rules, func(rule Rule) bool { return rule.fits(r.name) })
	switch {
	case v.frozen > 0 && r.born > v.frozen:
		return false
	case v.shown[r.name]:
		return true
	}
	return !hide && v.opt.NewDev != Explicit && !(v.opt.NewDev == Hide && r.born > v.since)
}

func (v *modelView) visible(t *modelThing) bool {
	switch {
	case t.record != nil:
		return !v.gone[t.record.name] && v.admits(t.record)
	case t.dir == nil:
		return true
	case t.dir.linked && v.gone[t.dir.back]:
		return false
	case t.made:
		return true
	}
	for name, r := range v.m.records {
		if strings.HasPrefix(name, t.dir.back+"/") && v.admits(r) {
			return true
		}
	}
	for _, stack := range t.dir.names {
		if slices.ContainsFunc(stack, func(o *modelThing) bool {
			return o.made && v.visible(o) || o.dir != nil && !o.made && v.visible(o)
		}) {
			return true
		}
	}
	return false
}

func (v *modelView) top(d *modelDir, name string) *modelThing {
	for _, t := range slices.Backward(d.names[name]) {
		if v.visible(t) {
			return t
		}
	}
	return nil
}

func (v *modelView) dir(path string) *modelDir {
	d := v.root
	for part := range strings.SplitSeq(path, "/") {
		if path == "" {
			break
		}
		t := v.top(d, part)
		if t == nil || t.dir == nil {
			return nil
		}
		d = t.dir
	}
	return d
}

func (v *modelView) show() string {
	var lines []string
	var walk func(d *modelDir, prefix string)
	walk = func(d *modelDir, prefix string) {
		for _, name := range slices.Sorted(mapKeys(d.names)) {
			t := v.top(d, name)
			switch {
			case t == nil:
			case t.dir != nil:
				lines = append(lines, prefix+name+"/")
				walk(t.dir, prefix+name+"/")
			default:
				mode := t.item.Attr.Mode
				if m, ok := v.modes[t.record]; ok && t.record != nil {
					mode = m
				}
				lines = append(lines, fmt.Sprintf("%s%s=%d:%d.%o", prefix, name, t.item.Major, t.item.Minor, mode))
			}
		}
	}
	walk(v.root, "")
	return strings.Join(lines, " ")
}

// clear removes what is made and cannot be seen. What was moved goes home.
func (v *modelView) clear(d *modelDir, name string) {
	for _, t := range slices.Clone(d.names[name]) {
		if t.made {
			d.drop(name, t)
			v.sendHome(t)
		}
	}
}

func (v *modelView) sendHome(t *modelThing) {
	if t.dir != nil {
		for name, stack := range t.dir.names {
			for _, o := range slices.Clone(stack) {
				t.dir.drop(name, o)
				v.sendHome(o)
			}
		}
		if t.dir.linked && v.m.holds(t.dir.back) {
			t.dir.linked = false
			v.home(t.dir.back)
		}
		return
	}
	if t.record != nil && v.m.records[t.record.name] == t.record {
		d := v.home(parent(t.record.name))
		d.insert(base(t.record.name), &modelThing{item: t.record.item, record: t.record, born: t.record.born})
	}
}

func (v *modelView) unlink(d *modelDir, name string) bool {
	if v.frozen > 0 || d == nil {
		return false
	}
	t := v.top(d, name)
	if t == nil || t.dir != nil {
		return false
	}
	v.discard(d, name, t)
	return true
}

func (v *modelView) discard(d *modelDir, name string, t *modelThing) {
	v.clear(d, name)
	if t.record != nil {
		v.gone[t.record.name] = true
		delete(v.modes, t.record)
	}
}

func (v *modelView) mknod(d *modelDir, name string, it Item) bool {
	if v.frozen > 0 || d == nil || v.top(d, name) != nil {
		return false
	}
	v.clear(d, name)
	if d.linked {
		back := join(d.back, name)
		delete(v.gone, back)
		if v.opt.NewDev != Show || len(v.opt.Rules) > 0 {
			v.shown[back] = true
		}
		for _, t := range d.names[name] {
			if t.record != nil && t.record.name == back {
				return true
			}
		}
	}
	d.names[name] = append(d.names[name], &modelThing{item: it, made: true, born: v.m.clock})
	return true
}

func (v *modelView) refresh() bool {
	if v.frozen == 0 {
		v.gone = map[string]bool{}
	}
	return v.frozen == 0
}

// rename moves a device or what is ours; the test moves no directory over
// another thing.
func (v *modelView) rename(from *modelDir, a string, to *modelDir, b string) bool {
	if v.frozen > 0 || from == nil || to == nil {
		return false
	}
	t, old := v.top(from, a), v.top(to, b)
	switch {
	case t == nil:
		return false
	case t == old:
		return true
	case t.dir != nil && (to == t.dir || v.inside(t.dir, to)):
		return false
	case old != nil && (old.dir != nil) != (t.dir != nil):
		return false
	case old != nil && old.dir != nil && v.holds(old.dir):
		return false
	}
	if old != nil && old.dir != nil {
		v.rmdir(to, b, old)
	} else if old != nil {
		v.discard(to, b, old)
	}
	if t.record != nil && !t.made {
		for _, o := range slices.Clone(from.names[a]) {
			if o.made && o.record == nil && o.item.Kind == t.item.Kind {
				from.drop(a, o)
			}
		}
	}
	from.drop(a, t)
	v.clear(to, b)
	back := ""
	if t.record != nil {
		back = t.record.name
	} else if t.dir != nil && t.dir.linked {
		back = t.dir.back
	}
	home := back != "" && to.linked && join(to.back, b) == back
	t.made, t.born = !home || t.made && t.dir != nil, v.m.clock
	to.names[b] = append(to.names[b], t)
	return true
}

func (v *modelView) inside(d, what *modelDir) bool {
	found := false
	v.each(d, func(_ *modelDir, _ string, t *modelThing) { found = found || t.dir == what })
	return found
}

func (v *modelView) holds(d *modelDir) bool {
	for name := range d.names {
		if v.top(d, name) != nil {
			return true
		}
	}
	return false
}

func (v *modelView) rmdir(d *modelDir, name string, t *modelThing) bool {
	if v.frozen > 0 || v.holds(t.dir) {
		return false
	}
	behind := t.dir.linked && v.m.holds(t.dir.back)
	v.clear(d, name)
	inner := t.dir
	for n := range inner.names {
		v.clear(inner, n)
	}
	d.drop(name, t)
	if t.dir.linked && behind {
		v.gone[t.dir.back] = true
		inner = v.home(t.dir.back)
	}
	// What is behind is still there, should the directory come back.
	for n, stack := range t.dir.names {
		inner.names[n] = append(inner.names[n], stack...)
	}
	return true
}

func (v *modelView) mkdir(d *modelDir, name string) bool {
	if v.frozen > 0 || d == nil || v.top(d, name) != nil {
		return false
	}
	v.clear(d, name)
	back := join(d.back, name)
	for _, t := range d.names[name] {
		if t.dir != nil && t.dir.linked && t.dir.back == back {
			delete(v.gone, back)
			t.made = true
			return true
		}
	}
	linked := d.linked && v.m.records[back] == nil
	v.each(v.root, func(_ *modelDir, _ string, t *modelThing) {
		linked = linked && !(t.dir != nil && t.dir.linked && t.dir.back == back)
	})
	fresh := newModelDir("", false)
	if linked {
		fresh = newModelDir(back, true)
		delete(v.gone, back)
	}
	d.names[name] = append(d.names[name], &modelThing{item: Item{Kind: Dir}, dir: fresh, made: true, born: v.m.clock})
	return true
}

// pair is a view and its model.
type pair struct {
	v *View
	m *modelView
}

func listing(v *View) string {
	var words []string
	walk(v, Root, "", func(name string, e Entry) {
		if e.Kind == Dir {
			words = append(words, name+"/")
		} else {
			words = append(words, fmt.Sprintf("%s=%d:%d.%o", name, e.Major, e.Minor, e.Attr.Mode))
		}
	})
	return strings.Join(words, " ")
}

// story is a sequence of operations made of one number.
type story struct {
	t     *testing.T
	rnd   *rand.Rand
	back  *Back
	model *model
	pairs []pair
	text  []string
}

func (s *story) pick(words string) string {
	all := strings.Fields(words)
	return all[s.rnd.IntN(len(all))]
}

func (s *story) event() {
	name := s.pick("a b s/x s/y s/t/z")
	if s.rnd.IntN(2) == 0 {
		s.text = append(s.text, "remove "+name)
		s.back.Remove(name)
		s.model.remove(name)
		return
	}
	it := char(uint32(1+s.rnd.IntN(2)), 0)
	s.text = append(s.text, fmt.Sprint("add ", name, it.Major))
	if err := s.back.Put(name, it); err != nil {
		s.t.Fatal(err)
	}
	s.model.add(name, it)
}

// change does one operation in a view and in its model.
func (s *story) change(i int) {
	p := s.pairs[i]
	name, to := s.pick("a b s s/x s/y s/t s/t/z p p/q s/p q"), s.pick("a b s/x p p/q s/q q s p/a t s/t")
	op := s.pick("unlink unlink mknod mknod mkdir rename rename rmdir refresh chmod freeze")
	s.text = append(s.text, fmt.Sprint(i, " ", op, " ", name, " ", to))
	at1, at2 := at(p.v, name), at(p.v, to)
	d1, d2 := p.m.dir(parent(name)), p.m.dir(parent(to))
	n1, n2 := base(name), base(to)
	var err error
	want := false
	switch op {
	case "unlink":
		err, want = p.v.Unlink(at1), p.m.unlink(d1, n1)
	case "mknod":
		it := char(9, 9)
		it.Attr.Mode = 0o600
		_, err = p.v.Mknod(at1, it, host)
		want = p.m.mknod(d1, n1, it)
	case "mkdir":
		_, err = p.v.Mkdir(at1, 0o755, host)
		want = p.m.mkdir(d1, n1)
	case "rename":
		err, want = p.v.Rename(at1, at2, false), p.m.rename(d1, n1, d2, n2)
	case "rmdir":
		err = p.v.Rmdir(at1)
		if d1 != nil {
			if t := p.m.top(d1, n1); t != nil && t.dir != nil {
				want = p.m.rmdir(d1, n1, t)
			}
		}
	case "refresh":
		err, want = p.v.Refresh(), p.m.refresh()
	case "chmod":
		err, want = s.chmod(p, name), p.m.chmod(d1, n1)
	case "freeze":
		want = true
		p.v.SetReadOnly(p.m.frozen == 0)
		if p.m.frozen == 0 {
			p.m.frozen = s.model.clock
		} else {
			p.m.frozen = 0
		}
	}
	if (err == nil) != want {
		s.fail(fmt.Sprintf("ended with %v, in the model %v", err, want))
	}
}

func (s *story) chmod(p pair, name string) error {
	e, err := find(p.v, name)
	if err != nil || e.From == "" || e.Kind == Dir {
		return errors.Join(err, syscall.EISDIR)
	}
	mode := uint32(0o640)
	_, err = p.v.SetAttr(e.ID, AttrChange{Mode: &mode})
	return err
}

func (v *modelView) chmod(d *modelDir, name string) bool {
	if v.frozen > 0 || d == nil {
		return false
	}
	t := v.top(d, name)
	if t == nil || t.record == nil {
		return false
	}
	v.modes[t.record] = 0o640
	return true
}

func (s *story) fail(what string) {
	s.t.Helper()
	s.t.Fatalf("%s after\n%s", what, strings.Join(s.text, "\n"))
}

func (s *story) compare(i int) {
	s.t.Helper()
	if got, want := listing(s.pairs[i].v), s.pairs[i].m.show(); got != want {
		s.fail(fmt.Sprintf("view %d holds\n%s\nin the model\n%s", i, got, want))
	}
}

func tell(t *testing.T, seed uint64) {
	t.Helper()
	s := &story{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), back: NewBack(), model: &model{clock: 1, records: map[string]*modelRecord{}, dirs: map[string]int{}}}
	s.back.log.least = 8 // so that views sleep through more than it holds
	for range 5 {
		s.event()
	}
	for _, words := range []string{"rename=allow", "newdev=hide rename=allow", "newdev=explicit rename=allow", "hide=s rename=allow"} {
		v := view(t, s.back, strings.Fields(words)...)
		s.pairs = append(s.pairs, pair{v, s.model.view(v.opt)})
	}
	for range 100 {
		if s.rnd.IntN(3) == 0 {
			s.event()
			continue
		}
		i := s.rnd.IntN(len(s.pairs))
		s.change(i)
		s.compare(i)
	}
	for i := range s.pairs {
		s.compare(i)
	}
}

// Any sequence of events and changes ends as in the model.
func TestS4_2_AnyStoryEndsAsInTheModel(t *testing.T) {
	for seed := range uint64(1000) {
		tell(t, seed)
	}
}
