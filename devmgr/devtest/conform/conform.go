// Package conform holds what every tree of devices must do, however it is made.
//
// The same assertions run against a directory on tmpfs, against the file system
// of devfuse without a mount, and against that when it is mounted.
package conform

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// FS is a tree of names. Errors are those of the kernel.
type FS interface {
	Lstat(name string) (Stat, error)
	List(name string) ([]string, error)
	Readlink(name string) (string, error)
	Mknod(name string, mode, rdev uint32) error
	Mkdir(name string, mode uint32) error
	Symlink(target, name string) error
	Unlink(name string) error
	Rmdir(name string) error
	Rename(from, to string) error
	Chmod(name string, mode uint32) error
	Chown(name string, uid, gid int) error
}

// Stat is what the assertions look at.
type Stat struct {
	Mode     uint32 // with the type
	Major    uint32
	Minor    uint32
	UID, GID uint32
	Ino      uint64
	Nlink    uint64
}

// Tree is what is tested. It holds nothing at first.
type Tree struct {
	FS
	Add    func(name string, mode, major, minor uint32) // a device comes
	Remove func(name string)                            // and goes
	View   bool                                         // deleting is hiding, and so on
	// Until waits until ok, for a tree in which devices come and go a moment
	// later; nil: they do at once.
	Until func(ok func() bool)
}

// Run makes a tree for each assertion.
func Run(t *testing.T, make func(t *testing.T) *Tree) {
	for _, a := range assertions {
		t.Run(a.name, func(t *testing.T) {
			tree := make(t)
			if a.view && !tree.View {
				return
			}
			tree.Add("null", char|0o666, 1, 3)
			tree.Add("zero", char|0o666, 1, 5)
			tree.Add("sda", block|0o660, 8, 0)
			tree.Add("snd/pcm0", char|0o660, 116, 2)
			tree.Add("snd/pcm1", char|0o660, 116, 3)
			a.run(&test{t, tree})
		})
	}
}

const (
	char  = syscall.S_IFCHR
	block = syscall.S_IFBLK
)

type test struct {
	*testing.T
	*Tree
}

func (t *test) ok(err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func (t *test) refused(what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// holds compares a listing, and each name with what a lookup says of it.
func (t *test) holds(dir, names string) {
	t.Helper()
	got, err := t.List(dir)
	slices.Sort(got)
	if err != nil || strings.Join(got, " ") != names {
		t.Errorf("%q holds %q (%v), want %q", dir, strings.Join(got, " "), err, names)
	}
	for _, name := range got {
		if _, err := t.Lstat(strings.TrimPrefix(dir+"/"+name, "/")); err != nil {
			t.Errorf("%s is listed: %v", name, err)
		}
	}
}

// until waits for ok where that is of use.
func (t *test) until(ok func() bool) {
	if t.Until != nil {
		t.Until(ok)
	}
}

// is compares type, mode and number.
func (t *test) is(name string, mode, major, minor uint32) {
	t.Helper()
	t.until(func() bool {
		st, err := t.Lstat(name)
		return err == nil && st.Mode == mode && st.Major == major && st.Minor == minor
	})
	st, err := t.Lstat(name)
	if err != nil || st.Mode != mode || st.Major != major || st.Minor != minor {
		t.Errorf("%s: %o %d:%d (%v), want %o %d:%d", name, st.Mode, st.Major, st.Minor, err, mode, major, minor)
	}
}

func (t *test) missing(names ...string) {
	t.Helper()
	for _, name := range names {
		t.until(func() bool {
			_, err := t.Lstat(name)
			return err != nil
		})
		if _, err := t.Lstat(name); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
