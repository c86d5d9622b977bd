package view

import (
	"slices"
	"sync"
)

// change is one step of the back layer.
type change struct {
	name string
	gone ID // 0: it is new, or has other attributes
}

// changeLog holds the latest changes. One that is older than half of them are
// is forgotten from time to time: a view that slept through them compares
// everything it keeps.
type changeLog struct {
	first   uint64 // generation of changes[0]; the first is 2
	changes []change
	least   int // changes that are kept, however few records there are
}

const leastLog = 1024

func (l *changeLog) add(c change, records int) {
	if l.first == 0 {
		l.first = 2
	}
	if limit := max(l.least, records); len(l.changes) >= 2*limit {
		l.first += uint64(len(l.changes) - limit)
		l.changes = slices.Clone(l.changes[len(l.changes)-limit:])
	}
	l.changes = append(l.changes, c)
}

// since returns the changes after a generation; ok is false if they are no
// longer known.
func (l *changeLog) since(gen uint64) (list []change, ok bool) {
	if gen+1 < l.first {
		return nil, false
	}
	return l.changes[min(uint64(len(l.changes)), gen+1-l.first):], true
}

// holds says which views a kernel keeps names for, so that only those are told
// of a change.
type holds struct {
	mu    sync.Mutex
	views map[string][]*View
}

func (h *holds) wake(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.views[name] {
		v.stale.add(name)
	}
}

func (h *holds) hold(name string, v *View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.views == nil {
		h.views = map[string][]*View{}
	}
	h.views[name] = append(h.views[name], v)
}

func (h *holds) drop(name string, v *View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.views[name]
	i := slices.Index(list, v)
	if i < 0 {
		return
	}
	list[i] = list[len(list)-1]
	list[len(list)-1] = nil
	if h.views[name] = list[:len(list)-1]; len(list) == 1 {
		delete(h.views, name)
	}
}

// stale collects the names that have changed behind what a kernel keeps. It
// has no more of them than are held.
type stale struct {
	mu    sync.Mutex
	names map[string]struct{}
	poke  chan struct{}
}

func (s *stale) add(name string) {
	s.mu.Lock()
	if s.names == nil {
		s.names = map[string]struct{}{}
	}
	s.names[name] = struct{}{}
	s.mu.Unlock()
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

func (s *stale) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.names {
		names = append(names, name)
	}
	s.names = nil
	slices.Sort(names)
	return names
}

// Hold says that a kernel keeps what the name behind shows; Drop takes it
// back. Stale then tells of changes.
func (v *View) Hold(name string) { v.back.holds.hold(name, v) }

// Drop ends a Hold.
func (v *View) Drop(name string) { v.back.holds.drop(name, v) }

// Suspect has TakeStale return a name that may have changed before Hold.
func (v *View) Suspect(name string) { v.stale.add(name) }

// Stale returns a channel that has something when TakeStale has names.
func (v *View) Stale() <-chan struct{} { return v.stale.poke }

// TakeStale returns the names that have changed since the last call.
func (v *View) TakeStale() []string { return v.stale.take() }
