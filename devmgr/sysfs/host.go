package sysfs

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path"
	"syscall"
	"unsafe"
)

// maxAttr is the longest attribute that sysfs shows, and more than a uevent
// file can hold.
const maxAttr = 4096

// Host returns the tree mounted at dir, usually /sys. It is what os.DirFS
// would be, at half the price: package os asks the kernel to poll every
// attribute it opens, and reads until it sees the end.
func Host(dir string) FS { return FS{host{dir}} }

type host struct{ dir string }

func (h host) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return os.Open(h.dir + "/" + name)
}

func (h host) Stat(name string) (fs.FileInfo, error)  { return os.Stat(h.dir + "/" + name) }
func (h host) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(h.dir + "/" + name) }

func (h host) ReadFile(name string) ([]byte, error) {
	s, err := h.readString(name)
	return []byte(s), err
}

// readString reads an attribute with one read: sysfs gives all of it at once.
// The buffers here stay on the stack; a scan makes thousands of these calls.
func (h host) readString(name string) (string, error) {
	fd, err := h.open(name, syscall.O_RDONLY)
	if err != nil {
		return "", err
	}
	var buf [maxAttr]byte
	n, err := syscall.Read(fd, buf[:])
	for err == syscall.EINTR {
		n, err = syscall.Read(fd, buf[:])
	}
	quickClose(fd)
	if err != nil {
		return "", &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

func (h host) open(name string, flags int) (int, error) {
	full := h.dir + "/" + name
	fd, err := quickOpen(full, flags|syscall.O_CLOEXEC|syscall.O_NONBLOCK)
	for err == syscall.EINTR {
		fd, err = quickOpen(full, flags|syscall.O_CLOEXEC|syscall.O_NONBLOCK)
	}
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

func (h host) ReadLink(name string) (string, error) {
	var buf [maxAttr]byte
	n, err := quickReadlink(h.dir+"/"+name, buf[:])
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

// ReadDir returns the entries in the kernel's order: a scan sorts what it
// makes of them.
func (h host) ReadDir(name string) ([]fs.DirEntry, error) {
	fd, err := h.open(name, syscall.O_RDONLY|syscall.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer quickClose(fd)
	var entries []fs.DirEntry
	var buf [8 << 10]byte
	for {
		n, err := syscall.ReadDirent(fd, buf[:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return entries, &fs.PathError{Op: "readdir", Path: name, Err: err}
		}
		if n <= 0 {
			return entries, nil
		}
		entries = h.appendEntries(entries, name, buf[:n])
	}
}

func (h host) appendEntries(list []fs.DirEntry, dir string, buf []byte) []fs.DirEntry {
	const head = int(unsafe.Offsetof(syscall.Dirent{}.Name))
	for len(buf) > head {
		size := int(binary.NativeEndian.Uint16(buf[unsafe.Offsetof(syscall.Dirent{}.Reclen):]))
		if size <= head || size > len(buf) {
			return list
		}
		name := buf[head:size]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if s := string(name); s != "." && s != ".." {
			kind := buf[unsafe.Offsetof(syscall.Dirent{}.Type)]
			list = append(list, entry{h, dir, s, fileType(kind)})
		}
		buf = buf[size:]
	}
	return list
}

func fileType(kind byte) fs.FileMode {
	switch kind {
	case syscall.DT_DIR:
		return fs.ModeDir
	case syscall.DT_LNK:
		return fs.ModeSymlink
	case syscall.DT_REG:
		return 0
	}
	return fs.ModeIrregular
}

type entry struct {
	host host
	dir  string
	name string
	kind fs.FileMode
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.kind.IsDir() }
func (e entry) Type() fs.FileMode          { return e.kind }
func (e entry) Info() (fs.FileInfo, error) { return e.host.Lstat(path.Join(e.dir, e.name)) }
