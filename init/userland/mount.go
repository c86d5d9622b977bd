package main

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/mountinfo"
	"slashdev/init/userland/tool"
)

// readMounts returns the mounted file systems, in mount order.
func readMounts(root fs.FS) ([]mountinfo.Mount, error) {
	text, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var list []mountinfo.Mount
	for l := range strings.Lines(string(text)) {
		m, ok := mountinfo.Parse(l)
		if !ok {
			return list, fmt.Errorf("parse mountinfo: %q", tool.Cut(l, 60))
		}
		list = append(list, m)
	}
	return list, nil
}

func mount(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("t= o=", args)
	switch {
	case err != nil:
		return err
	case len(rest) == 0 && !opts.Has("o"):
		return listMounts(e, opts["t"])
	case len(rest) == 1 && opts.Has("o"): // remount
		rest = []string{"none", rest[0]}
	case len(rest) != 2:
		return tool.Usagef("mount needs SOURCE and DIR")
	}
	flags, data, err := mountFlags(opts["o"])
	if err != nil {
		return err
	}
	source, dir := rest[0], e.Path(rest[1])
	if strings.Contains(source, "/") && !isTag(source) {
		source = e.Path(source)
	}
	if source, err = findDevice(source); err != nil {
		return err
	}
	if flags&(unix.MS_BIND|unix.MS_MOVE|unix.MS_REMOUNT) == 0 && !opts.Has("t") {
		return mountAny(e.Root, mounting{source, dir, "", flags, data})
	}
	return mounting{source, dir, opts["t"], flags, data}.do()
}

func listMounts(e *tool.Env, fstype string) error {
	list, err := readMounts(e.Root)
	if err != nil {
		return err
	}
	var t tool.Table
	t.Row("TARGET", "TYPE", "SOURCE", "OPTIONS")
	for _, m := range list {
		if fstype == "" || m.FSType == fstype {
			t.Row(m.Dir, m.FSType, tool.Cut(m.Source, 24), m.Options)
		}
	}
	_, err = t.WriteTo(e.Out)
	return err
}

type mounting struct {
	source, dir, fstype string
	flags               uintptr
	data                string
}

func (m mounting) do() error {
	if err := unix.Mount(m.source, m.dir, m.fstype, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w%s", m.source, m.dir, err, hint(err, m.fstype))
	}
	return nil
}

func hint(err error, fstype string) string {
	switch err {
	case unix.ENODEV:
		return fmt.Sprintf(": the kernel does not know file system %s", fstype)
	case unix.EINVAL:
		return ": no such file system on it, or a wrong option (dmesg says which)"
	case unix.EBUSY:
		return ": mounted there already"
	}
	return ""
}

// mountAny tries the disk file systems that the kernel knows.
func mountAny(root fs.FS, m mounting) error {
	text, err := fs.ReadFile(root, "proc/filesystems")
	if err != nil {
		return err
	}
	tried := diskTypes(string(text))
	for _, m.fstype = range tried {
		if err = unix.Mount(m.source, m.dir, m.fstype, m.flags, m.data); err != unix.EINVAL {
			break
		}
	}
	switch err {
	case nil:
		return nil
	case unix.EINVAL:
		return fmt.Errorf("mount %s: none of the file systems %s is on it", m.source, strings.Join(tried, " "))
	}
	return fmt.Errorf("mount %s on %s: %w%s", m.source, m.dir, err, hint(err, m.fstype))
}

// diskTypes lists the lines of /proc/filesystems without "nodev".
func diskTypes(text string) (types []string) {
	for l := range strings.Lines(text) {
		if f := strings.Fields(l); len(f) == 1 {
			types = append(types, f[0])
		}
	}
	return types
}

// mountFlags splits the words of -o into flags and the file system's own
// options. Device nodes on what is mounted by hand do not work unless "dev"
// is asked for: a stick may bring a node that gives the disk away.
func mountFlags(options string) (flags uintptr, data string, err error) {
	known := map[string]uintptr{
		"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
		"sync": unix.MS_SYNCHRONOUS, "dirsync": unix.MS_DIRSYNC, "noatime": unix.MS_NOATIME,
		"nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME, "strictatime": unix.MS_STRICTATIME,
		"remount": unix.MS_REMOUNT, "bind": unix.MS_BIND, "rbind": unix.MS_BIND | unix.MS_REC, "move": unix.MS_MOVE,
		"private": unix.MS_PRIVATE, "rprivate": unix.MS_PRIVATE | unix.MS_REC, "shared": unix.MS_SHARED,
		"slave": unix.MS_SLAVE, "silent": unix.MS_SILENT, "lazytime": unix.MS_LAZYTIME,
	}
	cleared := map[string]uintptr{"rw": unix.MS_RDONLY, "suid": unix.MS_NOSUID, "dev": unix.MS_NODEV, "exec": unix.MS_NOEXEC, "defaults": 0, "": 0}
	flags = unix.MS_NODEV
	var own []string
	for word := range strings.SplitSeq(options, ",") {
		if f, ok := cleared[word]; ok {
			flags &^= f
		} else if f, ok := known[word]; ok {
			flags |= f
		} else if strings.ContainsAny(word, "\x00\n") {
			return 0, "", tool.Usagef("mount option %q", word)
		} else {
			own = append(own, word)
		}
	}
	return flags, strings.Join(own, ","), nil
}

func umount(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("l f", args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return tool.Usagef("umount needs DIR")
	}
	flags := unix.UMOUNT_NOFOLLOW
	if opts.Has("l") {
		flags |= unix.MNT_DETACH
	}
	if opts.Has("f") {
		flags |= unix.MNT_FORCE
	}
	for _, dir := range rest {
		err := unix.Unmount(e.Path(dir), flags)
		switch err {
		case nil:
			continue
		case unix.EINVAL:
			return tool.Errorf(tool.NotFound, "umount %s: nothing is mounted there", dir)
		case unix.EBUSY:
			return fmt.Errorf("umount %s: %w: a program uses it (umount -l waits for its end)", dir, err)
		}
		return fmt.Errorf("umount %s: %w", dir, err)
	}
	return nil
}
