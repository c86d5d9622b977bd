package actions

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// groups makes a control group for each job. A group is used once: on kernel
// 7.1 whatever is started in one that was ever killed is dead at birth.
type groups struct {
	dir     string // "" means that there are none
	logf    func(format string, args ...any)
	mu      sync.Mutex
	count   int
	rubbish []string // whose last processes had not gone yet
}

const maxPids = "256" // of one job: a fork bomb leaves room for the rest

// openGroups prepares the folder of groups and kills what an earlier process
// left in it.
func openGroups(dir string, logf func(string, ...any)) *groups {
	g := &groups{logf: logf}
	if dir == "" {
		dir = ownFolder()
	}
	if dir == "-" || dir == "" {
		return g
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		logf("actions: jobs run without control groups: %v", err)
		return g
	}
	g.dir = dir
	g.sweep()
	// Without the controller the groups still serve to kill by. A group with
	// processes of its own must not hand it down.
	for _, d := range []string{filepath.Dir(dir), dir} {
		if procs, err := os.ReadFile(filepath.Join(d, "cgroup.procs")); err == nil && len(procs) == 0 {
			_ = os.WriteFile(filepath.Join(d, "cgroup.subtree_control"), []byte("+pids"), 0)
		}
	}
	return g
}

const mountPoint = "/sys/fs/cgroup"

// ownFolder is beside the group of this process where init keeps it, because a
// group with processes of its own cannot bound those below, and below it
// elsewhere.
func ownFolder() string {
	text, _ := os.ReadFile("/proc/self/cgroup")
	for row := range strings.Lines(string(text)) {
		own, ok := strings.CutPrefix(strings.TrimSpace(row), "0::/")
		if !ok {
			continue
		}
		if _, err := os.Stat(path.Join(mountPoint, own, "cgroup.procs")); err != nil {
			return ""
		}
		if strings.HasPrefix(own, "slashdev/") {
			own = path.Dir(own)
		}
		return path.Join(mountPoint, own, "jobs")
	}
	return ""
}

// sweep kills what is left in the groups of a process that was killed itself.
func (g *groups) sweep() {
	entries, _ := os.ReadDir(g.dir)
	for _, e := range entries {
		if dir := filepath.Join(g.dir, e.Name()); e.IsDir() {
			if populated(dir) {
				g.logf("actions: killed what an earlier devmgr left running in %s", e.Name())
			}
			kill(dir)
			g.remove(dir)
		}
	}
}

// make returns a new group, open, or nil where there are none.
func (g *groups) make() (*os.File, error) {
	if g.dir == "" {
		return nil, nil
	}
	for {
		g.mu.Lock()
		g.count++
		dir := filepath.Join(g.dir, strconv.Itoa(os.Getpid())+"."+strconv.Itoa(g.count))
		g.mu.Unlock()
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		_ = os.WriteFile(filepath.Join(dir, "pids.max"), []byte(maxPids), 0)
		return os.Open(dir)
	}
}

func populated(dir string) bool {
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.events"))
	return strings.Contains("\n"+string(text), "\npopulated 1\n")
}

func kill(dir string) { _ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) }

// remove removes a group, and those that could not be removed before. What has
// been killed takes a moment to go.
func (g *groups) remove(dir string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var left []string
	for _, d := range append(g.rubbish, dir) {
		if err := os.Remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = append(left, d)
		}
	}
	g.rubbish = left
}

func (g *groups) close() {
	if g.dir != "" {
		g.remove(filepath.Join(g.dir, "none"))
	}
}
