// Package cgroup bounds children by control groups, version 2: what the plan
// asks for, and for every program a bound on processes, so that a fork bomb
// leaves enough for the rest.
//
// Each life of a child has a group of its own, ROOT/slashdev/NAME/0, /1 ...
// Controllers are switched on when the first program asks for them. What a
// kernel lacks or refuses is told and never silently dropped.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"slashdev/init/plan"
)

// Kernel is what this package needs from the kernel.
type Kernel interface {
	Mkdir(path string, mode uint32) error
	Write(path, text string) error
	Read(path string) (string, error)
}

// Make makes the group of one life.
func Make(k Kernel, dir string) error {
	return errors.Join(k.Mkdir(path.Dir(dir), 0o755), k.Mkdir(dir, 0o755))
}

// Bound writes the settings of the group of one life: a quarter of the
// processes that the machine can have, then the plan's. It returns what is not
// in force, and why.
func Bound(k Kernel, dir string, settings []plan.Setting) (refused []string) {
	most := limit(k)
	all := append([]plan.Setting{{File: "pids.max", Value: strconv.Itoa(most / 4)}}, settings...)
	for _, s := range all {
		c, _, _ := strings.Cut(s.File, ".")
		Enable(k, path.Dir(dir), c)
		value, err := numbered(k, s)
		if err == nil {
			err = k.Write(dir+"/"+s.File, value)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			refused = append(refused, fmt.Sprintf("%s %s: not in force: this kernel does not know it, or has its controller %s switched off", s.File, s.Value, c))
		case err != nil:
			refused = append(refused, fmt.Sprintf("%s %s: not in force: %v", s.File, s.Value, err))
		case s.File == "memory.max":
			_ = k.Write(dir+"/memory.oom.group", "1") // it dies as a whole, not limb by limb
		}
	}
	return refused
}

// numbered puts a disk's number, which io.max wants, in the place of its name.
func numbered(k Kernel, s plan.Setting) (string, error) {
	disk, rest, _ := strings.Cut(s.Value, " ")
	if s.File != "io.max" || strings.Contains(disk, ":") {
		return s.Value, nil
	}
	number, err := k.Read("/sys/class/block/" + disk + "/dev")
	if err != nil {
		return "", fmt.Errorf("no disk %s", disk)
	}
	return strings.TrimSpace(number) + " " + rest, nil
}

// Enable switches a controller on from the root down to below dir, the group
// of a child. All children together get three quarters of the processes. What
// it cannot do is found out by the settings themselves.
func Enable(k Kernel, dir, controller string) {
	children := path.Dir(dir)
	for _, d := range []string{path.Dir(children), children, dir} {
		_ = k.Write(d+"/cgroup.subtree_control", "+"+controller)
	}
	if controller == "pids" {
		_ = k.Write(children+"/pids.max", strconv.Itoa(limit(k)*3/4))
	}
}

// limit is how many processes the machine can have: what its memory allows,
// and at most as many as there are numbers on the smallest machine.
func limit(k Kernel) int {
	const numbers = 1 << 15
	text, _ := k.Read("/proc/sys/kernel/threads-max")
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return numbers
	}
	return min(n, numbers)
}

// Events says which bounds a group has run into.
func Events(k Kernel, dir string) (all []string) {
	for _, e := range []struct{ file, key, text string }{
		{"memory.events", "\noom_kill ", "out of memory: memory.max reached (oom_kill %s)"},
		{"pids.events", "\nmax ", "out of processes: pids.max reached (max %s)"},
	} {
		text, _ := k.Read(dir + "/" + e.file)
		_, text, _ = strings.Cut("\n"+text, e.key)
		if n, _, _ := strings.Cut(text, "\n"); n != "" && n != "0" {
			all = append(all, fmt.Sprintf(e.text, n))
		}
	}
	return all
}
