package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"slashdev/init/boot"
	"slashdev/init/children"
	"slashdev/init/console"
	"slashdev/init/control"
	"slashdev/init/files"
	"slashdev/init/halt"
	"slashdev/init/ipc"
	"slashdev/init/linux"
	"slashdev/init/notify"
	"slashdev/init/renew"
	"slashdev/init/roster"
	"slashdev/init/runlevel"
	"slashdev/init/signals"
	"slashdev/init/spawn"
	"slashdev/init/state"
	"slashdev/init/watchdog"
	"slashdev/init/why"
)

// kernel is what the loop needs from the kernel. Opening consoles and sockets
// is done before the loop, by the concrete one.
type kernel interface {
	boot.Kernel
	halt.Kernel
	Read(path string) (string, error)
	Store(path string, data []byte) error
	Remove(path string) error
	Start(linux.Command) (linux.Process, error)
	Signal(linux.Process, syscall.Signal) error
	KillCgroup(dir string) error
	RemoveCgroup(dir string) error
	OpenKeys(path string) (io.ReadCloser, error)
	Close(fd int)
	IsPipe(fd int) bool
	Reap() (linux.Exit, bool)
	Bind(spec string) (fd int, err error)
	AwaitClient(fd int) error
	AwaitLine(fd int) bool
	Pipe() (r, w int, err error)
	Open(path string) (int, error)
	Succeed(state []byte, keep []int) error
}

// machine is all that PID 1 knows. Only the loop's goroutine touches it.
type machine struct {
	k        kernel
	started  time.Time
	consoles []*console.Console
	inbox    chan func()      // how other goroutines reach the loop
	spawns   chan spawn.Order // how the loop reaches the spawner
	rubbish  ipc.Closer
	fifo     *ipc.Fifo
	doors    control.Doors // where requests and messages come in
	watch    watchdog.Keeper
	files    *files.Table
	kept     map[string]int // while resuming: the descriptors of the PID 1 before, by name
	renewal  renew.Attempt
	planText string // the last valid plan
	reading  bool   // it is being read again

	units    []*unit // in start order: ours, then the programs, then the shells
	inFlight int     // processes being made
	early    []linux.Exit
	untold   []func()        // messages whose sender we do not know yet
	devices  map[string]bool // the names that devmgr has announced
	awaited  map[int]bool    // the sockets of programs whose next client is waited for
	killer   why.Killer
	stage    stage
	gate     time.Time // when the machine counts as settled whatever is missing
	again    time.Time // when a machine without a plan reboots
	ending   *ending
	pressed  signals.Presses
	profile  signals.Profile
	level    runlevel.State
	rescued  bool          // it is without programs
	grace    time.Duration // between SIGTERM and the kill, as the last request has it
	boot     string        // what the firmware is told at a reboot
	switches signals.Switches
}

// stage is how far the boot has come.
type stage int

const (
	settling stage = iota // devmgr and /perm are being brought up
	starting              // the programs that waited for that are being made
	ready
)

// unit is a child that PID 1 keeps.
type unit struct {
	state.Unit
	entry   roster.Entry
	files   []int         // its descriptors, from 0
	passed  []notify.File // those behind them, by name; then come those that it has stored
	of      *unit         // of a helper: the program it looks after
	helpers []*unit
	refused []string // settings that the kernel did not take
	events  []string // bounds that its last life ran into
}

const (
	inboxSize = 64
	maxUnits  = 1024 // a plan with more is refused, so that the spawner's queue holds all
)

func newMachine(k kernel) *machine {
	return &machine{
		k: k, started: time.Now(), profile: signals.Slashdev, devices: map[string]bool{}, awaited: map[int]bool{}, doors: control.Doors{},
		inbox: make(chan func(), inboxSize), spawns: make(chan spawn.Order, maxUnits), rubbish: ipc.NewCloser(k.Close),
	}
}

// log says one line on every console and in the kernel's log. It never waits.
func (m *machine) log(format string, args ...any) {
	text := "init: " + fmt.Sprintf(format, args...)
	for _, c := range m.consoles {
		if !m.switches.Quiet || c.Name == console.KernelLog {
			c.Print(text)
		}
	}
}

func (m *machine) say(text string) {
	if text != "" {
		m.log("%s", text)
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

// find returns the first unit that is; nil when none is.
func (m *machine) find(is func(*unit) bool) *unit {
	if i := slices.IndexFunc(m.units, is); i >= 0 {
		return m.units[i]
	}
	return nil
}

func (m *machine) unit(name string) *unit {
	return m.find(func(u *unit) bool { return u.Name == name })
}
func (m *machine) byPid(pid int) *unit {
	return m.find(func(u *unit) bool { return u.Proc.Pid == pid })
}

func (m *machine) add(e roster.Entry) *unit {
	if len(m.units) == maxUnits {
		m.log("%s: more than %d programs: not started", e.Name, maxUnits)
		return nil
	}
	u := &unit{entry: e, of: m.unit(e.Of)}
	u.Child, u.Proc.FD = *children.New(e.Name, e.Policy, time.Now()), -1
	if u.of != nil {
		u.of.helpers = append(u.of.helpers, u)
	}
	m.units = append(m.units, u)
	return u
}
