package main

import (
	"syscall"
	"time"

	"slashdev/init/children"
	"slashdev/init/roster"
	"slashdev/init/signals"
)

func (m *machine) signal(s syscall.Signal) {
	d := m.profile.Meaning(s)
	if m.switches.Debug && s != syscall.SIGCHLD {
		m.log("signal %d: %s", int(s), d)
	}
	if m.do(d, s.String()); s != syscall.SIGCHLD {
		m.renewal.Wait(time.Now())
	}
}

// do does what a signal, a request or a person asks for.
func (m *machine) do(d signals.Deed, why string) {
	switch d {
	case signals.Halt, signals.PowerOff, signals.Reboot, signals.Kexec:
		m.shutdown(d, why)
	case signals.HaltNow, signals.PowerOffNow, signals.RebootNow, signals.KexecNow:
		m.shutdown(d.Orderly(), why)
		m.ending.finish(m, func() []error { m.k.Sync(); return nil }) // and nothing else
	case signals.CtrlAltDel:
		m.shutdown(restart, why)
		if m.pressed.Add(time.Now()) {
			m.log("ctrl-alt-del seven times: now")
			m.ending.over = true
		}
	case signals.Reload:
		m.reload()
	case signals.Reexec:
		m.reexec(why)
	case signals.Reopen, signals.ReopenOrHalt:
		if d == signals.ReopenOrHalt && m.fifo != nil && m.fifo.Current() {
			m.shutdown(halted, why)
			return
		}
		m.openInitctl()
	default:
		m.adjust(d, why)
	}
}

// adjust does the deeds that change how the machine goes on.
func (m *machine) adjust(d signals.Deed, why string) {
	switch d {
	case signals.Close:
		m.closeInitctl()
	case signals.Power:
		status, _ := m.k.Read(powerStatus) // none: the power fails
		_ = m.k.Remove(powerStatus)
		m.adjust(signals.PowerEvent(status), why)
	case signals.PowerFails, signals.BatteryLow, signals.PowerBack, signals.Keyboard:
		m.log("%s", d)
		if u := m.unit(d.Event()); u != nil {
			m.tell(u, children.Event{Kind: children.Start})
		} else if d == signals.PowerFails || d == signals.BatteryLow {
			m.shutdown(off, string(d))
		}
	case signals.Rescue, signals.Start, signals.Afresh:
		m.changePrograms(d, why)
	default:
		m.switches.Set(d)
	}
}

const powerStatus = "/run/powerstatus"

// changePrograms goes to a run level of its own without programs, back to the
// normal one, or starts them all afresh.
func (m *machine) changePrograms(d signals.Deed, why string) {
	kind := map[signals.Deed]children.Kind{signals.Rescue: children.Stop, signals.Start: children.Start, signals.Afresh: children.Again}[d]
	if m.ending != nil || m.stage == settling || d == signals.Start && !m.rescued {
		return
	}
	m.rescued = d == signals.Rescue
	m.enter(d)
	m.log("%s (%s)", d, why)
	for _, u := range m.units {
		if u.entry.Role == roster.Program && (u.there() || d == signals.Start && !u.entry.Plan.Manual) {
			m.tell(u, children.Event{Kind: kind})
		}
	}
}
