// Package roster turns the plan into the list of PID 1's children: how each is
// started, what it waits for and what its end means. It makes nothing; PID 1
// reads the list and does.
package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/init/children"
	"slashdev/init/console"
	"slashdev/init/linux"
	"slashdev/init/plan"
	"slashdev/init/waits"
)

// Where our own programs are.
const (
	Userland = "/sbin/userland"
	Devmgr   = "/sbin/devmgr"
)

// Role says what a child is for and, in reverse, when it is stopped.
type Role int

// The roles, in start order.
const (
	Manager Role = iota // devmgr, logd: first up, last down
	Chore               // perm, and what finds out whether a condition is met
	Program
	Helper // looks whether a program is ready or healthy
	Shell
	Ender // is started when the machine goes down
)

// Teardown is the ender that unmounts the disks.
const Teardown = "teardown"

// Logger is the name of the logger.
const Logger = "logd"

// Hooks is where the image has executables for an event: it is their ender's
// name. Shutdown is the event that all machines have.
func Hooks(event string) string { return "/etc/slashdev/" + event + ".d" }

// Shutdown is the name of the hooks that run when the machine goes down.
const Shutdown = "shutdown"

// Entry is one child.
type Entry struct {
	Name    string
	Role    Role
	Command linux.Command // without descriptors
	Policy  children.Policy
	Conds   []waits.Condition // what it waits for before each start
	Log     string            // whose pipe takes what it prints; empty: it has a terminal
	OnKey   bool              // a shell that is started when somebody presses Enter
	Reboots bool              // it may end the machine by itself (CAP_SYS_BOOT)
	Plan    *plan.Program     // nil: one of ours
	Launch  bool              // through userland's launch applet, which reads the rest from the plan
	Of      string            // of a helper: the program that it looks after
}

// ReadyBy says whether a program is ready because a device has appeared.
func (e *Entry) ReadyBy(devices map[string]bool) bool {
	if e.Plan == nil {
		return false
	}
	c := waits.Parse(e.Plan.Ready)
	return c.Kind == waits.Device && devices[c.Name]
}

// ReadyFD is the descriptor on which the program says that it is ready; -1: it
// says so in another way.
func (e *Entry) ReadyFD() int {
	if e.Plan == nil {
		return -1
	}
	number, ok := strings.CutPrefix(e.Plan.Ready, "fd:")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return -1
	}
	return n
}

// Terminal is where a shell may run.
type Terminal struct{ Name, Term string }

// Terminals are the consoles that a person can type at.
func Terminals(consoles []*console.Console) (all []Terminal) {
	for _, c := range consoles {
		if tty, term := console.Terminal(c.Name); c.Name != console.KernelLog {
			all = append(all, Terminal{tty, term})
		}
	}
	return all
}

// Ours must outlive a shortage of memory, programs need not.
const scoreOfOurs = -900

const (
	silence       = 20 * time.Second // of devmgr's loop; then it is started again
	readyTimeout  = 90 * time.Second // for a program that is to say that it is ready
	checkInterval = 30 * time.Second
	checkTimeout  = 10 * time.Second
)

// Of returns all children in start order: ours, the programs with their
// helpers, the logger, the shells. errs are programs that are left out.
func Of(p *plan.Plan, notify string, terminals []Terminal) (all []Entry, errs []error) {
	r := roster{notify: notify, seen: map[string]bool{"logd": true}}
	r.ours(Entry{Name: "devmgr", Policy: children.Policy{
		Restart: children.Essential, Notifies: true, Watchdog: silence, StopTimeout: 2 * time.Second,
	}}, announce(p, terminals)...)
	r.ours(Entry{Name: "perm", Role: Chore, Policy: children.Policy{Restart: children.Never, OneShot: true}}, "perm")
	r.enders()
	for i := range p.Programs {
		r.program(&p.Programs[i])
	}
	delete(r.seen, "logd")
	r.ours(Entry{Name: "logd", Policy: children.Policy{Restart: children.Essential}}, append([]string{"logd"}, p.Log...)...)
	r.shells(terminals)
	return r.all, r.errs
}

func (r *roster) enders() {
	policy := children.Policy{Restart: children.Never}
	r.ours(Entry{Name: Teardown, Role: Ender, Policy: policy}, Teardown)
	for _, event := range []string{Shutdown, "powerfail", "powerfailnow", "powerok", "kbrequest"} {
		r.ours(Entry{Name: event, Role: Ender, Policy: policy}, "hooks", event)
	}
}

type roster struct {
	notify string
	all    []Entry
	seen   map[string]bool
	errs   []error
}

func (r *roster) add(e Entry) {
	r.seen[e.Name] = true
	r.all = append(r.all, e)
}

// ours adds a part of slashdev: devmgr, or an applet of userland.
func (r *roster) ours(e Entry, args ...string) {
	e.Log = e.Name
	e.Command = linux.Command{Path: Userland, Args: args, Env: r.environment("/"), Score: scoreOfOurs}
	if args[0] == "devmgr" {
		e.Command.Path = Devmgr
	}
	e.Command.Env = append(e.Command.Env, watched(e.Policy.Watchdog)...)
	r.add(e)
}

