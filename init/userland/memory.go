package main

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// parseMeminfo reads the "Name:  123 kB" lines of /proc/meminfo, in bytes.
func parseMeminfo(text string) map[string]uint64 {
	m := map[string]uint64{}
	for l := range strings.Lines(text) {
		name, rest, ok := strings.Cut(l, ":")
		f := strings.Fields(rest)
		if !ok || len(f) == 0 {
			continue
		}
		n, err := strconv.ParseUint(f[0], 10, 53)
		if err != nil {
			continue
		}
		if len(f) > 1 && f[1] == "kB" {
			n *= 1024
		}
		m[name] = n
	}
	return m
}

func free(_ context.Context, e *tool.Env, args []string) error {
	if _, _, err := tool.Parse("h m", args); err != nil {
		return err
	}
	text, err := fs.ReadFile(e.Root, "proc/meminfo")
	if err != nil {
		return err
	}
	m := parseMeminfo(string(text))
	t := tool.Table{Right: []bool{false, true, true, true, true, true, true}}
	t.Row("", "total", "used", "free", "shared", "cache", "available")
	cache := m["Cached"] + m["Buffers"] + m["SReclaimable"]
	used := m["MemTotal"] - min(m["MemTotal"], m["MemAvailable"])
	t.Row("memory", tool.Size(m["MemTotal"]), tool.Size(used), tool.Size(m["MemFree"]),
		tool.Size(m["Shmem"]), tool.Size(cache), tool.Size(m["MemAvailable"]))
	if m["SwapTotal"] > 0 {
		t.Row("swap", tool.Size(m["SwapTotal"]), tool.Size(m["SwapTotal"]-m["SwapFree"]), tool.Size(m["SwapFree"]))
	}
	_, err = t.WriteTo(e.Out)
	return err
}

func uptime(_ context.Context, e *tool.Env, _ []string) error {
	text, err := fs.ReadFile(e.Root, "proc/uptime")
	if err != nil {
		return err
	}
	load, err := fs.ReadFile(e.Root, "proc/loadavg")
	if err != nil {
		return err
	}
	s, err := uptimeLine(string(text), string(load))
	if err != nil {
		return err
	}
	e.Printf("%s %s\n", time.Now().UTC().Format("2006-01-02 15:04:05"), s)
	return nil
}

func uptimeLine(up, load string) (string, error) {
	u, l := strings.Fields(up), strings.Fields(load)
	if len(u) < 1 || len(l) < 3 {
		return "", fmt.Errorf("parse uptime: %q %q", up, load)
	}
	sec, err := strconv.ParseFloat(u[0], 64)
	if err != nil {
		return "", fmt.Errorf("parse uptime: %w", err)
	}
	d := int(sec) / 86400
	s := fmt.Sprintf("UTC, up %02d:%02d:%02d", int(sec)/3600%24, int(sec)/60%60, int(sec)%60)
	if d > 0 {
		s = fmt.Sprintf("UTC, up %d d %02d:%02d", d, int(sec)/3600%24, int(sec)/60%60)
	}
	return s + ", load " + strings.Join(l[:3], " "), nil
}

func df(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("h a", args)
	if err != nil {
		return err
	}
	list, err := readMounts(e.Root)
	if err != nil {
		return err
	}
	t := tool.Table{Right: []bool{false, false, true, true, true, true}}
	t.Row("TARGET", "TYPE", "SIZE", "USED", "AVAIL", "USE%")
	for _, m := range list {
		var st unix.Statfs_t
		if len(rest) > 0 || unix.Statfs(m.Dir, &st) != nil || st.Blocks == 0 && !opts.Has("a") {
			continue
		}
		dfRow(&t, m.Dir, m.FSType, st)
	}
	for _, path := range rest {
		var st unix.Statfs_t
		if err := unix.Statfs(e.Path(path), &st); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		dfRow(&t, path, "", st)
	}
	_, err = t.WriteTo(e.Out)
	return err
}

func dfRow(t *tool.Table, dir, fstype string, st unix.Statfs_t) {
	unit := uint64(st.Frsize)
	used := st.Blocks - st.Bfree
	percent := "-"
	if whole := used + st.Bavail; whole > 0 {
		percent = fmt.Sprintf("%d%%", (used*100+whole-1)/whole)
	}
	t.Row(dir, fstype, tool.Size(st.Blocks*unit), tool.Size(used*unit), tool.Size(st.Bavail*unit), percent)
}
