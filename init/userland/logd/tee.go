package logd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// queueDepth is how many lines wait for a slow console: two seconds of full
// lines at 115200 baud.
const queueDepth = 256

// Console is one console of the machine, behind a queue of its own.
type Console struct {
	name    string
	w       io.WriteCloser
	queue   chan string
	dropped atomic.Int64
}

// NewConsole returns a console that is written to through w. A Write may wait
// as long as it likes; Close must end it.
func NewConsole(name string, w io.WriteCloser) *Console {
	return &Console{name: name, w: w, queue: make(chan string, queueDepth)}
}

// run writes queued lines while the tee is on.
func (c *Console) run(ctx context.Context, on *atomic.Bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-c.queue:
			if on.Load() {
				c.write(s)
			}
		}
	}
}

func (c *Console) write(s string) {
	if n := c.dropped.Swap(0); n > 0 {
		s = fmt.Sprintf("logd: %s: %d lines dropped, the console was busy\r\n%s", c.name, n, s)
	}
	if _, err := io.WriteString(c.w, s); err != nil {
		c.dropped.Add(1) // unplugged, or hung up: a later line may get through
	}
}

func (c *Console) close() { c.w.Close() }

// tee prints lines on all consoles, while it is on.
type tee struct {
	on       atomic.Bool
	consoles []*Console
}

// print queues one line. The full queue drops and counts.
func (t *tee) print(s string) {
	if !t.on.Load() {
		return
	}
	for _, c := range t.consoles {
		select {
		case c.queue <- s + "\r\n":
		default:
			c.dropped.Add(1)
		}
	}
}

// ConsoleNames returns the terminals behind the consoles of /proc/consoles.
// The virtual console of the moment, tty0, is where tty1's shell is.
func ConsoleNames(procConsoles string) (names []string) {
	for l := range strings.Lines(procConsoles) {
		if f := strings.Fields(l); len(f) > 0 && !strings.Contains(f[0], "/") {
			names = append(names, f[0])
		}
	}
	return names
}
