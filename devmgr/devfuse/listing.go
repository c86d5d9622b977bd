package devfuse

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"slashdev/devmgr/view"
)

// listing is a directory that somebody has open: as it was when they began to
// read it.
type listing struct {
	entries []view.Listed
	read    bool
}

// maxListings bounds the directories that are open in one mount.
const maxListings = 4096

// OpenDir implements fuse.RawFileSystem.
func (t *Tree) OpenDir(_ <-chan struct{}, _ *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.listings) >= maxListings {
		return fuse.Status(syscall.EMFILE)
	}
	t.lastFh++
	t.listings[t.lastFh] = &listing{}
	out.Fh = t.lastFh
	return fuse.OK
}

// ReleaseDir implements fuse.RawFileSystem.
func (t *Tree) ReleaseDir(in *fuse.ReleaseIn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.listings, in.Fh)
}

// list returns what an open directory holds; reading from the beginning looks
// anew.
func (t *Tree) list(in *fuse.ReadIn) ([]view.Listed, error) {
	t.mu.Lock()
	l := t.listings[in.Fh]
	if l == nil {
		l = &listing{} // opened in another life
		t.listings[in.Fh] = l
	}
	entries, known := l.entries, l.read && in.Offset > 0
	t.mu.Unlock()
	if known {
		return entries, nil
	}
	found, err := t.view.List(view.ID(in.NodeId))
	if err != nil {
		return nil, err
	}
	entries = append([]view.Listed{{Name: ".", ID: view.ID(in.NodeId)}, {Name: ".."}}, found...)
	t.mu.Lock()
	defer t.mu.Unlock()
	l.entries, l.read = entries, true
	return entries, nil
}

func direntOf(e view.Listed, i int) fuse.DirEntry {
	return fuse.DirEntry{Name: e.Name, Ino: uint64(e.ID), Mode: kindMode(e.Kind), Off: uint64(i) + 1}
}

// ReadDir implements fuse.RawFileSystem.
func (t *Tree) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	entries, err := t.list(in)
	if err != nil {
		return fuse.ToStatus(err)
	}
	for i := int(min(in.Offset, uint64(len(entries)))); i < len(entries); i++ {
		if !out.AddDirEntry(direntOf(entries[i], i)) {
			break
		}
	}
	return fuse.OK
}

// ReadDirPlus implements fuse.RawFileSystem. What has gone since the listing
// began is listed without more, as the protocol wants.
func (t *Tree) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	entries, err := t.list(in)
	if err != nil {
		return fuse.ToStatus(err)
	}
	for i := int(min(in.Offset, uint64(len(entries)))); i < len(entries); i++ {
		entry := out.AddDirLookupEntry(direntOf(entries[i], i))
		if entry == nil {
			break
		}
		if i < 2 { // "." and ".." are not looked up
			continue
		}
		p := at(in.NodeId, entries[i].Name)
		if e, err := t.view.Lookup(p.Dir, p.Name); err == nil {
			t.tell(p, e, nil, entry)
			out.FixMode(kindMode(e.Kind))
		}
	}
	return fuse.OK
}
