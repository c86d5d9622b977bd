package devfuse

import (
	"context"
	"encoding/binary"

	"slashdev/devmgr/view"
)

// The notifications that are used, by their numbers in the protocol.
const (
	invalInode = 2
	invalEntry = 3
	deleted    = 6
)

// Notice tells the kernel that what it keeps is no longer true.
type notice struct {
	code   uint32
	id     view.ID // the node, or the directory
	child  view.ID // of deleted
	name   string
	follow *notice // instead, when the kernel refuses
}

// encode returns the message: a header with the code in place of an error, and
// no request that it would answer.
func (n notice) encode() []byte {
	le := binary.NativeEndian
	b := make([]byte, 16, 64+len(n.name))
	le.PutUint32(b[4:], n.code)
	b = le.AppendUint64(b, uint64(n.id))
	switch n.code {
	case invalInode:
		b = le.AppendUint64(b, ^uint64(0)) // an offset below 0: attributes only
		b = le.AppendUint64(b, 0)
	case invalEntry:
		b = le.AppendUint32(b, uint32(len(n.name)))
		b = le.AppendUint32(b, 0)
	case deleted:
		b = le.AppendUint64(b, uint64(n.child))
		b = le.AppendUint32(b, uint32(len(n.name)))
		b = le.AppendUint32(b, 0)
	}
	if n.code != invalInode {
		b = append(append(b, n.name...), 0)
	}
	le.PutUint32(b, uint32(len(b)))
	return b
}

// notices returns what the kernel has to hear because something changed behind
// the names.
func (t *Tree) notices(names []string) (all []notice) {
	t.mu.Lock()
	var known []node
	for _, name := range names {
		for _, id := range t.held[name] {
			known = append(known, *t.nodes[id])
		}
	}
	t.mu.Unlock()
	for _, n := range known {
		now, err := t.view.Lookup(n.place.Dir, n.place.Name)
		switch {
		case err == nil && now.ID == n.ID:
			all = append(all, notice{code: invalInode, id: n.ID})
		case err == nil:
			all = append(all, notice{code: invalEntry, id: n.place.Dir, name: n.place.Name})
		default:
			entry := notice{code: invalEntry, id: n.place.Dir, name: n.place.Name}
			all = append(all, notice{code: deleted, id: n.place.Dir, child: n.ID, name: n.place.Name, follow: &entry})
		}
	}
	return all
}

// notify sends what send takes until ctx ends. It may wait for lookups that are
// being answered, so it has a goroutine to itself.
func (t *Tree) notify(ctx context.Context, send func([]byte) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.view.Stale():
		}
		for _, n := range t.notices(t.view.TakeStale()) {
			// The kernel refuses what it has forgotten meanwhile.
			if err := send(n.encode()); err != nil && n.follow != nil {
				send(n.follow.encode())
			}
		}
	}
}
