package devfuse_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"slashdev/devmgr/devfuse"
	"slashdev/devmgr/view"
)

// Lookups, devices that come and go, moves, deletions and refreshes, all at
// once: nobody hangs, the end is as if there had been one at a time, and the
// kernel forgets everything.
func TestE7_AllAtOnce(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	opt, err := view.ParseOptions([]string{"rename=allow"})
	if err != nil {
		t.Fatal(err)
	}
	v := view.New(b, opt)
	dir, tree := t.TempDir(), devfuse.New(v, devfuse.Config{})
	m, err := new(devfuse.Server).Attach(tree, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var names []string
	for i := range 24 {
		names = append(names, fmt.Sprintf("d%d/n%d", i%4, i))
	}
	var wg sync.WaitGroup
	many := func(workers int, step func(rnd *rand.Rand, name string)) {
		for w := range workers {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(w), 7))
				for range 400 {
					step(rnd, names[rnd.IntN(len(names))])
				}
			})
		}
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	many(8, func(_ *rand.Rand, name string) { os.Lstat(path(name)); os.ReadDir(filepath.Dir(path(name))) })
	many(2, func(_ *rand.Rand, name string) { os.Remove(path(name)); os.Symlink("x", path(name)) })
	many(2, func(_ *rand.Rand, name string) { os.Rename(path(name), path("moved-"+filepath.Base(name))) })
	many(1, func(_ *rand.Rand, _ string) { v.Refresh() })
	wg.Go(func() { // the device manager's loop
		rnd := rand.New(rand.NewPCG(1, 2))
		for i := range 4000 {
			if name := names[rnd.IntN(len(names))]; i%2 == 0 {
				put(t, b, name, 9, uint32(i))
			} else {
				b.Remove(name)
			}
		}
	})
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-timeout():
		m.Close()
		t.Fatal("somebody hangs")
	}
	// The kernel agrees with the view about every name, in listings and lookups.
	until(t, "the kernel agrees", func() bool { return walked(dir) == shown(v, view.Root, "") })
	for _, name := range names {
		b.Remove(name)
	}
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			os.Remove(name)
		}
		return nil
	})
	until(t, "everything is forgotten", func() bool { return tree.Known() == 0 })
}

// walked lists what the kernel sees.
func walked(dir string) string {
	var lines strings.Builder
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if st, lerr := os.Lstat(name); name != dir && err == nil && lerr == nil {
			fmt.Fprintln(&lines, strings.TrimPrefix(name, dir+"/"), st.Mode().Type())
		}
		return nil
	})
	return lines.String()
}

func shown(v *view.View, dir view.ID, prefix string) string {
	var lines strings.Builder
	list, _ := v.List(dir)
	types := map[view.Kind]fs.FileMode{view.Dir: fs.ModeDir, view.Link: fs.ModeSymlink, view.Char: fs.ModeDevice | fs.ModeCharDevice}
	for _, e := range list {
		fmt.Fprintln(&lines, prefix+e.Name, types[e.Kind])
		if e.Kind == view.Dir {
			lines.WriteString(shown(v, e.ID, prefix+e.Name+"/"))
		}
	}
	return lines.String()
}
