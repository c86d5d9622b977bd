package main

import (
	"slices"
	"time"

	"slashdev/init/children"
	"slashdev/init/halt"
	"slashdev/init/linux"
	"slashdev/init/roster"
	"slashdev/init/signals"
	"slashdev/init/waits"
)

// end is what the machine comes to: one of these, or kexec.
type end = signals.Deed

const halted, off, restart = signals.Halt, signals.PowerOff, signals.Reboot

// Each part of the shutdown is given up when its time is over: whatever hangs,
// the machine ends within 100 s (S-04).
const (
	hookTime    = 10 * time.Second
	programTime = 40 * time.Second
	ourTime     = 8 * time.Second
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
	told  map[*unit]bool // to stop
}

// part is a step of the shutdown: units that stop, or one that runs.
type part struct {
	units []*unit
	kind  children.Kind // Stop or Start
	time  time.Duration
}

func (e *ending) command() int {
	return map[end]int{halted: linux.Halt, off: linux.PowerOff, restart: linux.Restart, signals.Kexec: linux.Kexec}[e.to]
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
	m.gate = time.Time{} // it would be over for ever
	m.ending = &ending{to: to, parts: m.stopOrder(), told: map[*unit]bool{}}
	m.ending.begin(m)
}

// stopOrder is what is done in which order.
func (m *machine) stopOrder() []part {
	parts := []part{
		roster.AtHooks:    {nil, children.Start, hookTime},
		roster.AtPrograms: {nil, children.Stop, programTime},
		roster.AtManagers: {nil, children.Stop, ourTime},
		roster.AtLogger:   {nil, children.Stop, ourTime},
		roster.AtDisks:    {nil, children.Start, diskTime},
	}
	for _, u := range slices.Backward(m.units) {
		p := &parts[u.entry.StopsAt()]
		p.units = append(p.units, u)
	}
	return parts
}

// begin does the next part, or what PID 1 does itself.
func (e *ending) begin(m *machine) {
	if len(e.parts) == 0 {
		e.finish(m, func() []error {
			mounts, _ := m.k.Read("/proc/self/mountinfo")
			return halt.Do(m.k, mounts)
		})
		return
	}
	e.until = time.Now().Add(e.parts[0].time)
	for _, u := range e.parts[0].units {
		if e.parts[0].kind == children.Start {
			m.tell(u, children.Event{Kind: children.Start})
			m.tell(u, children.Event{Kind: children.Go})
		}
	}
	e.advance(m)
}

// advance stops what nobody needs any more, or goes on to the next part.
func (e *ending) advance(m *machine) {
	if len(e.parts) == 0 {
		return
	}
	p := e.parts[0]
	for _, u := range p.units {
		if p.kind == children.Stop && !p.needed(u) && (!e.told[u] || u.State == children.Held) { // held: wanted since
			e.told[u] = true
			m.tell(u, children.Event{Kind: children.Stop})
			if m.grace > 0 && u.State == children.Stopping && u.Policy.StopTimeout == 0 {
				u.Deadline = time.Now().Add(m.grace)
			}
		}
	}
	if p.running() == "" {
		e.parts = e.parts[1:]
		e.begin(m)
	}
}

// needed says whether a program that was started after u, because it needs u,
// is still there.
func (p part) needed(u *unit) bool {
	return slices.ContainsFunc(p.units, func(o *unit) bool { return o.there() && waits.Needs(o.entry.Conds, u.Name) })
}

func (u *unit) there() bool { return u.State != children.Down && u.State != children.Done }

// running names a unit that has not come to its end.
func (p part) running() string {
	if i := slices.IndexFunc(p.units, (*unit).there); i >= 0 {
		return p.units[i].Name
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

// tick gives up on what does not come to an end.
func (e *ending) tick(m *machine, now time.Time) {
	switch {
	case now.Before(e.until):
	case e.last:
		m.log("disks do not answer after %s: %s all the same", lastTime, e.to)
		e.over = true
	default:
		p := e.parts[0]
		m.log("%s: does not end in %s: going on", p.running(), p.time)
		for _, u := range p.units {
			m.tell(u, children.Event{Kind: children.Stop}) // hooks, and what waits for others
		}
		e.parts = e.parts[1:]
		e.begin(m)
	}
}
