// Package watchdog decides when PID 1 feeds the hardware watchdog.
//
// Only PID 1's loop feeds it, so a loop that hangs feeds no more, and the machine
// is reset. devmgr gives signs of life; when it falls silent and a new start
// (package children) does not help, it is left to reset the machine. A devmgr
// that has never come up is not its business: people may be looking into it.
package watchdog

import (
	"fmt"
	"strconv"
	"time"

	"slashdev/init/cmdline"
)

const (
	// Patience is how long after devmgr's last sign of life the watchdog is fed.
	Patience = 90 * time.Second

	device  = "/devices/watchdog0"
	timeout = 60 // seconds; the Pi's device takes 15 at most
)

// Device is an armed watchdog.
type Device interface {
	Took() (seconds int, said string) // its timeout, and what people should know
	Feed() error
	Disarm() // for a machine that is halted on purpose
}

// Keeper feeds the watchdog. The zero value has none.
type Keeper struct {
	dev   Device                 // nil: none
	open  func() (Device, error) // nil: armed, or not to be
	each  time.Duration
	next  time.Time // when to feed
	proof time.Time // devmgr's last sign of life; zero: none is expected
	over  bool      // it was said that it is fed no more
}

// Arm arms a watchdog by open, if there is one and the boot words allow it
// (init.watchdog=off or SECONDS), and returns what people should know. A
// machine without one goes on without.
func (k *Keeper) Arm(words cmdline.Words, open func(path string, seconds int) (Device, error)) string {
	word, _ := words.Get("init.watchdog")
	if word == "off" {
		return ""
	}
	seconds, err := strconv.Atoi(word)
	if err != nil || seconds <= 0 {
		seconds = timeout
	}
	k.open = func() (Device, error) { return open(device, seconds) }
	return k.arm()
}

func (k *Keeper) arm() string {
	if k.open == nil {
		return ""
	}
	dev, err := k.open()
	if err != nil {
		return "" // none, or it is in use
	}
	seconds, said := dev.Took()
	k.dev, k.open, k.each = dev, nil, time.Duration(seconds)*time.Second/4
	return said
}

// Proof takes a sign of life from devmgr, which may have brought a driver in.
func (k *Keeper) Proof(now time.Time) (said string) {
	k.proof = now
	return k.arm()
}

// Excuse says that devmgr is not meant to run: nothing is expected of it until
// it has spoken again.
func (k *Keeper) Excuse() { k.proof = time.Time{} }

// Tick feeds the device when it is time, and returns what people should know.
func (k *Keeper) Tick(now time.Time) (said string) {
	if k.dev == nil || now.Before(k.next) {
		return ""
	}
	k.next = now.Add(k.each)
	silent := !k.proof.IsZero() && now.Sub(k.proof) >= Patience
	switch {
	case silent && !k.over:
		said = fmt.Sprintf("devmgr: no sign of life for %s: the watchdog is fed no more and resets the machine", Patience)
	case !silent:
		if err := k.dev.Feed(); err != nil {
			said = err.Error()
		}
	}
	k.over = silent
	return said
}

// Deadline is when Tick wants to be asked next; zero: never.
func (k *Keeper) Deadline() time.Time { return k.next }

// Disarm lets a machine be that ends for good.
func (k *Keeper) Disarm() {
	if k.dev != nil {
		k.dev.Disarm()
	}
}
