// Package console writes lines of PID 1 and of the logger to a console without
// ever blocking.
//
// Each console has a queue of its own and a goroutine that empties it. A
// console whose line is stopped (Ctrl-S, flow control, a gadget that nobody
// reads; trap G13, P-07) costs its own lines only: they are counted, and the
// count is printed when it moves again.
package console

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// Depth is how many lines wait for one console before lines are dropped.
const Depth = 256

// Console is one bounded queue in front of a terminal.
type Console struct {
	Name    string
	open    Opener
	queue   chan entry
	dropped atomic.Int64
	done    sync.WaitGroup
}

// entry is a line, or what is to be closed when all before it is written.
type entry struct {
	text    string
	written chan struct{}
}

// Opener opens the terminal, at first and again after a hang-up: when a shell
// ends that had it as its controlling terminal, the kernel cuts off everybody.
type Opener func() (io.WriteCloser, error)

// Open starts a console. Its goroutine is the only one that uses the terminal.
// One that can be plugged in may be missing: it is looked for at each line.
func Open(name string, open Opener) (*Console, error) {
	w, err := open()
	if err != nil {
		if w = nil; !Pluggable(name) {
			return nil, err
		}
	}
	c := &Console{Name: name, open: open, queue: make(chan entry, Depth)}
	c.done.Go(func() { c.drain(w) })
	return c, nil
}

// Print queues one line and returns at once.
func (c *Console) Print(text string) {
	select {
	case c.queue <- entry{text: text}:
	default:
		c.dropped.Add(1)
	}
}

// Flush returns a channel that is closed when what is queued has been written,
// or at once where the console is stopped.
func (c *Console) Flush() <-chan struct{} {
	written := make(chan struct{})
	select {
	case c.queue <- entry{written: written}:
	default:
		close(written)
	}
	return written
}

// Close waits until what is queued has been written. The caller bounds it.
func (c *Console) Close() {
	close(c.queue)
	c.done.Wait()
}

func (c *Console) drain(w io.WriteCloser) {
	for e := range c.queue {
		if e.written != nil {
			close(e.written)
			continue
		}
		w = c.write(w, 1, crlf(e.text))
	}
	if c.dropped.Load() > 0 {
		w = c.write(w, 0, "")
	}
	if w != nil {
		_ = w.Close() // the last close of a terminal waits until it has sent all
	}
}

// write writes a line, behind word of those that were dropped, if need be to
// the terminal opened again. It returns the one to use from now on, nil while
// there is none.
func (c *Console) write(w io.WriteCloser, lines int64, text string) io.WriteCloser {
	lost := c.dropped.Swap(0)
	if lost > 0 {
		text = crlf(fmt.Sprintf("console %s was stopped: %d lines dropped", c.Name, lost)) + text
	}
	if w != nil {
		if _, err := io.WriteString(w, text); err == nil {
			return w
		}
		_ = w.Close()
	}
	w, err := c.open()
	if err == nil {
		if _, err = io.WriteString(w, text); err == nil {
			return w
		}
		_ = w.Close()
	}
	c.dropped.Add(lost + lines)
	return nil
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") + "\r\n" }