// announce are devmgr's words: the names of devices that are waited for.
func announce(p *plan.Plan, terminals []Terminal) []string {
	args := []string{"devmgr", "daemon"}
	for _, t := range terminals {
		if console.Pluggable(t.Name) {
			args = append(args, "--announce", t.Name)
		}
	}
	for i := range p.Programs {
		for _, c := range append(waits.Of(&p.Programs[i]), waits.Parse(p.Programs[i].Ready)) {
			if c.Kind == waits.Device {
				args = append(args, "--announce", c.Name)
			}
		}
	}
	return args
}

// environment is what every child gets; programs get a little more.
func (r *roster) environment(home string, more ...string) []string {
	return append([]string{
		"PATH=/user:/gokrazy:/sbin:/bin", "USER=root", "HOME=" + home, "NOTIFY_SOCKET=" + r.notify, "CONSOLE=/dev/console",
	}, more...)
}

// watched tells a child how long it may be silent, as sd_watchdog_enabled(3) does.
func watched(silence time.Duration) []string {
	if silence == 0 {
		return nil
	}
	return []string{fmt.Sprintf("WATCHDOG_USEC=%d", silence.Microseconds())}
}

// program starts a program by gokrazy's process contract, and what it waits for
// or needs by its side.
func (r *roster) program(p *plan.Program) {
	if r.seen[p.Name] {
		r.errs = append(r.errs, fmt.Errorf("%s: this name is ours: the program is not started", p.Name))
		return
	}
	conds := waits.Of(p)
	for _, c := range conds {
		if name := Waiter(c.Kind); (c.Kind == waits.Clock || c.Kind == waits.Net) && !r.seen[name] {
			policy := children.Policy{Restart: children.Essential, OneShot: true}
			r.ours(Entry{Name: name, Role: Chore, Policy: policy}, "await", string(c.Kind))
		}
	}
	env := append(slices.Clone(p.Env), watched(p.Watchdog)...)
	command := linux.Command{
		Path: p.Path, Args: append([]string{p.Name}, p.Args...), Env: r.environment("/perm/home/"+p.Name, env...),
		Dir: p.Home(), Score: p.Score,
	}
	r.add(Entry{
		Name: p.Name, Role: Program, Log: p.Name, Plan: p, Conds: conds, Command: command,
		Launch: p.NeedsLaunch(), Reboots: slices.Contains(p.Capabilities, "cap_sys_boot"),
		Policy: children.Policy{
			Restart: children.Restart(p.Restart), OneShot: p.OneShot, Notifies: p.Ready != "",
			ReadyTimeout: cmp.Or(p.ReadyTimeout, readyTimeout), StopTimeout: p.StopTimeout,
			Watchdog: p.Watchdog, Timer: p.Timer,
		},
	})
	if kind, _, _ := strings.Cut(p.Ready, ":"); kind == "tcp" || kind == "unix" {
		r.helper(p, ReadyHelper, children.Policy{Restart: children.OnFailure, OneShot: true}, Userland, "await", p.Ready)
	}
	if h := p.Health; h != nil {
		r.helper(p, HealthHelper, children.Policy{
			Restart: children.Never, OneShot: true, Notifies: true,
			Timer: cmp.Or(h.Interval, checkInterval), ReadyTimeout: cmp.Or(h.Timeout, checkTimeout),
		}, h.Command...)
	}
}

// What a helper's name ends in. No program's name has a colon.
const (
	ReadyHelper  = ":ready"  // ends well when the program is ready
	HealthHelper = ":health" // ends well when the program is healthy
)

func (r *roster) helper(p *plan.Program, suffix string, policy children.Policy, command ...string) {
	args := command
	if command[0] == Userland {
		args = command[1:]
	}
	r.add(Entry{Name: p.Name + suffix, Role: Helper, Of: p.Name, Log: p.Name, Policy: policy, Command: linux.Command{
		Path: command[0], Args: args, Env: r.environment("/"), Score: p.Score,
	}})
}

// Waiter names the chore that ends when a condition is met.
func Waiter(k waits.Kind) string { return "await-" + string(k) }

// shells puts a shell on the first terminal at once, on one that comes and goes
// whenever it is there, on the others when somebody presses Enter.
func (r *roster) shells(terminals []Terminal) {
	for i, t := range terminals {
		e := Entry{
			Name: "sh-" + t.Name, Role: Shell, Reboots: true, Policy: children.Policy{Restart: children.Essential},
			Conds: []waits.Condition{{Kind: waits.Settled}},
			Command: linux.Command{
				Path: Userland, Args: []string{"sh", "--console", t.Name},
				Env: r.environment("/", "TERM="+t.Term), Tty: "/dev/" + t.Name, Score: 0,
			},
		}
		switch {
		case console.Pluggable(t.Name):
			e.Conds = append(e.Conds, waits.Condition{Kind: waits.Device, Name: t.Name})
		case i > 0:
			e.OnKey, e.Policy.Restart = true, children.Never
		}
		r.add(e)
	}
}

// The parts of a shutdown, in order: the hooks run, programs and shells stop,
// then what they stood on, the logger; the disks are taken down.
const (
	AtHooks = iota
	AtPrograms
	AtManagers
	AtLogger
	AtDisks
)

// StopsAt is the part in which an entry stops, or runs.
func (e Entry) StopsAt() int {
	switch {
	case e.Name == Shutdown:
		return AtHooks
	case e.Name == Teardown:
		return AtDisks
	case e.Name == Logger:
		return AtLogger
	case e.Role == Manager:
		return AtManagers
	}
	return AtPrograms
}
