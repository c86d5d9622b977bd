package main

import (
	"time"

	"slashdev/init/children"
)

// gateTimeout is how long the programs wait for devmgr and /perm. Emulated
// boards are slow; a machine that is merely slow must not boot differently.
const gateTimeout = 60 * time.Second

// begin is step 5 of the boot order: what the programs stand on.
func (m *machine) begin() {
	m.gate = time.Now().Add(gateTimeout)
	for _, u := range m.units {
		if u.role == manager || u.role == chore {
			m.tell(u, children.Event{Kind: children.Start})
		}
	}
}

// advance moves the boot or the shutdown on as far as it can go.
func (m *machine) advance() {
	if m.ending != nil {
		m.ending.advance(m)
		return
	}
	switch m.stage {
	case settling:
		if missing := m.missing(); missing == "" || m.overdue(missing) {
			m.startPrograms()
		}
	case starting:
		if m.allMade() {
			m.stage = ready
			m.log("ready")
		}
	}
}

// missing names what the programs still wait for.
func (m *machine) missing() string {
	for _, u := range m.units {
		if u.role == manager && u.notifies && !u.ready || u.role == chore && !u.Ended() && u.State != children.Waiting {
			return u.Name
		}
	}
	return ""
}

func (m *machine) overdue(missing string) bool {
	if time.Now().Before(m.gate) {
		return false
	}
	m.log("%s: not ready after %s: programs are started without it", missing, gateTimeout)
	return true
}

// startPrograms is step 7.
func (m *machine) startPrograms() {
	m.stage, m.gate = starting, time.Time{}
	for _, u := range m.units {
		switch {
		case u.onKey:
			m.awaitKey(u)
		case u.role == program || u.role == shell:
			m.tell(u, children.Event{Kind: children.Start})
		}
	}
}

func (m *machine) allMade() bool {
	for _, u := range m.units {
		if (u.role == program || u.role == shell) && u.Starts == 0 && u.State == children.Starting {
			return false
		}
	}
	return true
}

// noticed is what an sd_notify message of a process causes.
func (m *machine) noticed(pid int, ready bool, status string) {
	u := m.byPid(pid)
	if u == nil || pid == 0 {
		return // a stranger, or a child's child: not before cgroups tell them apart
	}
	if status != "" {
		u.status = status
	}
	if ready && !u.ready {
		u.ready = true
		if u.role == manager && u.Starts == 1 && u.status != "" {
			m.log("%s: %s", u.Name, u.status)
		}
	}
}
