package main

import (
	"strings"
	"syscall"
	"time"
)

// deed is what a signal to PID 1 means.
type deed int

const (
	nothing deed = iota
	reload
	reopen // initctl, or halt where it needs no reopening
	toHalt
	toPowerOff
	toReboot
	keys // Ctrl-Alt-Del
	power
	reexec
)

// The signals of the slashdev profile. From 37 on they are systemd's RTMIN+3
// and up, counted from 34, whatever the C library calls RTMIN.
func meaning(s syscall.Signal) deed {
	switch s {
	case syscall.SIGHUP:
		return reload
	case syscall.SIGUSR1:
		return reopen
	case syscall.SIGUSR2, 34 + 4, 34 + 14:
		return toPowerOff
	case syscall.SIGTERM, 34 + 5, 34 + 15:
		return toReboot
	case 34 + 3, 34 + 13:
		return toHalt
	case syscall.SIGINT:
		return keys
	case syscall.SIGPWR:
		return power
	case syscall.SIGQUIT, 34 + 25:
		return reexec
	}
	return nothing
}

func (m *machine) signal(s syscall.Signal) {
	switch meaning(s) {
	case reload:
		m.reload()
	case reopen:
		if m.fifo == nil || !m.fifo.Current() {
			m.openInitctl(0)
			return
		}
		m.shutdown(halted, s.String())
	case toHalt:
		m.shutdown(halted, s.String())
	case toPowerOff:
		m.shutdown(off, s.String())
	case toReboot:
		m.shutdown(restart, s.String())
	case keys:
		m.ctrlAltDel(time.Now())
	case power:
		m.powerStatus()
	case reexec:
		m.log("%s: this version cannot re-execute itself: use reboot", s)
	}
}

// ctrlAltDel reboots cleanly; pressed seven times within two seconds, at once.
func (m *machine) ctrlAltDel(now time.Time) {
	m.pressed = append(m.pressed, now)
	if n := len(m.pressed); n > 7 {
		m.pressed = m.pressed[n-7:]
	}
	m.shutdown(restart, "ctrl-alt-del")
	if len(m.pressed) == 7 && now.Sub(m.pressed[0]) <= 2*time.Second {
		m.log("ctrl-alt-del seven times: now")
		m.ending.over = true
	}
}

// powerStatus acts on what a UPS daemon left: O is power is back, L the battery
// is low, F or nothing it fails (devfs-semantics D.4).
func (m *machine) powerStatus() {
	text, err := m.k.Read("/run/powerstatus")
	if err != nil {
		text = "F"
	}
	if strings.HasPrefix(text, "O") {
		m.log("power is back")
		return
	}
	m.shutdown(off, "power fails")
}
