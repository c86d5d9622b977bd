package logd

import (
	"sync/atomic"

	"slashdev/init/console"
)

// bootLines is how many lines of each program the consoles show at boot: enough
// to see that it came up, and a program that complains for ever is silenced.
const bootLines = 8

// mode is what the consoles show.
type mode int32

const (
	booting mode = iota // the first lines of each program
	on                  // everything: somebody asked for it
	off                 // nothing: somebody types
)

// tee prints lines on all consoles, as far as its mode lets it.
type tee struct {
	mode     atomic.Int32
	consoles []*console.Console
}

// print queues a line that is the program's nth.
func (t *tee) print(name, text string, nth int) {
	m := mode(t.mode.Load())
	if text == "" || m == off || m == booting && nth > bootLines {
		return
	}
	for _, c := range t.consoles {
		c.Print(name + ": " + text)
		if m == booting && nth == bootLines {
			c.Print(name + ": more with: svc log " + name)
		}
	}
}
