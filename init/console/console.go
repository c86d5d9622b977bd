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
func Open(name string, open Opener) (*Console, error) {
	w, err := open()
	if err != nil {
		return nil, err
	}
	c := &Console{Name: name, queue: make(chan entry, Depth)}
	c.done.Go(func() { c.drain(w, open) })
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

func (c *Console) drain(w io.WriteCloser, open Opener) {
	for e := range c.queue {
		if e.written != nil {
			close(e.written)
			continue
		}
		w = write(w, open, c.lost()+crlf(e.text))
	}
	if lost := c.lost(); lost != "" {
		w = write(w, open, lost)
	}
	_ = w.Close() // the last close of a terminal waits until it has sent all
}

// lost tells of lines that were dropped since it was last asked.
func (c *Console) lost() string {
	if n := c.dropped.Swap(0); n > 0 {
		return crlf(fmt.Sprintf("console %s was stopped: %d lines dropped", c.Name, n))
	}
	return ""
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") + "\r\n" }

// write writes text, if need be to the terminal opened again, and returns the
// one to use from now on. A text that fails twice is lost.
func write(w io.WriteCloser, open Opener, text string) io.WriteCloser {
	if _, err := io.WriteString(w, text); err == nil {
		return w
	}
	again, err := open()
	if err != nil {
		return w
	}
	_ = w.Close()
	_, _ = io.WriteString(again, text)
	return again
}

// Names returns the terminals of /proc/consoles text, in its order, the
// preferred one (flag C) first.
func Names(proc string) []string {
	var names []string
	for l := range strings.Lines(proc) {
		f := strings.Fields(l)
		if len(f) < 2 || strings.Contains(f[0], "/") {
			continue
		}
		if preferred(l) {
			names = append([]string{f[0]}, names...)
			continue
		}
		names = append(names, f[0])
	}
	return names
}

func preferred(l string) bool {
	_, flags, _ := strings.Cut(l, "(")
	flags, _, _ = strings.Cut(flags, ")")
	return strings.Contains(flags, "C")
}

// Terminal is where a person types at a console, and what TERM it gets: the
// virtual console of the moment has none of its own.
func Terminal(name string) (tty, term string) {
	if name == "tty0" {
		return "tty1", "linux"
	}
	return name, "vt102"
}
