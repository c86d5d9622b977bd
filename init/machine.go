package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"slashdev/init/boot"
	"slashdev/init/children"
	"slashdev/init/console"
	"slashdev/init/halt"
	"slashdev/init/ipc"
	"slashdev/init/linux"
	"slashdev/init/plan"
)

// kernel is what the loop needs from the kernel. Opening consoles and sockets
// is done before the loop, by the concrete one.
type kernel interface {
	boot.Kernel
	halt.Kernel
	Read(path string) (string, error)
	Start(linux.Command) (linux.Process, error)
	Signal(linux.Process, syscall.Signal) error
	KillCgroup(dir string) error
	RemoveCgroup(dir string) error
	OpenKeys(path string) (io.ReadCloser, error)
	Close(fd int)
	Reap() (linux.Exit, bool)
}

// machine is all that PID 1 knows. Only the loop's goroutine touches it.
type machine struct {
	k        kernel
	started  time.Time
	consoles []*console.Console
	inbox    chan func() // how other goroutines reach the loop
	spawns   chan *unit  // how the loop reaches the spawner
	fifo     *ipc.Fifo
	watch    *watch // nil without a watchdog
	planText string // the last valid plan

	units    []*unit // in start order: ours, then the programs, then the shells
	inFlight int     // processes being made
	early    []linux.Exit
	stage    stage
	gate     time.Time // when the present stage is over whatever is missing
	ending   *ending
	pressed  []time.Time // the last presses of Ctrl-Alt-Del
}

// stage is how far the boot has come.
type stage int

const (
	settling stage = iota // devmgr, logger and /perm are being brought up
	starting              // programs and shells are being made
	ready
)

// unit is a child and how to start it.
type unit struct {
	*children.Child
	command  linux.Command
	role     role
	onKey    bool // a shell that is started when somebody presses Enter
	notifies bool // it is there when it says READY=1, not when it runs
	ready    bool
	status   string
	proc     linux.Process
	lives    int
	left     []string // cgroups of earlier lives that are still in use
}

// role says when a unit is started and, in reverse, stopped.
type role int

const (
	manager role = iota // devmgr, logd: first up, last down
	chore               // perm: once, before the programs
	program
	shell
)

const (
	inboxSize = 64
	maxUnits  = 1024 // a plan with more is refused, so that the spawner's queue holds all
)

func newMachine(k kernel) *machine {
	return &machine{k: k, started: time.Now(), inbox: make(chan func(), inboxSize), spawns: make(chan *unit, maxUnits)}
}

// log says one line on every console and in the kernel's log. It never waits.
func (m *machine) log(format string, args ...any) {
	text := "init: " + fmt.Sprintf(format, args...)
	for _, c := range m.consoles {
		c.Print(text)
	}
}

// guard runs f and survives its panic: a bug in one request must not take the
// machine down (P-04).
func (m *machine) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			where, _, _ := strings.Cut(string(debug.Stack()), "panic(")
			m.log("internal error: %v\n%s", v, where)
		}
	}()
	f()
}

// closeConsoles waits until what was said has been written, at most a second a
// console: one may be stopped.
func (m *machine) closeConsoles() {
	for _, c := range m.consoles {
		done := make(chan struct{})
		go func() { c.Close(); close(done) }()
		select {
		case <-done:
		case <-time.After(time.Second):
		}
	}
	m.consoles = nil
}

func (m *machine) unit(name string) *unit {
	for _, u := range m.units {
		if u.Name == name {
			return u
		}
	}
	return nil
}

func (m *machine) add(name string, u *unit, policy children.Policy) {
	if len(m.units) == maxUnits {
		m.log("%s: more than %d programs: not started", name, maxUnits)
		return
	}
	u.Child = children.New(name, policy, time.Now())
	u.command.Cgroup = boot.Cgroups + "/" + name
	m.units = append(m.units, u)
}

// environment is what every child gets; programs get a little more.
func environment(home string, more ...string) []string {
	return append([]string{
		"PATH=/user:/gokrazy:/sbin:/bin", "USER=root", "HOME=" + home,
		"NOTIFY_SOCKET=" + notifyPath,
	}, more...)
}

// programCommand starts a program by gokrazy's process contract.
func programCommand(p plan.Program, files []int) linux.Command {
	home := "/perm/home/" + p.Name
	return linux.Command{
		Path:  p.Path,
		Args:  append([]string{p.Name}, p.Args...),
		Env:   environment(home, p.Env...),
		Dir:   home,
		Files: files,
	}
}
