package main

import (
	"time"

	"slashdev/init/children"
	"slashdev/init/halt"
	"slashdev/init/linux"
	"slashdev/init/roster"
	"slashdev/init/signals"
)

// end is what the machine comes to: one of these, or kexec.
type end = signals.Deed

const (
	halted  = signals.Halt
	off     = signals.PowerOff
	restart = signals.Reboot
)

// Each part of the shutdown is given up when its time is over: whatever hangs,
// the machine ends within 95 s (S-04).
const (
	hookTime    = 15 * time.Second
	programTime = 40 * time.Second
	ourTime     = 10 * time.Second
	diskTime    = 25 * time.Second
	lastTime    = 5 * time.Second
)

// ending is a shutdown on its way.
type ending struct {
	to    end
	parts []part    // to be done one after the other
	until time.Time // when the present one is given up
	last  bool      // the steps of package halt are running
	over  bool
}

// part is a step of the shutdown: units that stop, or one that runs.
type part struct {
	units []*unit
	kind  children.Kind // Stop or Start
	time  time.Duration
}

func (e *ending) command() int {
	switch e.to {
	case halted:
		return linux.Halt
	case off:
		return linux.PowerOff
	case signals.Kexec:
		return linux.Kexec
	}
	return linux.Restart
}

// shutdown begins the end. A second wish changes where it leads to, not that
// it is under way.
func (m *machine) shutdown(to end, why string) {
	if loaded, _ := m.k.Read("/sys/kernel/kexec_loaded"); to == signals.Kexec && loaded != "1\n" {
		m.log("no kernel is loaded for kexec: reboot")
		to = restart
	}
	m.log("%s (%s)", to, why)
	m.enter(to)
	if m.ending != nil {
		m.ending.to = to
		return
	}
	m.ending = &ending{to: to, parts: m.stopOrder()}
	m.ending.begin(m)
}

// stopOrder is what is done in which order: the hooks, all programs and shells,
// what they stood on, the logger, the disks.
func (m *machine) stopOrder() []part {
	var hooks, disks, people, managers, last []*unit
	for i := len(m.units) - 1; i >= 0; i-- {
		switch u := m.units[i]; {
		case u.Name == roster.Shutdown:
			hooks = append(hooks, u)
		case u.Name == roster.Teardown:
			disks = append(disks, u)
		case u.Name == logger:
			last = append(last, u)
		case u.entry.Role == roster.Manager:
			managers = append(managers, u)
		default:
			people = append(people, u)
		}
	}
	return []part{
		{hooks, children.Start, hookTime}, {people, children.Stop, programTime},
		{managers, children.Stop, ourTime}, {last, children.Stop, ourTime}, {disks, children.Start, diskTime},
	}
}

// begin does the next part, or what PID 1 does itself.
func (e *ending) begin(m *machine) {
	if len(e.parts) == 0 {
		e.finish(m, func() []error {
			mounts, _ := m.k.Read("/proc/self/mountinfo")
			return halt.Do(m.k, halt.Plan(mounts))
		})
		return
	}
	e.until = time.Now().Add(e.parts[0].time)
	for _, u := range e.parts[0].units {
		m.tell(u, children.Event{Kind: e.parts[0].kind})
		m.tell(u, children.Event{Kind: children.Go})
		if m.grace > 0 && u.State == children.Stopping && u.Policy.StopTimeout == 0 {
			u.Deadline = time.Now().Add(m.grace)
		}
	}
}

func (e *ending) advance(m *machine) {
	for len(e.parts) > 0 && e.parts[0].running() == "" {
		e.parts = e.parts[1:]
		e.begin(m)
	}
}

// running names a unit that has not come to its end.
func (p part) running() string {
	for _, u := range p.units {
		if u.State != children.Down && u.State != children.Done {
			return u.Name
		}
	}
	return ""
}

// finish does the last steps outside the loop: a dead disk blocks for ever.
func (e *ending) finish(m *machine, steps func() []error) {
	e.parts, e.last, e.until = nil, true, time.Now().Add(lastTime)
	go func() {
		errs := steps()
		m.post(func() {
			m.report(errs)
			m.log("%s now", e.to)
			e.over = true
		})
	}()
}

// atOnce leaves everything out but a sync.
func (e *ending) atOnce(m *machine) {
	e.finish(m, func() []error { m.k.Sync(); return nil })
}

// tick gives up on what does not come to an end.
func (e *ending) tick(m *machine, now time.Time) {
	switch {
	case now.Before(e.until):
	case e.last:
		m.log("disks do not answer after %s: %s all the same", lastTime, e.to)
		e.over = true
	default:
		m.log("%s: does not end in %s: going on", e.parts[0].running(), e.parts[0].time)
		e.parts = e.parts[1:]
		e.begin(m)
	}
}
