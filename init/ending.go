package main

import (
	"time"

	"slashdev/init/children"
	"slashdev/init/halt"
	"slashdev/init/linux"
	"slashdev/init/roster"
)

// end is what the machine comes to.
type end string

const (
	halted  end = "halt"
	off     end = "power off"
	restart end = "reboot"
)

// The whole shutdown is bounded: programs are given 10 s before they are killed
// (package children), the disks half a minute.
const (
	stopDeadline = 45 * time.Second
	diskDeadline = 30 * time.Second
)

// ending is a shutdown on its way: shells and programs, then what they stood
// on, the logger last, then the disks.
type ending struct {
	to       end
	groups   [][]*unit // to be stopped one group after the other
	disks    bool      // the steps of package halt are running
	over     bool
	deadline time.Time // when the present part is given up
}

func (e *ending) command() int {
	switch e.to {
	case halted:
		return linux.Halt
	case off:
		return linux.PowerOff
	}
	return linux.Restart
}

// shutdown begins the end. A second wish changes where it leads to, not that
// it is under way.
func (m *machine) shutdown(to end, why string) {
	m.log("%s (%s)", to, why)
	if m.ending != nil {
		m.ending.to = to
		return
	}
	m.ending = &ending{to: to, groups: m.stopOrder(), deadline: time.Now().Add(stopDeadline)}
	m.ending.stopGroup(m)
}

// stopOrder is the start order in reverse; programs are stopped together.
func (m *machine) stopOrder() [][]*unit {
	var people, managers, last []*unit
	for i := len(m.units) - 1; i >= 0; i-- {
		switch u := m.units[i]; {
		case u.Name == logger:
			last = append(last, u)
		case u.entry.Role == roster.Manager:
			managers = append(managers, u)
		default:
			people = append(people, u)
		}
	}
	return [][]*unit{people, managers, last}
}

func (e *ending) stopGroup(m *machine) {
	if len(e.groups) == 0 {
		return
	}
	for _, u := range e.groups[0] {
		m.tell(u, children.Event{Kind: children.Stop})
	}
}

func (e *ending) advance(m *machine) {
	for len(e.groups) > 0 {
		for _, u := range e.groups[0] {
			if u.State != children.Down {
				return
			}
		}
		e.groups = e.groups[1:]
		e.stopGroup(m)
	}
	if !e.disks && !e.over {
		e.takeDown(m)
	}
}

// takeDown unmounts outside the loop: a dead disk blocks for ever.
func (e *ending) takeDown(m *machine) {
	e.disks, e.groups, e.deadline = true, nil, time.Now().Add(diskDeadline)
	go func() {
		mounts, _ := m.k.Read("/proc/self/mountinfo")
		errs := halt.Do(m.k, halt.Plan(mounts))
		m.post(func() {
			for _, err := range errs {
				m.log("%v", err)
			}
			m.log("%s now", e.to)
			e.over = true
		})
	}()
}

// tick gives up on what does not come to an end.
func (e *ending) tick(m *machine, now time.Time) {
	if now.Before(e.deadline) {
		return
	}
	if e.disks {
		m.log("disks do not answer after %s: %s all the same", diskDeadline, e.to)
		e.over = true
		return
	}
	m.log("programs do not end after %s: going on", stopDeadline)
	e.takeDown(m)
}
