// Package devdir makes a directory match a list of Ops.
//
// The directory is a devtmpfs: the kernel makes and removes the nodes there,
// and others may write to it too, so nothing in it is trusted. Every path is
// resolved below the directory's descriptor without following links; a node
// is changed through a descriptor whose type and number were checked first;
// a link is replaced in one step, and removed only if it is ours.
package devdir

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/namespace"
)

// ErrNoNode means that the node of an Op is not there, or not yet.
var ErrNoNode = fmt.Errorf("no such node: %w", fs.ErrNotExist)

// Dir is the directory. It is for one goroutine.
type Dir struct {
	fd      int
	parents map[string]int // descriptors of directories, until Flush
	made    map[string]bool
	isNode  func(*unix.Stat_t, namespace.Node) bool
	byName  bool // the kernel is older than fchmodat2
}

const (
	beneath    = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	maxParents = 32
	temporary  = ".slashdev-new" // a link on its way; ends in the link's own name
)

// Open opens the directory at path.
func Open(path string) (*Dir, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &Dir{fd: fd, parents: map[string]int{}, made: map[string]bool{}, isNode: sameNode}, nil
}

// Apply performs one step. Applying it again changes nothing.
func (d *Dir) Apply(op namespace.Op) error {
	var err error
	switch op.Kind {
	case namespace.SetAttr:
		err = d.setAttr(op.Name, *op.Node)
	case namespace.MakeLink:
		err = d.makeLink(op.Name, op.Target)
	case namespace.RemoveLink:
		err = d.removeLink(op.Name, op.Target)
	case namespace.MakeNode:
		err = d.makeNode(op.Name, *op.Node)
	case namespace.RemoveNode:
		err = d.removeNode(op.Name, *op.Node)
	default:
		err = fs.ErrInvalid
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Flush forgets the directories that were opened since the last Flush. Call it
// after each batch of steps: somebody may have replaced them.
func (d *Dir) Flush() {
	for _, fd := range d.parents {
		unix.Close(fd)
	}
	clear(d.parents)
}

// Close closes the directory.
func (d *Dir) Close() error {
	d.Flush()
	return unix.Close(d.fd)
}

func (d *Dir) openat(name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: beneath}
	for {
		fd, err := unix.Openat2(d.fd, name, &how)
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

// setAttr sets the owner before the mode: a moment with too few rights is
// better than one with too many.
func (d *Dir) setAttr(name string, want namespace.Node) error {
	fd, err := d.openat(name, 0)
	if errors.Is(err, unix.ENOENT) {
		return ErrNoNode
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if !d.isNode(&st, want) {
		return fmt.Errorf("is not the node %s: left alone", want)
	}
	if st.Uid != want.UID || st.Gid != want.GID {
		if err := unix.Fchownat(fd, "", int(want.UID), int(want.GID), unix.AT_EMPTY_PATH); err != nil {
			return err
		}
	}
	if st.Mode&0o7777 != want.Mode {
		return d.chmod(fd, want.Mode)
	}
	return nil
}

// chmod works on an O_PATH descriptor: by fchmodat2 since Linux 6.6, before
// that by its name in /proc.
func (d *Dir) chmod(fd int, mode uint32) error {
	if !d.byName {
		err := unix.Fchmodat(fd, "", mode, unix.AT_EMPTY_PATH)
		d.byName = err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EINVAL
		if !d.byName {
			return err
		}
	}
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
}

func sameNode(st *unix.Stat_t, want namespace.Node) bool {
	kind := uint32(unix.S_IFCHR)
	if want.Block {
		kind = unix.S_IFBLK
	}
	return st.Mode&unix.S_IFMT == kind && unix.Major(st.Rdev) == want.Major && unix.Minor(st.Rdev) == want.Minor
}

// parent returns a descriptor of the directory that name is in.
func (d *Dir) parent(name string, create bool) (fd int, base string, err error) {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		return d.fd, base, nil
	}
	if fd, ok := d.parents[dir]; ok {
		return fd, base, nil
	}
	fd, err = d.openat(dir, unix.O_DIRECTORY)
	if err == unix.ENOENT && create {
		fd, err = d.makeDir(dir)
	}
	if err != nil {
		return -1, base, err
	}
	if len(d.parents) >= maxParents {
		d.Flush()
	}
	d.parents[dir] = fd
	return fd, base, nil
}

func (d *Dir) makeDir(dir string) (int, error) {
	above, base, err := d.parent(dir, true)
	if err != nil {
		return -1, err
	}
	if err := unix.Mkdirat(above, base, 0o755); err != nil && err != unix.EEXIST {
		return -1, err
	}
	fd, err := d.openat(dir, unix.O_DIRECTORY)
	if err != nil {
		return -1, err
	}
	// Whatever the umask was.
	return fd, d.chmod(fd, 0o755)
}
