package main

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"slashdev/init/boot"
	"slashdev/init/cgroup"
	"slashdev/init/children"
	"slashdev/init/linux"
	"slashdev/init/notify"
	"slashdev/init/roster"
	"slashdev/init/spawn"
	"slashdev/init/why"
)

// loop runs until the machine is to end, and says how. It waits for signals,
// messages and deadlines, and for nothing else. It stays on main's goroutine:
// with main blocked elsewhere the runtime could call an idle PID 1 a deadlock
// (trap G7).
func (m *machine) loop(signals <-chan os.Signal) *ending {
	go spawn.Serve(m.k, m.spawns)
	defer close(m.spawns)
	defer close(m.rubbish)
	runtime.Gosched() // the first processes are made while the loop settles the rest
	timer := time.NewTimer(0)
	for m.ending == nil || !m.ending.over {
		select {
		case s := <-signals:
			m.guard(func() { m.signal(s.(syscall.Signal)) })
		case f := <-m.inbox:
			m.guard(f)
		case <-timer.C:
		}
		m.guard(m.reap)
		m.guard(func() { m.tick(time.Now()) })
		m.guard(m.advance)
		timer.Reset(m.untilDeadline(time.Now()))
	}
	return m.ending
}

// post brings work to the loop from another goroutine.
func (m *machine) post(f func()) { m.inbox <- f }

// tell gives a unit an event and does what it answers.
func (m *machine) tell(u *unit, e children.Event) {
	before, fault := u.State, u.Fault
	actions := u.Next(e, time.Now())
	if u.Fault != fault && u.Fault != "" {
		m.log("%s: %s: stopped", u.Name, u.Fault)
	}
	for _, a := range actions {
		switch a {
		case children.Spawn:
			m.spawn(u)
		case children.Terminate:
			_ = m.k.Signal(u.Proc, syscall.SIGTERM) // it may have ended just now
			_ = m.k.Signal(u.Proc, syscall.SIGCONT)
		case children.Kill:
			m.log("%s: does not end: killed", u.Name)
			_ = m.k.Signal(u.Proc, syscall.SIGKILL)
			_ = m.k.KillCgroup(u.cgroup())
		}
	}
	if u.State != before {
		m.follow(u, before)
	}
}

// spawn hands the unit to package spawn. The queue holds every unit at once, and
// a unit is in it at most once, so this does not block.
func (m *machine) spawn(u *unit) {
	m.inFlight++
	passed, env := notify.Pass(slices.Concat(u.passed, u.Stored)...)
	u.entry.Launch = u.entry.Launch || u.entry.Plan != nil && len(u.Stored) > 0 // for its LISTEN_PID
	c := u.entry.Command
	c.Files, c.Env, c.Cgroup = slices.Concat(u.files, passed), slices.Concat(c.Env, env, m.level.Environ()), u.cgroup()
	if u.entry.Role == roster.Program && u.Starts == 0 {
		c.Env = append(c.Env, "GOKRAZY_FIRST_START=1")
	}
	fd := m.awaitLine(u, &c)
	m.spawns <- spawn.Order{Entry: u.entry, ReadyFD: fd, Command: c, Done: func(p linux.Process, refused []string, err error) {
		m.post(func() { m.spawned(u, p, refused, err) })
	}}
}

func (m *machine) spawned(u *unit, p linux.Process, refused []string, err error) {
	defer m.hear()
	m.inFlight--
	if u.refused = refused; u.Starts == 0 {
		m.note(u, refused)
	}
	if err != nil {
		m.log("%s: %v", u.Name, err)
		m.exited(u, children.Event{Kind: children.Failed})
		return
	}
	u.Proc = p
	m.tell(u, children.Event{Kind: children.Started})
	for i, e := range m.early { // it may have ended before we heard of its birth
		if e.Pid == u.Proc.Pid {
			m.early = slices.Delete(m.early, i, i+1)
			m.ended(u, e)
			break
		}
	}
	if m.inFlight == 0 {
		m.early = nil
	}
}

// reap collects every process that has ended, ours and orphans alike.
func (m *machine) reap() {
	for {
		e, ok := m.k.Reap()
		if !ok {
			return
		}
		if u := m.byPid(e.Pid); u != nil {
			m.ended(u, e)
			continue
		}
		if m.inFlight > 0 {
			m.early = append(m.early, e)
		}
		m.sweep()
	}
}

func (m *machine) ended(u *unit, e linux.Exit) {
	m.k.Close(u.Proc.FD)
	u.Proc, u.Status = linux.Process{FD: -1}, ""
	dir := u.cgroup()
	u.events = cgroup.Events(m.k, dir)
	m.note(u, u.events)
	if m.k.RemoveCgroup(dir) != nil && m.k.KillCgroup(dir) == nil { // it left others behind (S-03)
		u.Left = append(u.Left, dir)
	}
	u.Lives++
	m.exited(u, children.Event{Kind: children.Exited, Code: e.Code, Outside: e.Signal != 0 && m.slain(e.Signal)})
}

// slain says whether somebody else killed the process that this signal ended.
func (m *machine) slain(sig syscall.Signal) bool {
	vmstat, _ := m.k.Read("/proc/vmstat")
	return m.killer.Outside(sig, vmstat)
}

// note says what the kernel did to a unit, or would not do for it.
func (m *machine) note(u *unit, notes []string) {
	for _, n := range notes {
		m.log("%s: %s", u.Name, n)
	}
}

// cgroup is the control group of the unit's present life.
func (u *unit) cgroup() string { return boot.Cgroups + "/" + u.Name + "/" + strconv.Itoa(u.Lives) }

// sweep removes control groups whose last process has been reaped.
func (m *machine) sweep() {
	for _, u := range m.units {
		u.Left = slices.DeleteFunc(u.Left, func(dir string) bool { return m.k.RemoveCgroup(dir) == nil })
	}
}

// exited tells a unit of its end, and people of what follows from it.
func (m *machine) exited(u *unit, e children.Event) {
	asked := u.State == children.Stopping && u.Fault == ""
	m.tell(u, e)
	if m.ending != nil || asked || u.of != nil {
		return
	}
	switch {
	case u.entry.OnKey:
		m.awaitKey(u)
	case u.onDemand():
		m.awaitClient(u)
	case u.State == children.Held || u.State == children.Waiting || u.Code != 0 && u.Code != 125:
		m.log("%s", why.Ended(&u.Child))
	}
}

func (m *machine) tick(now time.Time) {
	for _, u := range m.units {
		if !u.Deadline.IsZero() && !now.Before(u.Deadline) {
			m.tell(u, children.Event{Kind: children.Tick})
		}
	}
	if m.ending != nil {
		m.ending.tick(m, now)
	}
	if !m.again.IsZero() && !now.Before(m.again) {
		m.again = time.Time{}
		m.shutdown(restart, "no valid plan")
	}
	m.feed(now)
}

// untilDeadline is how long nothing has to be done without an event.
func (m *machine) untilDeadline(now time.Time) time.Duration {
	next := now.Add(time.Hour)
	consider := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for _, u := range m.units {
		consider(u.Deadline)
	}
	consider(m.gate)
	consider(m.renewal.Next(now))
	consider(m.again)
	consider(m.watch.Deadline())
	if m.ending != nil {
		consider(m.ending.until)
	}
	return max(next.Sub(now), 0)
}
