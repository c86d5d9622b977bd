package teardown

import (
	"bufio"
	"errors"
	"io/fs"
	"strings"

	"slashdev/init/mountinfo"
)

// What is read of a table at a time. A mount point's path may have 4096 bytes,
// each written as \ooo; a line that is longer all the same is passed over. Of
// very many mounts the last are kept: they go first, and then the plan is made
// anew (N-06).
const (
	maxLine   = 64 << 10
	maxMounts = 256
)

// mount is a mounted file system.
type mount struct{ device, target string }

// kind says which file systems are meant.
type kind func(fstype string) bool

// view is a file system that a process serves: without it every look at it
// hangs.
func view(fstype string) bool { return fstype == "fuse" || strings.HasPrefix(fstype, "fuse.") }

// disk is a file system whose contents outlive the machine.
func disk(fstype string) bool { return mountinfo.OnDisk(fstype) }

// mounts returns the file systems of a kind, in mount order.
func mounts(root fs.FS, want kind) []mount {
	var all []mount
	lines(root, "proc/self/mountinfo", func(l string) {
		m, ok := mountinfo.Parse(l)
		if !ok || !want(m.FSType) {
			return
		}
		if len(all) == maxMounts {
			copy(all, all[1:])
			all = all[:maxMounts-1]
		}
		all = append(all, mount{m.Device, m.Dir})
	})
	return all
}

// swaps are the files and devices that are swapped to.
func swaps(root fs.FS) []string {
	var all []string
	lines(root, "proc/swaps", func(l string) {
		if f := strings.Fields(l); len(f) > 1 && strings.HasPrefix(f[0], "/") && len(all) < maxMounts {
			all = append(all, mountinfo.Unescape(f[0]))
		}
	})
	return all
}

// lines reads a table of any length.
func lines(root fs.FS, path string, line func(string)) {
	f, err := root.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxLine)
	for {
		b, err := r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			line(strings.TrimSuffix(string(b), "\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}
