package conform

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Folder is a directory of the kernel's: on tmpfs, or where a view is mounted.
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// Lstat implements FS.
func (f Folder) Lstat(name string) (Stat, error) {
	var st unix.Stat_t
	err := unix.Lstat(f.path(name), &st)
	return Stat{Mode: st.Mode, Major: unix.Major(st.Rdev), Minor: unix.Minor(st.Rdev),
		UID: st.Uid, GID: st.Gid, Ino: st.Ino, Nlink: uint64(st.Nlink)}, err
}

// List implements FS.
func (f Folder) List(name string) (names []string, err error) {
	entries, err := os.ReadDir(f.path(name))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Readlink implements FS.
func (f Folder) Readlink(name string) (string, error) { return os.Readlink(f.path(name)) }

// Mknod implements FS.
func (f Folder) Mknod(name string, mode, rdev uint32) error {
	if err := unix.Mknod(f.path(name), mode, int(rdev)); err != nil {
		return err
	}
	return unix.Chmod(f.path(name), mode&0o7777) // whatever the umask is
}

// Mkdir implements FS.
func (f Folder) Mkdir(name string, mode uint32) error {
	if err := unix.Mkdir(f.path(name), mode); err != nil {
		return err
	}
	return unix.Chmod(f.path(name), mode)
}

// Symlink implements FS.
func (f Folder) Symlink(target, name string) error { return unix.Symlink(target, f.path(name)) }

// Unlink implements FS.
func (f Folder) Unlink(name string) error { return unix.Unlink(f.path(name)) }

// Rmdir implements FS.
func (f Folder) Rmdir(name string) error { return unix.Rmdir(f.path(name)) }

// Rename implements FS.
func (f Folder) Rename(from, to string) error { return unix.Rename(f.path(from), f.path(to)) }

// Chmod implements FS.
func (f Folder) Chmod(name string, mode uint32) error { return unix.Chmod(f.path(name), mode) }

// Chown implements FS.
func (f Folder) Chown(name string, uid, gid int) error { return unix.Lchown(f.path(name), uid, gid) }

// Add makes a node as the kernel does in devtmpfs, with the directories above.
func (f Folder) Add(name string, mode, major, minor uint32) error {
	if dir := filepath.Dir(name); dir != "." {
		if err := os.MkdirAll(f.path(dir), 0o755); err != nil {
			return err
		}
	}
	return f.Mknod(name, mode, uint32(unix.Mkdev(major, minor)))
}

// Remove takes a node away, and the directories that it leaves empty.
func (f Folder) Remove(name string) error {
	err := f.Unlink(name)
	for strings.Contains(name, "/") {
		name = filepath.Dir(name)
		f.Rmdir(name)
	}
	return err
}
