package devfuse_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"slashdev/devmgr/devfuse"
	"slashdev/devmgr/devtest/conform"
	"slashdev/devmgr/view"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

func needFuse(t *testing.T) {
	t.Helper()
	needRoot(t)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("needs /dev/fuse: %v", err)
	}
}

// devices adds to and removes from a back layer.
func devices(t *testing.T, b *view.Back) (add func(string, uint32, uint32, uint32), remove func(string)) {
	add = func(name string, mode, major, minor uint32) {
		t.Helper()
		it := view.Item{Kind: view.Char, Major: major, Minor: minor, Attr: view.Attr{Mode: mode & 0o7777}}
		if mode&unix.S_IFMT == unix.S_IFBLK {
			it.Kind = view.Block
		}
		if err := b.Put(name, it); err != nil {
			t.Fatal(err)
		}
	}
	return add, b.Remove
}

func TestConformDirectory(t *testing.T) {
	needRoot(t)
	conform.Run(t, func(t *testing.T) *conform.Tree {
		dir := conform.Folder(t.TempDir())
		if err := unix.Mount("test", string(dir), "tmpfs", 0, "mode=755"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(string(dir), unix.MNT_DETACH) })
		return &conform.Tree{FS: dir,
			Add: func(name string, mode, major, minor uint32) {
				if err := dir.Add(name, mode, major, minor); err != nil {
					t.Fatal(err)
				}
			},
			Remove: func(name string) {
				if err := dir.Remove(name); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

func TestConformRequests(t *testing.T) {
	conform.Run(t, func(t *testing.T) *conform.Tree {
		b := view.NewBack()
		r := &requests{Tree: devfuse.New(view.New(b, view.Options{}), devfuse.Config{}), known: map[uint64]uint64{}}
		t.Cleanup(func() { r.forgetAll(t) })
		add, remove := devices(t, b)
		return &conform.Tree{FS: r, Add: add, Remove: remove, View: true}
	})
}

func TestConformMounted(t *testing.T) {
	needFuse(t)
	conform.Run(t, func(t *testing.T) *conform.Tree {
		b := view.NewBack()
		dir, _ := mounted(t, b, devfuse.Config{})
		add, remove := devices(t, b)
		return &conform.Tree{FS: conform.Folder(dir), Add: add, Remove: remove, View: true,
			Until: func(ok func() bool) { until(t, "what is wanted", ok) }}
	})
}

// requests is the kernel to a Tree that is not mounted: it counts what it was
// told of and forgets it in the end.
type requests struct {
	*devfuse.Tree
	known map[uint64]uint64
}

func (r *requests) forgetAll(t *testing.T) {
	for id, n := range r.known {
		r.Forget(id, n)
	}
	if n := r.Known(); n != 0 {
		t.Errorf("S4-16: %d nodes are known after all are forgotten", n)
	}
}

func header(id uint64) fuse.InHeader { return fuse.InHeader{NodeId: id} }

func status(s fuse.Status) error {
	if s == fuse.OK {
		return nil
	}
	return syscall.Errno(s)
}

func (r *requests) look(dir uint64, name string) (fuse.EntryOut, error) {
	var out fuse.EntryOut
	h := header(dir)
	s := r.Tree.Lookup(nil, &h, name, &out)
	if s == fuse.OK {
		r.known[out.NodeId]++
	}
	return out, status(s)
}

// parent walks to the directory of a name.
func (r *requests) parent(name string) (dir uint64, base string, err error) {
	dir = fuse.FUSE_ROOT_ID
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		out, err := r.look(dir, part)
		if err != nil {
			return 0, "", err
		}
		dir = out.NodeId
	}
	return dir, parts[len(parts)-1], nil
}

func (r *requests) find(name string) (fuse.EntryOut, error) {
	if name == "" {
		return fuse.EntryOut{NodeId: fuse.FUSE_ROOT_ID}, nil
	}
	dir, base, err := r.parent(name)
	if err != nil {
		return fuse.EntryOut{}, err
	}
	return r.look(dir, base)
}

func (r *requests) Lstat(name string) (st conform.Stat, err error) {
	e, err := r.find(name)
	if err != nil {
		return st, err
	}
	var out fuse.AttrOut
	err = status(r.GetAttr(nil, &fuse.GetAttrIn{InHeader: header(e.NodeId)}, &out))
	if out.Attr != e.Attr {
		return st, syscall.EUCLEAN // lookup and getattr differ
	}
	dev := uint64(e.Rdev&0xff | e.Rdev>>12&^0xff)
	return conform.Stat{Mode: e.Mode, Major: e.Rdev >> 8 & 0xfff, Minor: uint32(dev), UID: e.Uid, GID: e.Gid, Ino: e.Ino, Nlink: uint64(e.Nlink)}, err
}

// List reads a directory in small pieces, with READDIR and with READDIRPLUS.
func (r *requests) List(name string) ([]string, error) {
	e, err := r.find(name)
	if err != nil {
		return nil, err
	}
	plain, err := r.read(e.NodeId, func(in *fuse.ReadIn, out *fuse.DirEntryList) ([]fuse.DirEntry, error) {
		if s := r.ReadDir(nil, in, out); s != fuse.OK {
			return nil, status(s)
		}
		return fuse.ParseDirEntries(out.Bytes())
	})
	if err != nil {
		return nil, err
	}
	plus, err := r.read(e.NodeId, func(in *fuse.ReadIn, out *fuse.DirEntryList) ([]fuse.DirEntry, error) {
		if s := r.ReadDirPlus(nil, in, out); s != fuse.OK {
			return nil, status(s)
		}
		entries, outs, err := fuse.ParseDirLookupEntries(out.Bytes())
		for i := range outs {
			if outs[i].NodeId != 0 {
				r.known[outs[i].NodeId]++
			}
		}
		return entries, err
	})
	if strings.Join(plus, "/") != strings.Join(plain, "/") {
		return nil, syscall.EUCLEAN
	}
	return plain, err
}

func (r *requests) read(id uint64, piece func(*fuse.ReadIn, *fuse.DirEntryList) ([]fuse.DirEntry, error)) (names []string, err error) {
	var open fuse.OpenOut
	if s := r.OpenDir(nil, &fuse.OpenIn{InHeader: header(id)}, &open); s != fuse.OK {
		return nil, status(s)
	}
	defer r.ReleaseDir(&fuse.ReleaseIn{Fh: open.Fh})
	in := fuse.ReadIn{InHeader: header(id), Fh: open.Fh}
	for {
		entries, err := piece(&in, fuse.NewDirEntryList(make([]byte, 1000), in.Offset))
		if err != nil || len(entries) == 0 {
			return names, err
		}
		for _, e := range entries {
			if e.Name != "." && e.Name != ".." {
				names = append(names, e.Name)
			}
			in.Offset = e.Off
		}
	}
}

func (r *requests) Readlink(name string) (string, error) {
	e, err := r.find(name)
	if err != nil {
		return "", err
	}
	h := header(e.NodeId)
	target, s := r.Tree.Readlink(nil, &h)
	return string(target), status(s)
}

// made does a request that makes something.
func (r *requests) made(name string, do func(h fuse.InHeader, base string, out *fuse.EntryOut) fuse.Status) error {
	dir, base, err := r.parent(name)
	if err != nil {
		return err
	}
	var out fuse.EntryOut
	s := do(header(dir), base, &out)
	if s == fuse.OK {
		r.known[out.NodeId]++
	}
	return status(s)
}

func (r *requests) Mknod(name string, mode, rdev uint32) error {
	return r.made(name, func(h fuse.InHeader, base string, out *fuse.EntryOut) fuse.Status {
		return r.Tree.Mknod(nil, &fuse.MknodIn{InHeader: h, Mode: mode, Rdev: rdev}, base, out)
	})
}

func (r *requests) Mkdir(name string, mode uint32) error {
	return r.made(name, func(h fuse.InHeader, base string, out *fuse.EntryOut) fuse.Status {
		return r.Tree.Mkdir(nil, &fuse.MkdirIn{InHeader: h, Mode: mode}, base, out)
	})
}

func (r *requests) Symlink(target, name string) error {
	return r.made(name, func(h fuse.InHeader, base string, out *fuse.EntryOut) fuse.Status {
		return r.Tree.Symlink(nil, &h, target, base, out)
	})
}

func (r *requests) Unlink(name string) error {
	dir, base, err := r.parent(name)
	if err != nil {
		return err
	}
	h := header(dir)
	return status(r.Tree.Unlink(nil, &h, base))
}

func (r *requests) Rmdir(name string) error {
	dir, base, err := r.parent(name)
	if err != nil {
		return err
	}
	h := header(dir)
	return status(r.Tree.Rmdir(nil, &h, base))
}

func (r *requests) Rename(from, to string) error {
	dir, base, err := r.parent(from)
	if err != nil {
		return err
	}
	newDir, newBase, err := r.parent(to)
	if err != nil {
		return err
	}
	return status(r.Tree.Rename(nil, &fuse.RenameIn{InHeader: header(dir), Newdir: newDir}, base, newBase))
}

func (r *requests) set(name string, in fuse.SetAttrIn) error {
	e, err := r.find(name)
	if err != nil {
		return err
	}
	in.InHeader = header(e.NodeId)
	return status(r.SetAttr(nil, &in, new(fuse.AttrOut)))
}

func (r *requests) Chmod(name string, mode uint32) error {
	return r.set(name, fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{Valid: fuse.FATTR_MODE, Mode: mode}})
}

func (r *requests) Chown(name string, uid, gid int) error {
	return r.set(name, fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{
		Valid: fuse.FATTR_UID | fuse.FATTR_GID, Owner: fuse.Owner{Uid: uint32(uid), Gid: uint32(gid)}}})
}
