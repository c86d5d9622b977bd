package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

func uname(_ context.Context, e *tool.Env, args []string) error {
	opts, _, err := tool.Parse("a s n r v m", args)
	if err != nil {
		return err
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	var out []string
	for _, f := range []struct {
		key  string
		text []byte
	}{{"s", u.Sysname[:]}, {"n", u.Nodename[:]}, {"r", u.Release[:]}, {"v", u.Version[:]}, {"m", u.Machine[:]}} {
		if opts.Has("a") || opts.Has(f.key) || len(opts) == 0 && f.key == "s" {
			out = append(out, tool.Clean(unix.ByteSliceToString(f.text)))
		}
	}
	e.Printf("%s\n", strings.Join(out, " "))
	return nil
}

func hostname(_ context.Context, e *tool.Env, args []string) error {
	_, names, err := tool.Parse("", args)
	if err != nil {
		return err
	}
	switch len(names) {
	case 0:
		name, err := os.Hostname()
		if err != nil {
			return err
		}
		e.Printf("%s\n", tool.Clean(name))
		return nil
	case 1:
		return unix.Sethostname([]byte(names[0]))
	}
	return tool.Usagef("one NAME at most")
}

func date(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("u s=", args)
	if err != nil {
		return err
	}
	if opts.Has("s") {
		return setDate(opts["s"])
	}
	now := time.Now().UTC()
	switch {
	case len(rest) == 0:
		e.Printf("%s\n", now.Format("2006-01-02 15:04:05 UTC"))
	case rest[0] == "+%s":
		e.Printf("%d\n", now.Unix())
	default:
		return tool.Usagef("format %s: only +%%s", rest[0])
	}
	return nil
}

func setDate(s string) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		tv := unix.NsecToTimeval(t.UnixNano())
		return unix.Settimeofday(&tv)
	}
	return tool.Usagef("time %q: write it like 2026-01-31 12:00:00 (UTC)", s)
}

func env(_ context.Context, e *tool.Env, args []string) error {
	if len(args) > 0 {
		return tool.Usagef("env only prints; write NAME=VALUE COMMAND to set one")
	}
	list := os.Environ()
	slices.Sort(list)
	for _, kv := range list {
		e.Printf("%s\n", tool.Clean(kv))
	}
	return nil
}

func syncDisks(_ context.Context, _ *tool.Env, _ []string) error {
	unix.Sync()
	return nil
}

func id(_ context.Context, e *tool.Env, _ []string) error {
	n := readNames(e.Root)
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	if e.Name == "whoami" {
		e.Printf("%s\n", n.user(uid))
		return nil
	}
	e.Printf("uid=%d(%s) gid=%d(%s)", uid, n.user(uid), gid, n.group(gid))
	groups, _ := os.Getgroups()
	for i, g := range groups {
		sep := ","
		if i == 0 {
			sep = " groups="
		}
		e.Printf("%s%d(%s)", sep, g, n.group(uint32(g)))
	}
	e.Printf("\n")
	return nil
}

func sleep(ctx context.Context, _ *tool.Env, args []string) error {
	if len(args) != 1 {
		return tool.Usagef("sleep needs one duration")
	}
	d, err := parseDuration(args[0])
	if err != nil {
		return err
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return tool.Silent(130)
	}
}

// parseDuration takes seconds with a fraction, or 5m, 1h30m, 250ms.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d < 0 {
		return 0, tool.Usagef("%q is not a duration (2, 0.5, 250ms, 5m)", s)
	}
	return d, nil
}

func clearTerminal(_ context.Context, e *tool.Env, _ []string) error {
	if e.Getenv("TERM") != "dumb" {
		e.Printf("\x1b[H\x1b[2J")
	}
	return nil
}
