package devdir

import (
	"os"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/namespace"
)

// Below returns the directories directly in the directory dir.
func (d *Dir) Below(dir string) []string {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: beneath}
	fd, err := unix.Openat2(d.fd, dir, &how)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), dir)
	defer f.Close()
	var dirs []string
	entries, _ := f.ReadDir(-1)
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, dir+"/"+e.Name())
		}
	}
	return dirs
}

// Sweep removes the links directly in the directory dir that keep does not
// want: a devmgr that was killed may have left them. It returns how many.
func (d *Dir) Sweep(dir string, keep func(name string) bool) int {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: beneath}
	fd, err := unix.Openat2(d.fd, dir, &how)
	if err != nil {
		return 0
	}
	f := os.NewFile(uintptr(fd), dir)
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	removed := 0
	for _, base := range names {
		name := dir + "/" + base
		if keep(name) {
			continue
		}
		target, err := readlink(fd, base)
		if err != nil {
			continue
		}
		entry := namespace.Entry{Name: name, Target: target}
		if d.Apply(namespace.Op{Kind: namespace.RemoveLink, Entry: entry}) == nil {
			removed++
		}
	}
	return removed
}
