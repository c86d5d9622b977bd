package namespace

import (
	"maps"
	"slices"
)

// Space is the state that /dev should have. One goroutine owns it.
type Space struct {
	owned   map[string][]Entry // by owner: what each device contributes
	claims  map[string][]claim // by name; the first wins
	touched map[string]bool    // names whose claims have changed since TakeTouched
	made    map[string]bool    // nodes whose name a link had when their device came
}

type claim struct {
	owner string
	entry Entry
}

// New returns an empty Space.
func New() *Space {
	return &Space{owned: map[string][]Entry{}, claims: map[string][]claim{}, touched: map[string]bool{}, made: map[string]bool{}}
}

// Put sets what owner contributes and returns the steps that follow. Nodes are
// set again even if nothing changed, because the kernel may have made them
// anew.
func (s *Space) Put(owner string, entries []Entry) []Op {
	ops := s.retract(owner, func(old Entry) bool { return !holds(entries, old) })
	s.owned[owner] = entries
	for _, e := range entries {
		ops = s.claim(ops, claim{owner, e})
	}
	return ops
}

// holds says whether entries have one of the same name and sort, whose claim
// is then changed and not withdrawn.
func holds(entries []Entry, old Entry) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool {
		return e.Name == old.Name && isNode(e) == isNode(old)
	})
}

// Drop takes everything that owner contributes away.
func (s *Space) Drop(owner string) []Op {
	ops := s.retract(owner, func(Entry) bool { return true })
	delete(s.owned, owner)
	return ops
}

func (s *Space) retract(owner string, unwanted func(Entry) bool) []Op {
	var ops []Op
	for _, e := range slices.Backward(s.owned[owner]) { // links before their node
		if unwanted(e) {
			ops = s.withdraw(ops, claim{owner, e})
		}
	}
	return ops
}

func (s *Space) claim(ops []Op, c claim) []Op {
	name := c.entry.Name
	s.touched[name] = true
	before, had := s.winner(name)
	list := slices.DeleteFunc(s.claims[name], c.sameClaim)
	at, _ := slices.BinarySearchFunc(list, c, compareClaims)
	s.claims[name] = slices.Insert(list, at, c)
	after, _ := s.winner(name)
	switch {
	case isNode(c.entry) && had && !isNode(before):
		// The kernel could not make the node while a link had its name: a
		// medium may call itself like the disk that comes next.
		s.made[name] = true
		return appendNode(append(ops, Op{RemoveLink, before}, Op{MakeNode, c.entry}), c.entry)
	case isNode(c.entry):
		return appendNode(ops, c.entry)
	case had && before == after:
		return ops
	}
	return append(ops, Op{MakeLink, after})
}

func appendNode(ops []Op, e Entry) []Op {
	if !e.Node.Set {
		return ops
	}
	return append(ops, Op{SetAttr, e})
}

func (s *Space) withdraw(ops []Op, c claim) []Op {
	name := c.entry.Name
	s.touched[name] = true
	before, _ := s.winner(name)
	s.claims[name] = slices.DeleteFunc(s.claims[name], c.sameClaim)
	after, left := s.winner(name)
	if !left {
		delete(s.claims, name)
	}
	if isNode(before) && s.made[name] && before != after {
		delete(s.made, name)
		ops = append(ops, Op{RemoveNode, before})
	}
	switch {
	case left && after != before && isNode(after):
		return appendNode(ops, after)
	case left && after != before:
		return append(ops, Op{MakeLink, after})
	case !left && !isNode(before):
		return append(ops, Op{RemoveLink, before})
	}
	return ops
}

func (c claim) sameClaim(o claim) bool {
	return o.owner == c.owner && isNode(o.entry) == isNode(c.entry)
}

func compareClaims(a, b claim) int {
	switch {
	case isNode(a.entry) != isNode(b.entry) && isNode(a.entry):
		return -1
	case isNode(a.entry) != isNode(b.entry):
		return 1
	case a.entry.Priority != b.entry.Priority:
		return b.entry.Priority - a.entry.Priority
	case a.owner < b.owner:
		return -1
	case a.owner > b.owner:
		return 1
	}
	return 0
}

func isNode(e Entry) bool { return e.Node != nil }

func (s *Space) winner(name string) (Entry, bool) {
	if list := s.claims[name]; len(list) > 0 {
		return list[0].entry, true
	}
	return Entry{}, false
}

// TakeTouched returns the names whose claims have changed since the last call,
// in order.
func (s *Space) TakeTouched() []string {
	names := slices.Sorted(maps.Keys(s.touched))
	clear(s.touched)
	return names
}

// At returns what has a name now, and which device it is of.
func (s *Space) At(name string) (owner string, e Entry, ok bool) {
	if list := s.claims[name]; len(list) > 0 {
		return list[0].owner, list[0].entry, true
	}
	return "", e, false
}

// Owner returns the device that has a name now.
func (s *Space) Owner(name string) (owner string, ok bool) {
	if list := s.claims[name]; len(list) > 0 {
		return list[0].owner, true
	}
	return "", false
}

// Claimants returns the devices that claim a name, the one that has it first.
func (s *Space) Claimants(name string) []string {
	var all []string
	for _, c := range s.claims[name] {
		all = append(all, c.owner)
	}
	return all
}

// Entries returns what owner contributes, won or not. The slice is not to be
// changed.
func (s *Space) Entries(owner string) []Entry { return s.owned[owner] }

// Wins says whether owner has name now.
func (s *Space) Wins(owner, name string) bool {
	o, ok := s.Owner(name)
	return ok && o == owner
}

// All returns the steps that make an empty directory, or any older state whose
// names are a subset, into this one, in order of names.
func (s *Space) All() []Op {
	var ops []Op
	for _, name := range slices.Sorted(maps.Keys(s.claims)) {
		e, _ := s.winner(name)
		if isNode(e) {
			ops = appendNode(ops, e)
		} else {
			ops = append(ops, Op{MakeLink, e})
		}
	}
	return ops
}

// Len returns the number of nodes and of links.
func (s *Space) Len() (nodes, links int) {
	for name := range s.claims {
		if e, _ := s.winner(name); isNode(e) {
			nodes++
		} else {
			links++
		}
	}
	return nodes, links
}
