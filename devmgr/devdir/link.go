package devdir

import (
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

func (d *Dir) makeLink(name, target string) error {
	err := d.tryLink(name, target)
	if err == unix.ENOENT { // the directory went away under our descriptor
		d.Flush()
		err = d.tryLink(name, target)
	}
	return err
}

func (d *Dir) tryLink(name, target string) error {
	fd, base, err := d.parent(name, true)
	if err != nil {
		return err
	}
	err = unix.Symlinkat(target, fd, base)
	if err != unix.EEXIST {
		return err
	}
	switch old, err := readlink(fd, base); {
	case err != nil:
		return fmt.Errorf("something that is not a link has this name: left alone")
	case old == target:
		return nil
	}
	return replaceLink(fd, base, target)
}

// replaceLink swaps the new link in with a rename, so that the name leads
// somewhere at every moment.
func replaceLink(fd int, base, target string) error {
	err := unix.Symlinkat(target, fd, temporary)
	if err == unix.EEXIST { // left by a devmgr that was killed here
		if err := unix.Unlinkat(fd, temporary, 0); err != nil {
			return err
		}
		err = unix.Symlinkat(target, fd, temporary)
	}
	if err != nil {
		return err
	}
	if err := unix.Renameat(fd, temporary, fd, base); err != nil {
		unix.Unlinkat(fd, temporary, 0)
		return err
	}
	return nil
}

// removeLink removes a link that still is what we made, and the directories
// that this leaves empty.
func (d *Dir) removeLink(name, target string) error {
	fd, base, err := d.parent(name, false)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil {
		return err
	}
	if old, err := readlink(fd, base); err != nil || old != target {
		return nil
	}
	if err := unix.Unlinkat(fd, base, 0); err != nil && err != unix.ENOENT {
		return err
	}
	d.prune(path.Dir(name))
	return nil
}

func (d *Dir) prune(dir string) {
	for ; dir != "."; dir = path.Dir(dir) {
		above, base, err := d.parent(dir, false)
		if err != nil || unix.Unlinkat(above, base, unix.AT_REMOVEDIR) != nil {
			return
		}
		if fd, ok := d.parents[dir]; ok {
			unix.Close(fd)
			delete(d.parents, dir)
		}
	}
}

func readlink(fd int, name string) (string, error) {
	var buf [4096]byte
	n, err := unix.Readlinkat(fd, name, buf[:])
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
