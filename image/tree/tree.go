// Package tree lists what a file system image holds, before anything is written.
//
// A Tree is a value: paths, modes, owners, and where the content comes from.
// The writers (image/cpio, image/squash, image/fat) turn it into bytes, Lint
// says what a root file system must have, and tests read it as text.
package tree

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Entry is one file, directory, symbolic link or device node.
type Entry struct {
	Path string      // absolute and clean
	Mode fs.FileMode // type and permissions
	UID  uint32
	GID  uint32

	Bytes []byte // content of a regular file, unless File is set
	File  string // host file that holds the content
	Size  int64  // of the content

	Link         string // target of a symbolic link
	Major, Minor uint32 // of a device node

	From string // who asked for it, for messages
}

// Open returns the content of a regular file.
func (e *Entry) Open() (io.ReadCloser, error) {
	if e.File == "" {
		return io.NopCloser(bytes.NewReader(e.Bytes)), nil
	}
	return os.Open(e.File)
}

// String describes the entry as one line, without its content.
func (e *Entry) String() string {
	s := fmt.Sprintf("%v %d:%d %s", e.Mode, e.UID, e.GID, e.Path)
	switch {
	case e.Mode&fs.ModeSymlink != 0:
		return s + " -> " + e.Link
	case e.Mode&fs.ModeDevice != 0:
		return fmt.Sprintf("%s %d,%d", s, e.Major, e.Minor)
	}
	return s
}

// Tree is a set of entries. The zero value is an empty tree.
type Tree struct {
	entries map[string]*Entry
}

// Add puts e into the tree. Two entries for one path are an error, unless both
// are directories: then the later one's mode and owner win.
func (t *Tree) Add(e Entry) error {
	if !path.IsAbs(e.Path) || path.Clean(e.Path) != e.Path || strings.ContainsRune(e.Path, 0) {
		return fmt.Errorf("add %q (%s): not an absolute, clean path", e.Path, e.From)
	}
	if old := t.entries[e.Path]; old != nil && !(old.Mode.IsDir() && e.Mode.IsDir()) {
		return fmt.Errorf("add %s (%s): already there from %s", e.Path, e.From, old.From)
	}
	if t.entries == nil {
		t.entries = map[string]*Entry{}
	}
	t.entries[e.Path] = &e
	return nil
}

// Replace is Add that lets e win over what was at its path.
func (t *Tree) Replace(e Entry) error {
	delete(t.entries, e.Path)
	return t.Add(e)
}

// Drop takes what is at a path out of the tree.
func (t *Tree) Drop(name string) { delete(t.entries, name) }

// AddMissing adds a directory unless there is one.
func (t *Tree) AddMissing(e Entry) error {
	if old := t.entries[e.Path]; e.Path == "/" || old != nil && old.Mode.IsDir() {
		return nil
	}
	return t.Add(e)
}

// Dir is the entry of a directory of root's.
func Dir(name string, perm fs.FileMode) Entry {
	return Entry{Path: name, Mode: fs.ModeDir | perm, From: "slashdev"}
}

// Link is the entry of a symbolic link.
func Link(name, target string) Entry {
	return Entry{Path: name, Mode: fs.ModeSymlink | 0o777, Link: target, From: "slashdev"}
}

// Bytes is the entry of a regular file with the content given.
func Bytes(name string, perm fs.FileMode, content []byte) Entry {
	return Entry{Path: name, Mode: perm, Bytes: content, Size: int64(len(content)), From: "slashdev"}
}

// Char is the entry of a character device node.
func Char(name string, perm fs.FileMode, major, minor uint32) Entry {
	return Entry{Path: name, Mode: fs.ModeDevice | fs.ModeCharDevice | perm, Major: major, Minor: minor, From: "slashdev"}
}

// HostFile is the entry of a regular file whose content is the host's file.
func HostFile(name, file string, perm fs.FileMode) (Entry, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Entry{}, err
	}
	if !info.Mode().IsRegular() {
		return Entry{}, &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("not a regular file")}
	}
	return Entry{Path: name, Mode: perm, File: file, Size: info.Size(), From: file}, nil
}

// Entries returns the entries sorted by path, each directory before what it
// holds, with the directories that nobody added (0755, root's).
func (t *Tree) Entries() ([]Entry, error) {
	all := map[string]Entry{"/": Dir("/", 0o755)}
	for name, e := range t.entries {
		all[name] = *e
	}
	for name, e := range t.entries {
		if err := addParents(all, path.Dir(name), e); err != nil {
			return nil, err
		}
	}
	list := make([]Entry, 0, len(all))
	for _, e := range all {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { return compare(a.Path, b.Path) })
	return list, nil
}

func addParents(all map[string]Entry, dir string, child *Entry) error {
	for ; ; dir = path.Dir(dir) {
		parent, ok := all[dir]
		if ok && !parent.Mode.IsDir() {
			return fmt.Errorf("add %s (%s): %s is not a directory (from %s)", child.Path, child.From, dir, parent.From)
		}
		if !ok {
			all[dir] = Dir(dir, 0o755)
		}
		if dir == "/" {
			return nil
		}
	}
}

// compare orders paths component by component, so that /a/b comes before /a-b.
func compare(a, b string) int {
	return cmp.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
}

// Size is the number of bytes of content in the entries.
func Size(entries []Entry) int64 {
	var n int64
	for _, e := range entries {
		n += e.Size
	}
	return n
}
