package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

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

func kill(_ context.Context, e *tool.Env, args []string) error {
	sig := syscall.SIGTERM
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0][1:]
		args = args[1:]
		if word == "s" && len(args) > 0 {
			word, args = args[0], args[1:]
		}
		if word == "l" {
			return listSignals(e)
		}
		var err error
		if sig, err = parseSignal(word); err != nil {
			return err
		}
	}
	if len(args) == 0 {
		return tool.Usagef("kill needs PID")
	}
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err != nil || pid == 0 {
			return tool.Usagef("%q is not a process id", a)
		}
		if err := unix.Kill(pid, sig); err == unix.ESRCH {
			return tool.Errorf(tool.NotFound, "%d: no such process", pid)
		} else if err != nil {
			return fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	return nil
}

// parseSignal takes 9, KILL, kill or SIGKILL.
func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 64 {
		return syscall.Signal(n), nil
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if n := unix.SignalNum(name); n != 0 {
		return n, nil
	}
	return 0, tool.Usagef("unknown signal %s (kill -l lists them)", s)
}

func listSignals(e *tool.Env) error {
	var names []string
	for n := 1; n < 32; n++ {
		names = append(names, fmt.Sprintf("%2d %s", n, strings.TrimPrefix(unix.SignalName(syscall.Signal(n)), "SIG")))
	}
	e.Printf("%s", tool.Columns(names, tool.Width))
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

func which(_ context.Context, e *tool.Env, args []string) error {
	if len(args) == 0 {
		return tool.Usagef("which needs NAME")
	}
	var bad error
	for _, name := range args {
		path := search(e.Getenv("PATH"), name)
		if _, ours := findApplet(name); ours && path == "" {
			path = name + " (of this shell)"
		}
		if path == "" {
			bad = tool.Silent(tool.NotFound)
			continue
		}
		e.Printf("%s\n", tool.Clean(path))
	}
	return bad
}

func search(path, name string) string {
	for dir := range strings.SplitSeq(path, ":") {
		file := filepath.Join(dir, name)
		if fi, err := os.Stat(file); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

func sysctl(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("w n a", args)
	if err != nil {
		return err
	}
	if opts.Has("a") {
		return sysctlAll(e)
	}
	if len(rest) == 0 {
		return tool.Usagef("sysctl needs NAME or NAME=VALUE (-a lists all)")
	}
	for _, word := range rest {
		name, value, set := strings.Cut(word, "=")
		file, err := sysctlFile(name)
		if err != nil {
			return err
		}
		if set {
			err = os.WriteFile("/"+file, []byte(value+"\n"), 0)
		}
		if err == nil {
			err = printSysctl(e, file, opts.Has("n"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sysctlFile turns net.ipv4.ip_forward, or the same with slashes, into a path.
func sysctlFile(name string) (string, error) {
	path := name
	if !strings.Contains(name, "/") {
		path = strings.ReplaceAll(name, ".", "/")
	}
	file := "proc/sys/" + path
	if !fs.ValidPath(file) || path == "" {
		return "", tool.Usagef("%q is not the name of a kernel setting", name)
	}
	return file, nil
}

func printSysctl(e *tool.Env, file string, bare bool) error {
	text, err := fs.ReadFile(e.Root, file)
	if err != nil {
		return err
	}
	value := tool.Clean(strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", " "))
	if !bare {
		e.Printf("%s = ", strings.ReplaceAll(strings.TrimPrefix(file, "proc/sys/"), "/", "."))
	}
	e.Printf("%s\n", value)
	return nil
}

func sysctlAll(e *tool.Env) error {
	return fs.WalkDir(e.Root, "proc/sys", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			printSysctl(e, path, false) // some can be written only
		}
		return nil
	})
}
