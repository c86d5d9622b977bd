package main

import (
	"time"

	"slashdev/init/children"
	"slashdev/init/notify"
	"slashdev/init/roster"
)

// noticed is what an sd_notify message causes. cgroup is what /proc said of its
// sender, fds are the descriptors that came along.
func (m *machine) noticed(pid int, cgroup string, n notify.Message, fds []int) {
	if n.Barrier && len(fds) == 1 && m.k.IsPipe(fds[0]) {
		m.k.Close(fds[0]) // all before it has been handled, and a pipe never waits
		return
	}
	u := m.sender(pid, cgroup)
	if u == nil && m.inFlight > 0 && len(m.untold) < inboxSize {
		m.untold = append(m.untold, func() { m.noticed(pid, cgroup, n, fds) }) // its sender may be being born
		return
	}
	if u == nil {
		m.rubbish.Discard(fds)
		return
	}
	m.rubbish.Discard(u.Stored.Take(n, fds))
	if n.Status != "" {
		u.Status = n.Status
	}
	if u.Name == "devmgr" {
		n.Announce(m.devices)
	}
	m.told(u, n)
}

// hear takes the messages that came before we knew of a birth.
func (m *machine) hear() {
	late := m.untold
	m.untold = nil
	for _, f := range late {
		f()
	}
}

func (m *machine) told(u *unit, n notify.Message) {
	if n.Ready && (u.State == children.Making || u.State == children.Starting) {
		m.tell(u, children.Event{Kind: children.Ready})
		if u.entry.Role == roster.Manager && u.Starts <= 1 && u.Status != "" {
			m.log("%s: %s", u.Name, u.Status)
		}
	}
	if n.Alive {
		if u.Name == "devmgr" {
			m.say(m.watch.Proof(time.Now()))
		}
		m.tell(u, children.Event{Kind: children.Alive})
	}
	if n.Sick {
		m.tell(u, children.Event{Kind: children.Sick})
	}
}

// sender finds whose words a message is: a child's child speaks for its unit, a
// stranger and what is left of an earlier life for none (S-08). Without control
// groups the child itself is all that can be told.
func (m *machine) sender(pid int, cgroup string) *unit {
	name, life, ok := notify.Whose(cgroup)
	if u := m.unit(name); ok && u != nil && u.Lives == life {
		return u
	}
	if ok || pid == 0 {
		return nil
	}
	return m.byPid(pid)
}
