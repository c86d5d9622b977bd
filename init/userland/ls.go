package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// entry is one line of ls.
type entry struct {
	name string // as it is shown
	path string
	info fs.FileInfo
}

type lister struct {
	e    *tool.Env
	opts tool.Options
	ids  names
	many bool // more than one directory: each gets a title
	bad  error
}

func ls(_ context.Context, e *tool.Env, args []string) error {
	opts, operands, err := tool.Parse("l a|all 1 d h R t S r n", args)
	if err != nil {
		return err
	}
	if len(operands) == 0 {
		operands = []string{"."}
	}
	l := &lister{e: e, opts: opts, many: len(operands) > 1 || opts.Has("R")}
	if !opts.Has("n") {
		l.ids = readNames(e.Root)
	}
	var files []entry
	var dirs []string
	for _, name := range operands {
		fi, err := os.Lstat(e.Path(name))
		if err == nil && fi.Mode()&fs.ModeSymlink != 0 && !opts.Has("l") && !opts.Has("d") {
			fi, err = os.Stat(e.Path(name))
		}
		switch {
		case err != nil:
			l.fail(err)
		case fi.IsDir() && !opts.Has("d"):
			dirs = append(dirs, name)
		default:
			files = append(files, entry{name, e.Path(name), fi})
		}
	}
	l.print(files)
	for i, d := range dirs {
		l.dir(d, i > 0 || len(files) > 0)
	}
	return l.bad
}

func (l *lister) fail(err error) {
	l.e.Complain(err)
	l.bad = tool.Silent(tool.Code(err))
}

// dir lists one directory, and those in it with -R.
func (l *lister) dir(name string, gap bool) {
	if gap {
		l.e.Printf("\n")
	}
	if l.many {
		l.e.Printf("%s:\n", tool.Clean(name))
	}
	list, err := os.ReadDir(l.e.Path(name))
	if err != nil {
		l.fail(err)
		return
	}
	var files []entry
	for _, d := range list {
		fi, err := d.Info()
		if err != nil || d.Name()[0] == '.' && !l.opts.Has("a") {
			continue // gone since
		}
		files = append(files, entry{d.Name(), filepath.Join(l.e.Path(name), d.Name()), fi})
	}
	l.print(files)
	for _, f := range files {
		if l.opts.Has("R") && f.info.IsDir() {
			l.dir(filepath.Join(name, f.name), true)
		}
	}
}

func (l *lister) print(files []entry) {
	l.sort(files)
	switch {
	case l.opts.Has("l"):
		l.long(files)
	case l.opts.Has("1") || !isTerminal(l.e.Out):
		for _, f := range files {
			l.e.Printf("%s\n", tool.Clean(f.name))
		}
	default:
		var names []string
		for _, f := range files {
			names = append(names, tool.Clean(f.name)+mark(f.info.Mode()))
		}
		l.e.Printf("%s", tool.Columns(names, tool.Width-1))
	}
}

func (l *lister) sort(files []entry) {
	slices.SortStableFunc(files, func(a, b entry) int {
		c := cmp.Compare(a.name, b.name)
		switch {
		case l.opts.Has("t"):
			c = b.info.ModTime().Compare(a.info.ModTime())
		case l.opts.Has("S"):
			c = cmp.Compare(b.info.Size(), a.info.Size())
		}
		if l.opts.Has("r") {
			c = -c
		}
		return c
	})
}

func mark(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "/"
	case m&fs.ModeSymlink != 0:
		return "@"
	case m&fs.ModeSocket != 0:
		return "="
	case m&fs.ModeNamedPipe != 0:
		return "|"
	case m.IsRegular() && m&0o111 != 0:
		return "*"
	}
	return ""
}

func (l *lister) long(files []entry) {
	t := tool.Table{Right: []bool{false, true, false, false, true}, Tight: true}
	for _, f := range files {
		st, _ := f.info.Sys().(*syscall.Stat_t)
		if st == nil {
			continue
		}
		t.Row(modeString(f.info.Mode()), strconv.FormatUint(uint64(st.Nlink), 10), l.ids.user(st.Uid), l.ids.group(st.Gid),
			l.size(f.info, st), when(f.info.ModTime()), target(f))
	}
	t.WriteTo(l.e.Out)
}

// size is the size, or for a device its numbers.
func (l *lister) size(fi fs.FileInfo, st *syscall.Stat_t) string {
	switch {
	case fi.Mode()&fs.ModeDevice != 0:
		return fmt.Sprintf("%d, %3d", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev)))
	case l.opts.Has("h"):
		return tool.Size(uint64(fi.Size()))
	}
	return strconv.FormatInt(fi.Size(), 10)
}

func target(f entry) string {
	if f.info.Mode()&fs.ModeSymlink == 0 {
		return f.name
	}
	to, err := os.Readlink(f.path)
	if err != nil {
		return f.name
	}
	return f.name + " -> " + to
}

func when(t time.Time) string { return t.Format("2006-01-02 15:04") }

// modeString is the ten characters of ls -l.
func modeString(m fs.FileMode) string {
	b := []byte("?" + m.Perm().String()[1:])
	b[0] = typeLetter(m)
	for i, special := range []fs.FileMode{fs.ModeSetuid, fs.ModeSetgid, fs.ModeSticky} {
		at := 3 + 3*i
		if m&special == 0 {
			continue
		}
		letter := "sst"[i]
		if b[at] == '-' {
			letter -= 'a' - 'A'
		}
		b[at] = letter
	}
	return string(b)
}

func typeLetter(m fs.FileMode) byte {
	switch {
	case m.IsDir():
		return 'd'
	case m&fs.ModeSymlink != 0:
		return 'l'
	case m&fs.ModeCharDevice != 0:
		return 'c'
	case m&fs.ModeDevice != 0:
		return 'b'
	case m&fs.ModeNamedPipe != 0:
		return 'p'
	case m&fs.ModeSocket != 0:
		return 's'
	}
	return '-'
}
