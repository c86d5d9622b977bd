package actions

import (
	"path"
	"slices"
)

// order says which tasks must wait for which: for all earlier ones of the same
// device, of those above it and of those below it.
type order struct {
	last  map[string]*task              // the newest task of each device
	below map[string]map[*task]struct{} // all tasks of devices below a path
}

func newOrder() order {
	return order{last: map[string]*task{}, below: map[string]map[*task]struct{}{}}
}

// add takes a task in and counts those that it must wait for. The newest task
// of a device stands for all older ones, which that one waits for.
func (o order) add(t *task) {
	for dir := t.DevPath; len(dir) > 1; dir = path.Dir(dir) {
		if earlier := o.last[dir]; earlier != nil {
			t.waitFor(earlier)
		}
		if dir == t.DevPath {
			for earlier := range o.below[dir] {
				t.waitFor(earlier)
			}
			continue
		}
		if o.below[dir] == nil {
			o.below[dir] = map[*task]struct{}{}
		}
		o.below[dir][t] = struct{}{}
	}
	o.last[t.DevPath] = t
}

func (t *task) waitFor(earlier *task) {
	t.blockers++
	earlier.next = append(earlier.next, t)
}

// remove takes a task out that has ended and returns those that may start now,
// in the order in which they came.
func (o order) remove(t *task) []*task {
	if o.last[t.DevPath] == t {
		delete(o.last, t.DevPath)
	}
	for dir := path.Dir(t.DevPath); len(dir) > 1; dir = path.Dir(dir) {
		if delete(o.below[dir], t); len(o.below[dir]) == 0 {
			delete(o.below, dir)
		}
	}
	return slices.DeleteFunc(t.next, func(next *task) bool {
		next.blockers--
		return next.blockers > 0
	})
}
