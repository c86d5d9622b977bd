// Package watchdog decides when PID 1 feeds the hardware watchdog.
//
// The watchdog resets the machine when it is not fed for its timeout. Only
// PID 1's loop feeds it, so a loop that hangs feeds no more. devmgr gives signs
// of life (WATCHDOG=1) as its loop goes round. One that falls silent is started
// again, like any child with a watchdog (package children); when that does not
// help either, the watchdog is left to reset the machine. A devmgr that has
// never come up is not the watchdog's business: a reset would only repeat it,
// and people may be looking into it.
//
// A Keeper has no clock; PID 1's loop owns it.
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
	// Took says what it took of what it was asked for: its timeout, how many
	// seconds before that the kernel acts (0: it cannot), and whether the last
	// reset was its doing.
	Took() (seconds, warning int, fired bool)
	Feed() error // starts the timeout afresh
	Disarm()     // magic close, for a machine that is halted on purpose
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
	dev, err := k.open()
	if err != nil {
		return "" // none, or it is in use
	}
	k.open = nil
	took, warning, fired := dev.Took()
	k.dev, k.each = dev, time.Duration(took)*time.Second/4
	text := fmt.Sprintf("watchdog armed: the machine is reset after %d s of silence", took)
	if warning > 0 {
		text += fmt.Sprintf(", and the kernel acts %d s before", warning)
	}
	if fired {
		text += "; it was the watchdog that reset it last"
	}
	return text
}

// Proof takes a sign of life from devmgr, which may have brought in the driver
// of a watchdog.
func (k *Keeper) Proof(now time.Time) (said string) {
	k.proof = now
	if k.open != nil {
		said = k.arm()
	}
	return said
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
