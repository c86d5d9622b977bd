package devfuse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/devfuse"
	"slashdev/devmgr/view"
)

// both runs a benchmark in a tmpfs and in a view that hold the same nodes.
func both(b *testing.B, names []string, run func(b *testing.B, dir string)) {
	plain, viewed := b.TempDir(), b.TempDir()
	if err := unix.Mount("bench", plain, "tmpfs", 0, ""); err != nil {
		b.Skipf("needs root: %v", err)
	}
	defer unix.Unmount(plain, unix.MNT_DETACH)
	back := view.NewBack()
	for _, name := range names {
		unix.Mknod(filepath.Join(plain, name), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))
		back.Put(name, view.Item{Kind: view.Char, Major: 1, Minor: 3, Attr: view.Attr{Mode: 0o666}})
	}
	var s devfuse.Server
	m, err := s.Attach(devfuse.New(view.New(back, view.Options{}), devfuse.Config{}), viewed)
	if err != nil {
		b.Skipf("needs /dev/fuse: %v", err)
	}
	defer m.Close()
	b.Run("tmpfs", func(b *testing.B) { run(b, plain) })
	b.Run("view", func(b *testing.B) { run(b, viewed) })
}

func manyNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("tty", i))
	}
	return names
}

func BenchmarkOpenCached(b *testing.B) {
	both(b, manyNames(10), func(b *testing.B, dir string) {
		name := filepath.Join(dir, "tty7")
		for b.Loop() {
			fd, err := unix.Open(name, unix.O_RDONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			unix.Close(fd)
		}
	})
}

// Names that are missing are asked for each time.
func BenchmarkLookupUncached(b *testing.B) {
	both(b, manyNames(10), func(b *testing.B, dir string) {
		name := filepath.Join(dir, "nosuch")
		var st unix.Stat_t
		for b.Loop() {
			unix.Lstat(name, &st)
		}
	})
}

func BenchmarkReadDir10000(b *testing.B) {
	both(b, manyNames(10000), func(b *testing.B, dir string) {
		buf := make([]byte, 32<<10)
		for b.Loop() {
			fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
			if err != nil {
				b.Fatal(err)
			}
			for {
				n, err := unix.Getdents(fd, buf)
				if err != nil {
					b.Fatal(err)
				}
				if n == 0 {
					break
				}
			}
			unix.Close(fd)
		}
	})
}

func BenchmarkStatAll10000(b *testing.B) {
	both(b, manyNames(10000), func(b *testing.B, dir string) {
		for b.Loop() {
			list, err := os.ReadDir(dir)
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range list {
				e.Info()
			}
		}
	})
}

// Events beside idle mounts, in each of which everything has been listed.
func BenchmarkEventsBesideMounts(b *testing.B) {
	for _, mounts := range []int{1, 500} {
		b.Run(fmt.Sprint(mounts), func(b *testing.B) {
			back := view.NewBack()
			for _, name := range manyNames(100) {
				back.Put(name, view.Item{Kind: view.Char, Major: 4})
			}
			var s devfuse.Server
			for range mounts {
				dir := b.TempDir()
				m, err := s.Attach(devfuse.New(view.New(back, view.Options{}), devfuse.Config{}), dir)
				if err != nil {
					b.Skipf("needs /dev/fuse: %v", err)
				}
				defer m.Close()
				list, _ := os.ReadDir(dir)
				for _, e := range list {
					e.Info()
				}
			}
			for b.Loop() {
				back.Put("sda", view.Item{Kind: view.Block, Major: 8})
				back.Remove("sda")
			}
		})
	}
}
