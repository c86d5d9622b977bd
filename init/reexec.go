package main

import (
	"slices"
	"syscall"
	"time"

	"slashdev/init/boot"
	"slashdev/init/children"
	"slashdev/init/cmdline"
	"slashdev/init/console"
	"slashdev/init/plan"
	"slashdev/init/renew"
	"slashdev/init/runlevel"
	"slashdev/init/state"
)

// reexec begins to execute PID 1 anew, into what its file holds by now. The
// children, their pipes and what they have stored stay.
func (m *machine) reexec(why string) {
	if m.ending == nil && m.renewal.Begin() {
		m.log("executing myself anew (%s)", why)
		m.doors.Shut(func() { m.post(func() { m.renewal.Shut(time.Now()) }) })
	}
}

// renew moves that on. While it says true nothing new is to be started. What
// only this PID 1 can go on with is waited for: a process that is not known yet,
// one that is to write into a pipe that it is ready, and a disk.
func (m *machine) renew() bool {
	halfMade := m.reading || nil != m.find(func(u *unit) bool {
		return u.State == children.Making || u.State == children.Starting && u.entry.ReadyFD() >= 0
	})
	verdict := m.renewal.Verdict(time.Now(), halfMade, m.ending != nil)
	switch verdict {
	case renew.Go:
		m.log("%v", m.succeed())
	case renew.GiveUp:
		m.log("not executed anew: something is still being started, or the machine ends")
	}
	if verdict > renew.Hold {
		m.doors.Open()
	}
	return verdict == renew.Hold
}

// succeed hands over to the next PID 1. It returns only with an error.
func (m *machine) succeed() error {
	console.FlushAll(m.consoles)
	s := &state.State{
		Started: m.started, Stage: int(m.stage), Gate: m.gate, Plan: m.planText, Devices: m.devices,
		Level: m.level.Environ(), Rescued: m.rescued, Switches: m.switches,
		Files: slices.Concat(m.files.Keep(), m.doors.Keep(), m.watch.Keep()),
	}
	for _, u := range m.units {
		s.Units = append(s.Units, u.Unit)
	}
	return m.k.Succeed(s.Append(nil, time.Now()), s.FDs())
}

// resume goes on where the PID 1 before this one has left off, without booting.
// It says false when there was none.
func (m *machine) resume() bool {
	s, err := renew.Inherit(boot.Cgroups, time.Now())
	if s == nil && err != nil {
		_ = m.k.KillAll(syscall.SIGKILL) // boot, but start nothing twice
	}
	if s == nil {
		return false
	}
	m.kept = s.Kept()
	words := m.lookAround()
	m.report([]error{err})
	m.listen(words)
	m.restore(s, words)
	m.kept = nil
	m.log("executed anew")
	return true
}

func (m *machine) restore(s *state.State, words cmdline.Words) {
	p, err := plan.Parse(s.Plan)
	if m.planText = s.Plan; err != nil {
		p = m.readPlan(words)
	}
	m.started, m.stage, m.gate, m.devices = s.Started, stage(s.Stage), s.Gate, s.Devices
	m.level, m.rescued, m.switches = runlevel.Restore(s.Level), s.Rescued, s.Switches
	m.addUnits(p, words)
	for _, w := range s.Units {
		m.adopt(w)
	}
	for _, u := range m.units { // one that somebody has stopped stays down
		known := slices.ContainsFunc(s.Units, func(w state.Unit) bool { return w.Name == u.Name })
		if !known || u.State == children.Down && (u.Wanted || u.entry.OnKey || u.onDemand()) {
			m.want(u)
		}
	}
}

// adopt gives a unit of the plan what it was. One that the plan lacks by now is
// ended, and so is what was left of earlier lives.
func (m *machine) adopt(w state.Unit) {
	u := m.unit(w.Name)
	if u == nil {
		u = &unit{}
		w.Left = append(w.Left, (&unit{Unit: w}).cgroup())
		m.rubbish.Discard(w.Stored.Empty())
	}
	w.Policy = u.Policy
	u.Unit = w
	for _, dir := range u.Left {
		_ = m.k.KillCgroup(dir)
	}
}
