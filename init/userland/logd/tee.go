package logd

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"

	"slashdev/init/console"
	"slashdev/init/userland/logd/ring"
)

// bootLines is how many lines of each program the consoles show at boot: enough
// to see that it came up, and a program that complains for ever is silenced.
const bootLines = 8

// mode is what the consoles show.
type mode int32

const (
	booting mode = iota // the first lines of each program, and what is grave
	on                  // everything: somebody asked for it
	off                 // nothing: somebody types
)

// tee prints lines on all consoles, as far as its mode lets it.
type tee struct {
	mode     atomic.Int32
	level    int // what is at least that grave is always shown
	consoles []*console.Console
	printed  map[string]int
}

// setMode shows everything or nothing, also after the logger is started again:
// whoever types goes on typing.
func (l *Logger) setMode(word string) {
	l.tee.mode.Store(int32(map[string]mode{"on": on, "off": off}[word]))
	_ = os.WriteFile(filepath.Join(l.cfg.Dir, "console"), []byte(word), 0o600)
}

func (l *Logger) restoreMode() {
	word, _ := os.ReadFile(filepath.Join(l.cfg.Dir, "console"))
	l.tee.mode.Store(int32(map[string]mode{"on": on, "off": off}[string(word)]))
}

// put passes records on to the consoles and to the kernel's log. Neither the
// kernel's own lines nor those of PID 1 are printed: they come there directly.
func (l *Logger) put(_ context.Context, list []ring.Record, _ int) error {
	for _, r := range list {
		if r.Name == kernelName || r.Name == initName {
			continue
		}
		l.tee.print(r)
		if l.kmsg.w != nil {
			l.kmsg.print(r.When, r.Name, r.Text)
		}
	}
	return nil
}

// print queues a line on every console.
func (t *tee) print(r ring.Record) {
	t.printed[r.Name]++
	nth, m := t.printed[r.Name], mode(t.mode.Load())
	if r.Text == "" || m == off || m == booting && nth > bootLines && r.Level > t.level {
		return
	}
	for _, c := range t.consoles {
		c.Print(r.Name + ": " + r.Text)
		if m == booting && nth == bootLines {
			c.Print(r.Name + ": more with: svc log " + r.Name)
		}
	}
}
