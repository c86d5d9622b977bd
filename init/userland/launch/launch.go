// Package launch turns its own process into a program of the plan.
//
// PID 1 starts a program that needs more than fork and exec as "userland
// launch", with the program's lines of the plan on descriptor 3. What these
// ask for becomes a list of steps that print themselves. The first step that
// fails is the end: a program never runs with more rights than its lines say.
package launch

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/plan"
)

// entryFD is where PID 1 leaves the program's lines. The descriptors that the
// program itself is to have lie one above their final places.
const entryFD = 3

// Status is the exit status of a launch that failed.
const Status = 111

// step is one thing to do. text is what a person would type for it.
type step struct {
	text string
	do   func() error
}

// Self reads the entry from PID 1 and becomes the program. It returns only
// with an error.
func Self() error {
	// Ids, capabilities and the mount namespace belong to a thread, and the
	// thread that calls exec hands its own on.
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // a limit on memory must not meet a collector at work
	p, err := readEntry()
	if err != nil {
		return fmt.Errorf("read the plan's entry: %w: PID 1 starts this", err)
	}
	env := environment(p, os.Environ(), readNames())
	list, err := steps(p, env)
	if err == nil {
		err = run(list)
	}
	return fmt.Errorf("%s: %w", p.Name, err)
}

func readEntry() (*plan.Program, error) {
	text, err := readAll(entryFD)
	if err != nil {
		return nil, err
	}
	p, err := plan.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(p.Programs) != 1 {
		return nil, fmt.Errorf("it has %d programs, not one", len(p.Programs))
	}
	return &p.Programs[0], nil
}

// readNames returns /etc/passwd; without it a user has a number for a name.
func readNames() string {
	fd, err := unix.Open("/etc/passwd", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	text, _ := readAll(fd)
	return text
}

// readAll reads without package os, whose poller opens descriptors of its own.
func readAll(fd int) (string, error) {
	var text []byte
	chunk := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, chunk)
		if err != nil {
			return "", err
		}
		if n == 0 {
			return string(text), nil
		}
		text = append(text, chunk[:n]...)
	}
}

func run(steps []step) error {
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.text, err)
		}
	}
	return nil
}

// steps says what makes this process the program, in order: what only root may
// do, then root's rights away, then what the kernel judges by the new ones.
func steps(p *plan.Program, env []string) ([]step, error) {
	var all []step
	if p.ReadOnly {
		all = append(all, readOnly()...)
	}
	early, late, err := limits(p.Limits)
	if err != nil {
		return nil, err
	}
	credentials, err := rights(p)
	if err != nil {
		return nil, err
	}
	all = append(all, early...)
	all = append(all, step{"umask 022", func() error { unix.Umask(0o22); return nil }})
	all = append(all, credentials...)
	all = append(all, workDir(p), descriptors(kept(p, env)))
	all = append(all, late...)
	argv := append([]string{p.Name}, p.Args...)
	return append(all, step{
		strings.Join(append([]string{"exec", p.Path}, p.Args...), " "),
		func() error { return unix.Exec(p.Path, argv, env) },
	}), nil
}

// workDir enters the folder that the plan names. The default one, gokrazy's
// home, may be missing.
func workDir(p *plan.Program) step {
	return step{"cd " + p.Home(), func() error {
		err := unix.Chdir(p.Home())
		if err != nil && p.Dir == "" {
			err = unix.Chdir("/")
		}
		return err
	}}
}

// environment is the program's: PID 1's for it, but for what only this process
// knows.
func environment(p *plan.Program, from []string, passwd string) []string {
	var env []string
	listens := false
	for _, e := range from {
		name, _, _ := strings.Cut(e, "=")
		listens = listens || name == "LISTEN_FDS"
		if name == "LISTEN_PID" || name == "USER" && p.HasUser {
			continue
		}
		env = append(env, e)
	}
	if p.HasUser {
		env = append(env, "USER="+userName(p.UID, passwd))
	}
	if listens {
		env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	}
	return env
}

func userName(uid uint32, passwd string) string {
	id := strconv.FormatUint(uint64(uid), 10)
	for l := range strings.Lines(passwd) {
		if f := strings.Split(l, ":"); len(f) > 2 && f[2] == id {
			return f[0]
		}
	}
	return id
}
