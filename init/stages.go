package main

import (
	"strings"
	"time"

	"slashdev/init/children"
	"slashdev/init/roster"
	"slashdev/init/waits"
	"slashdev/init/why"
)

// gateTimeout is how long the programs wait for devmgr and /perm. Emulated
// boards are slow; a machine that is merely slow must not boot differently.
const gateTimeout = 60 * time.Second

// begin is step 5 of the boot order and the ones behind it: everything is
// wanted from now on, and each unit is started when what it waits for is there.
func (m *machine) begin() {
	m.gate = time.Now().Add(gateTimeout)
	for _, u := range m.units {
		m.want(u)
	}
}

// want has a unit started, or what starts it waited for.
func (m *machine) want(u *unit) {
	switch {
	case u.entry.OnKey:
		m.awaitKey(u)
	case u.onDemand():
		m.awaitClient(u)
	case u.of == nil && u.entry.Role != roster.Ender && (u.entry.Plan == nil || !u.entry.Plan.Manual):
		m.tell(u, children.Event{Kind: children.Start})
	}
}

// advance moves the boot or the shutdown on as far as it can go.
func (m *machine) advance() {
	if m.renew() {
		return
	}
	if m.ending != nil {
		m.ending.advance(m)
		return
	}
	if m.stage == settling {
		if missing := m.unsettled(); missing == "" || m.overdue(missing) {
			m.stage, m.gate = starting, time.Time{}
		}
	}
	m.release()
	if m.stage == starting && !m.making() {
		m.stage = ready
		m.log("ready")
	}
}

// unsettled names what keeps the machine from being settled.
func (m *machine) unsettled() string {
	if u := m.unit("devmgr"); u != nil && u.State != children.Up {
		return u.Name
	}
	if !m.permKnown() {
		return "perm"
	}
	return ""
}

// permKnown says whether /perm is there, or will not come.
func (m *machine) permKnown() bool {
	u := m.unit("perm")
	return u == nil || u.Ended() || !u.Wanted || u.Degraded()
}

// overdue says whether it is no use to wait for what is missing.
func (m *machine) overdue(missing string) bool {
	if u := m.unit(missing); !u.Degraded() && time.Now().Before(m.gate) {
		return false
	}
	m.log("%s: not ready after %s: programs are started without it", missing, time.Since(m.started).Round(time.Second))
	return true
}

// release starts the units for which everything is there.
func (m *machine) release() {
	for _, u := range m.units {
		if u.State == children.Held && !m.switches.Paused && len(waits.Missing(u.entry.Conds, m.met)) == 0 {
			m.tell(u, children.Event{Kind: children.Go})
		}
		if u.State == children.Starting && u.entry.ReadyBy(m.devices) {
			m.tell(u, children.Event{Kind: children.Ready})
		}
	}
}

// making says whether a program or shell is being made for the first time.
func (m *machine) making() bool {
	return m.find(func(u *unit) bool {
		return u.entry.Role >= roster.Program && u.State == children.Making && u.Starts == 0
	}) != nil
}

// met says whether a condition is met now.
func (m *machine) met(c waits.Condition) bool {
	switch c.Kind {
	case waits.Settled:
		return m.stage > settling
	case waits.Perm:
		return m.stage > settling || m.permKnown()
	case waits.Device:
		return m.devices[c.Name]
	case waits.Clock, waits.Net:
		u := m.unit(roster.Waiter(c.Kind))
		return u != nil && u.State == children.Done
	}
	u := m.unit(c.Name)
	if u == nil {
		return c.Kind == waits.After
	}
	givenUp := !u.Wanted || u.Crashes > 0
	return u.State == children.Up || u.State == children.Done || c.Kind == waits.After && givenUp
}

// follow lets helpers run while they are of use, and passes on what they find.
// What a unit has stored is kept while it is to come back.
func (m *machine) follow(u *unit, before children.State) {
	if u.State == children.Down {
		m.rubbish.Discard(u.Stored.Empty())
	}
	for _, h := range u.helpers {
		useful := u.State == children.Up
		if strings.HasSuffix(h.Name, roster.ReadyHelper) {
			useful = u.State == children.Starting
		}
		switch {
		case useful && !h.Wanted && h.State != children.Done:
			m.tell(h, children.Event{Kind: children.Start})
		case !useful && h.State != children.Down:
			m.tell(h, children.Event{Kind: children.Stop})
		}
	}
	if u.of != nil && before != children.Done && u.State == children.Done {
		m.found(u)
	}
}

// found tells a program what its helper has found.
func (m *machine) found(h *unit) {
	u := h.of
	switch {
	case strings.HasSuffix(h.Name, roster.ReadyHelper):
		m.tell(u, children.Event{Kind: children.Ready})
	case h.Code == 0:
		u.Failures = 0
	default:
		u.Failures++
		limit := max(u.entry.Plan.Health.Failures, 1)
		m.log("%s: health check fails (%s), %d of %d", u.Name, why.Cause(h.Code), u.Failures, limit)
		if u.Failures >= limit {
			u.Failures = 0
			m.tell(u, children.Event{Kind: children.Sick})
		}
	}
}

// feed feeds the watchdog.
func (m *machine) feed(now time.Time) {
	if u := m.unit("devmgr"); u == nil || !u.Wanted || m.ending != nil {
		m.watch.Excuse()
	}
	m.say(m.watch.Tick(now))
}
