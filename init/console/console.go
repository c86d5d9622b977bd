// Package console writes PID 1's lines to every console without ever blocking.
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

// Console is one bounded queue in front of a writer.
type Console struct {
	Name    string
	queue   chan string
	dropped atomic.Int64
	done    sync.WaitGroup
}

// Open starts a console. The writer is used by one goroutine only.
func Open(name string, w io.Writer) *Console {
	c := &Console{Name: name, queue: make(chan string, Depth)}
	c.done.Go(func() { c.drain(w) })
	return c
}

// Print queues one line and returns at once.
func (c *Console) Print(text string) {
	select {
	case c.queue <- text:
	default:
		c.dropped.Add(1)
	}
}

// Dropped is the number of lines lost so far and not yet reported.
func (c *Console) Dropped() int64 { return c.dropped.Load() }

// Close waits until what is queued has been written. The caller bounds it.
func (c *Console) Close() {
	close(c.queue)
	c.done.Wait()
}

func (c *Console) drain(w io.Writer) {
	for text := range c.queue {
		if n := c.dropped.Swap(0); n > 0 {
			text = fmt.Sprintf("init: console %s was stopped: %d lines dropped\n%s", c.Name, n, text)
		}
		// A console that fails (hung up) loses the line: there is nowhere to say so.
		_, _ = io.WriteString(w, strings.ReplaceAll(text, "\n", "\r\n")+"\r\n")
	}
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
