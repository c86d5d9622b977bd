package main

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"slashdev/init/userland/tool"
)

// process is what ps shows of /proc/PID.
type process struct {
	pid, ppid int
	state     string
	threads   int
	ticks     uint64 // user and system time
	rss       uint64 // bytes
	user      uint32
	command   string
}

// hertz is USER_HZ, in which /proc counts time on every architecture of ours.
const hertz = 100

// parseStat reads /proc/PID/stat (proc(5)). The name in it may hold anything,
// so it ends at the last parenthesis.
func parseStat(text string) (process, error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 1 || end < open {
		return process{}, fmt.Errorf("parse stat: %q", tool.Cut(text, 40))
	}
	f := strings.Fields(text[end+1:])
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	if err != nil || len(f) < 22 {
		return process{}, fmt.Errorf("parse stat: %q", tool.Cut(text, 40))
	}
	ppid, _ := strconv.Atoi(f[1])
	threads, _ := strconv.Atoi(f[17])
	user, _ := strconv.ParseUint(f[11], 10, 64)
	system, _ := strconv.ParseUint(f[12], 10, 64)
	pages, _ := strconv.ParseUint(f[21], 10, 64)
	return process{
		pid: pid, ppid: ppid, state: f[0], threads: threads, ticks: user + system,
		rss: pages * pageSize, command: "[" + text[open+1:end] + "]",
	}, nil
}

// pageSize holds for our kernels: amd64 and arm64 with 4 KiB pages.
const pageSize = 4096

// readProcesses reads /proc. A process that ends meanwhile is left out.
func readProcesses(root fs.FS) ([]process, error) {
	dirs, err := fs.ReadDir(root, "proc")
	if err != nil {
		return nil, err
	}
	var list []process
	for _, d := range dirs {
		if _, err := strconv.Atoi(d.Name()); err != nil {
			continue
		}
		if p, ok := readProcess(root, "proc/"+d.Name()); ok {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b process) int { return a.pid - b.pid })
	return list, nil
}

func readProcess(root fs.FS, dir string) (process, bool) {
	stat, err := fs.ReadFile(root, dir+"/stat")
	if err != nil {
		return process{}, false
	}
	p, err := parseStat(string(stat))
	if err != nil {
		return process{}, false
	}
	if args, _ := fs.ReadFile(root, dir+"/cmdline"); len(args) > 0 {
		p.command = strings.TrimRight(strings.ReplaceAll(string(args), "\x00", " "), " ")
	}
	status, _ := fs.ReadFile(root, dir+"/status")
	for l := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(l, "Uid:"); ok {
			f := append(strings.Fields(rest), "0", "0")
			id, _ := strconv.ParseUint(f[1], 10, 32)
			p.user = uint32(id)
		}
	}
	return p, true
}

func ps(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("a w", args)
	if err != nil {
		return err
	}
	if len(rest) > 0 && strings.Trim(rest[0], "auxwef") != "" {
		return tool.Usagef("unexpected argument %s", rest[0])
	}
	list, err := readProcesses(e.Root)
	if err != nil {
		return err
	}
	all := opts.Has("a") || len(rest) > 0
	users := readNames(e.Root)
	t := tool.Table{Right: []bool{true, true, false, false, true, true, true}}
	t.Row("PID", "PPID", "USER", "S", "THR", "RSS", "TIME", "COMMAND")
	for _, p := range list {
		if p.rss == 0 && !all && p.state != "Z" {
			continue // a kernel thread
		}
		t.Row(strconv.Itoa(p.pid), strconv.Itoa(p.ppid), users.user(p.user), p.state, strconv.Itoa(p.threads),
			tool.Size(p.rss), cpuTime(p.ticks), p.command)
	}
	return writeCut(e, &t, opts.Has("w"))
}

func cpuTime(ticks uint64) string {
	s := ticks / hertz
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// writeCut writes a table with each line cut to the terminal's width.
func writeCut(e *tool.Env, t *tool.Table, wide bool) error {
	var b strings.Builder
	t.WriteTo(&b)
	for l := range strings.Lines(b.String()) {
		l = strings.TrimSuffix(l, "\n")
		if !wide && isTerminal(e.Out) {
			l = tool.Cut(l, tool.Width-1)
		}
		e.Printf("%s\n", l)
	}
	return nil
}
