package main

import (
	"time"

	"slashdev/init/cmdline"
	"slashdev/init/linux"
)

const (
	watchdogPath    = "/devices/watchdog0"
	watchdogTimeout = 60 // seconds; the Pi's device takes 15 at most
)

// dog is what the loop needs of an armed watchdog.
type dog interface {
	Feed() error
	Disarm()
}

// watch feeds the watchdog from the loop: a loop that hangs feeds no more, and
// the machine is reset.
type watch struct {
	dog  dog
	next time.Time
	each time.Duration
}

// armWatchdog is part of step 2: as early as there is a device. A machine
// without one goes on without.
func (m *machine) armWatchdog(k linux.Kernel, words cmdline.Words) {
	if w, _ := words.Get("init.watchdog"); w == "off" {
		return
	}
	d, seconds, err := k.ArmWatchdog(watchdogPath, watchdogTimeout)
	if err != nil {
		return // none, or it is in use: nothing to watch with
	}
	m.log("watchdog armed: the machine is reset after %d s of silence", seconds)
	m.watch = &watch{dog: d, each: time.Duration(seconds) * time.Second / 4}
}

func (w *watch) tick(now time.Time) error {
	if w == nil || now.Before(w.next) {
		return nil
	}
	w.next = now.Add(w.each)
	return w.dog.Feed()
}

func (w *watch) deadline() time.Time {
	if w == nil {
		return time.Time{}
	}
	return w.next
}

// release lets a halted machine be; on the way to a reboot the watchdog stays
// armed, in case the reboot hangs.
func (w *watch) release(to end) {
	if w != nil && to != restart {
		w.dog.Disarm()
	}
}
