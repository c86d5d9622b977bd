package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

func ln(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("s f n", args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return tool.Usagef("ln needs TARGET and LINK")
	}
	to, at := rest[0], e.Path(rest[1])
	if fi, err := os.Stat(at); err == nil && fi.IsDir() && !opts.Has("n") {
		at = filepath.Join(at, filepath.Base(to))
	}
	if opts.Has("f") {
		os.Remove(at)
	}
	if opts.Has("s") {
		return os.Symlink(to, at)
	}
	return os.Link(e.Path(to), at)
}

func readlink(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("f n", args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return tool.Usagef("readlink needs FILE")
	}
	for _, name := range rest {
		read := os.Readlink
		if opts.Has("f") {
			read = filepath.EvalSymlinks
		}
		to, err := read(e.Path(name))
		if err != nil {
			return err
		}
		e.Printf("%s\n", tool.Clean(to))
	}
	return nil
}

func rmdir(_ context.Context, e *tool.Env, args []string) error {
	_, dirs, err := tool.Parse("", args)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return tool.Usagef("rmdir needs DIR")
	}
	for _, dir := range dirs {
		if err := unix.Rmdir(e.Path(dir)); err != nil {
			return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
		}
	}
	return nil
}

func chown(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("h", args)
	if err != nil {
		return err
	}
	if len(rest) < 2 {
		return tool.Usagef("chown needs USER[:GROUP] and FILE")
	}
	user, group, _ := strings.Cut(rest[0], ":")
	n, uid, gid := readNames(e.Root), -1, -1
	if user != "" {
		if uid, err = lookup(n.users, user); err != nil {
			return err
		}
	}
	if group != "" {
		if gid, err = lookup(n.groups, group); err != nil {
			return err
		}
	}
	change := os.Chown
	if opts.Has("h") {
		change = os.Lchown
	}
	for _, name := range rest[1:] {
		if err := change(e.Path(name), uid, gid); err != nil {
			return err
		}
	}
	return nil
}

func stat(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("L", args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return tool.Usagef("stat needs FILE")
	}
	look, n := os.Lstat, readNames(e.Root)
	if opts.Has("L") {
		look = os.Stat
	}
	for _, name := range rest {
		fi, err := look(e.Path(name))
		if err != nil {
			return err
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("stat %s: no details", name)
		}
		e.Printf("%s\n", statText(entry{name, e.Path(name), fi}, st, n))
	}
	return nil
}

func statText(f entry, st *syscall.Stat_t, n names) string {
	s := fmt.Sprintf("%s\n  %s (%04o)  %s:%s (%d:%d)\n", tool.Clean(target(f)), modeString(f.info.Mode()), st.Mode&0o7777,
		n.user(st.Uid), n.group(st.Gid), st.Uid, st.Gid)
	if f.info.Mode()&fs.ModeDevice != 0 {
		s += fmt.Sprintf("  device %d:%d\n", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev)))
	}
	return s + fmt.Sprintf("  size %d, links %d, inode %d on device %d:%d\n  changed %s", st.Size, st.Nlink, st.Ino,
		unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)), f.info.ModTime().UTC().Format(time.RFC3339Nano))
}
