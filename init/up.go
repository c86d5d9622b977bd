package main

import (
	"cmp"
	"runtime"
	"strconv"
	"time"

	"slashdev/init/boot"
	"slashdev/init/cgroup"
	"slashdev/init/cmdline"
	"slashdev/init/console"
	"slashdev/init/control"
	"slashdev/init/emergency"
	"slashdev/init/ipc"
	"slashdev/init/linux"
	"slashdev/init/notify"
	"slashdev/init/plan"
	"slashdev/init/roster"
	"slashdev/init/signals"
	"slashdev/init/watchdog"
)

// bootUp is steps 2 to 5 of the boot order: file systems, consoles, initctl and
// the sockets; only then is anything else started.
func bootUp(m *machine, k linux.Kernel) {
	errs := boot.Do(k, boot.First())
	words := m.lookAround()
	runtime.Gosched()                              // there is one processor: let the consoles have it
	go k.ReadAhead(roster.Devmgr, roster.Userland) // their first pages come while we mount
	m.report(errs)
	m.report(boot.Do(k, boot.Early()))
	m.listen(words)
	p := m.readPlan(words)
	m.addUnits(p, words)
	m.begin()
	m.post(func() { m.settle(k, p.Hostname) })
}

// lookAround reads the boot words, arms the watchdog as early as there is a
// device, and opens the consoles.
func (m *machine) lookAround() cmdline.Words {
	text, err := m.k.Read("/proc/cmdline")
	words := cmdline.Parse(text)
	armed := m.watch.Arm(words, watchdog.Kept(m.kept["watchdog"]))
	consoles, e := m.k.Read("/proc/consoles")
	var errs error
	m.consoles, errs = console.OpenAll(consoles, words)
	m.log("slashdev")
	m.say(armed)
	m.report([]error{err, e, errs})
	return words
}

// listen lets others in.
func (m *machine) listen(words cmdline.Words) {
	var err error
	m.profile, err = signals.ParseProfile(words.Get("init.signals"))
	m.report([]error{err})
	m.openInitctl()
	m.openSockets()
}

// settle is the part of the boot that only programs wait for. The loop does it
// first, while the spawner makes devmgr.
func (m *machine) settle(k linux.Kernel, hostname string) {
	m.enter(signals.Start)
	m.report(boot.Do(k, boot.Rest()))
	m.report([]error{ipc.Host{}.LoopbackUp(), k.CatchCtrlAltDel()})
	if hostname != "" {
		m.report([]error{k.Sethostname(hostname)})
	}
	cgroup.Enable(k, boot.Cgroups+"/devmgr", "pids") // all programs ask for it, and the first time takes longest
}

func (m *machine) report(errs []error) {
	for _, err := range errs {
		if err != nil {
			m.log("%v", err)
		}
	}
}

// openSockets makes the sockets that were not kept.
func (m *machine) openSockets() {
	m.serve("control", controlPath, m.ask)
	m.serve("telinit", telinitPath, func(words []string) ([]byte, error) { return m.ask(append([]string{"telinit"}, words...)) })
	d, err := ipc.ListenDatagrams(notifyPath, m.kept["notify"])
	if m.report([]error{err, m.k.Symlink(telinitPath, "/devices/telinit")}); err == nil {
		m.doors["notify"] = control.Open(d, func() { control.ReadNotices(d, m.notice) })
	}
}

func (m *machine) serve(name, path string, ask control.Ask) {
	l, err := ipc.Listen(path, m.kept[name])
	if m.report([]error{err}); err == nil {
		m.doors[name] = control.Open(l, func() { control.Serve(l, ask) })
	}
}

// notice brings an sd_notify message to the loop. A sender that has gone already
// has no control group: its words are nobody's.
func (m *machine) notice(g ipc.Datagram) {
	n := notify.Decode(g.Text)
	cgroup, _ := m.k.Read("/proc/" + strconv.Itoa(g.Pid) + "/cgroup")
	m.post(func() { m.noticed(g.Pid, cgroup, n, g.FDs) })
}

// readPlan reads the plan. Without a valid one the machine still boots, with
// fewer rights.
func (m *machine) readPlan(words cmdline.Words) *plan.Plan {
	text, err := m.k.Read(plan.File)
	p, bad := plan.Parse(text)
	m.planText = text
	if err = cmp.Or(err, bad); err != nil {
		_, none := m.k.Read(emergency.Passwords)
		var said []error
		p, m.again, said = emergency.WithoutPlan(err, words, none == nil)
		m.report(said)
	}
	return p
}

// reload reads the plan again, which may take as long as the disk likes. An invalid
// one keeps the old; a valid one is taken at the next boot. gokrazy's dhcp sends
// SIGHUP for each address: an unchanged plan is nothing to talk about.
func (m *machine) reload() {
	m.again = time.Time{} // somebody is there
	if m.reading {
		return
	}
	m.reading = true
	go func() {
		text, err := m.k.Read(plan.File)
		m.post(func() {
			m.reading = false
			_, bad := plan.Parse(text)
			switch err = cmp.Or(err, bad); {
			case err != nil:
				m.log("reload: %v: the old plan is kept", err)
			case m.planText != text:
				m.planText = text
				m.log("reload: the plan has changed: it is taken at the next boot")
			}
		})
	}()
}
