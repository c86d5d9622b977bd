package qemu

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	maxUnread = 1 << 20 // bytes that expect has not consumed
	maxLines  = 50_000  // lines of the transcript
	tailLines = 20      // lines of a tail in an error
	// tailColumns is how much of a line the tail shows.
	tailColumns = 160
)

// afterCrash is how long a console may go on after a crash line, so that the
// report has the trace and not only its first line.
const afterCrash = time.Second

var errConsoleEnded = errors.New("console ended")

// crashError is a line that only a broken guest prints.
type crashError struct{ line string }

func (e *crashError) Error() string { return "crash: " + e.line }

// A position in the console's lines.
type position int

// console collects what the guest prints. One goroutine feeds it; any may
// wait on it. Waiting ends with the match, the end of the stream, a crash or
// the context.
type console struct {
	in      io.Writer // to the guest
	copies  []io.Writer
	crashes *regexp.Regexp // nil: no watch

	mu      sync.Mutex
	unread  []byte
	decoder lineDecoder
	lines   []string
	dropped int
	crash   *crashError   // seen, perhaps with a trace still to come
	failure error         // first of crash or end
	changed chan struct{} // closed and replaced at each change
}

func newConsole(in io.Writer, crashes *regexp.Regexp, copies ...io.Writer) *console {
	return &console{in: in, crashes: crashes, copies: copies, changed: make(chan struct{})}
}

// crashPatterns are the words of kernels and Go runtimes that die. A Go
// program's own `fatal error:` comes with the program's name before it and is
// that program's business; at the start of a line it is PID 1's.
func crashPatterns() *regexp.Regexp {
	return regexp.MustCompile(`Kernel panic|\bBUG: |\bOops\b|Attempted to kill init|` +
		`^(\[ *[0-9.]+\] )?((init|devmgr): )?fatal error: `)
}

// read feeds the console from r until it ends.
func (c *console) read(r io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		for _, w := range c.copies {
			w.Write(buf[:n]) // a log that cannot be written must not stop the guest
		}
		c.feed(buf[:n])
		if err != nil {
			c.fail(errConsoleEnded)
			return
		}
	}
}

func (c *console) feed(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread = append(c.unread, p...)
	if over := len(c.unread) - maxUnread; over > 0 {
		c.unread = bytes.Clone(c.unread[over:])
	}
	c.decoder.feed(p, c.addLine)
	c.broadcast()
}

// addLine runs with the lock held.
func (c *console) addLine(line string) {
	c.lines = append(c.lines, line)
	if len(c.lines) > maxLines {
		drop := maxLines / 10
		c.lines = append([]string(nil), c.lines[drop:]...)
		c.dropped += drop
	}
	if c.crashes != nil && c.crashes.MatchString(line) {
		c.crashes, c.crash = nil, &crashError{line}
		time.AfterFunc(afterCrash, func() { c.fail(errConsoleEnded) })
	}
}

// fail ends all waiting. What the guest said of its own death explains more
// than the rest.
func (c *console) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failure != nil && c.failure != errConsoleEnded:
	case c.crash != nil:
		c.failure = c.crash
	default:
		c.failure = err
	}
	c.broadcast()
}

func (c *console) broadcast() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// send types text at the console.
func (c *console) send(text string) error {
	_, err := io.WriteString(c.in, text)
	return err
}

// expect waits until what has not been consumed matches re, consumes it up to
// the end of the match and returns the match.
func (c *console) expect(ctx context.Context, re *regexp.Regexp) (string, error) {
	var found string
	err := c.until(ctx, func() bool {
		at := re.FindIndex(c.unread)
		if at == nil {
			return false
		}
		found = string(c.unread[at[0]:at[1]])
		c.unread = c.unread[at[1]:]
		return true
	})
	return found, err
}

// wait passes each line from a position on, and whatever stands on the line
// that is not complete yet, to match until it returns true. It returns the
// position behind that line.
func (c *console) wait(ctx context.Context, from position, match func(line string) bool) (position, error) {
	err := c.until(ctx, func() bool {
		if c.scan(&from, match) {
			return true
		}
		partial := position(c.dropped + len(c.lines))
		if from > partial || len(c.decoder.line) == 0 || !match(printable(string(c.decoder.line))) {
			return false
		}
		from = partial + 1
		return true
	})
	return from, err
}

// waitLine is wait for complete lines only.
func (c *console) waitLine(ctx context.Context, from position, match func(line string) bool) (position, error) {
	err := c.until(ctx, func() bool { return c.scan(&from, match) })
	return from, err
}

// scan advances from behind the first complete line that match accepts, or
// behind all. It runs with the lock held.
func (c *console) scan(from *position, match func(line string) bool) bool {
	for i := max(0, int(*from)-c.dropped); i < len(c.lines); i++ {
		*from = position(c.dropped + i + 1)
		if match(c.lines[i]) {
			return true
		}
	}
	return false
}

// until evaluates found under the lock whenever something has changed.
func (c *console) until(ctx context.Context, found func() bool) error {
	for {
		c.mu.Lock()
		ok, failure, changed := found(), c.failure, c.changed
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case failure != nil:
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// mark returns the position of the line that is being printed.
func (c *console) mark() position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return position(c.dropped + len(c.lines))
}

// text returns the lines so far.
func (c *console) text() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := append([]string(nil), c.lines...)
	if len(c.decoder.line) > 0 {
		lines = append(lines, printable(string(c.decoder.line)))
	}
	return lines
}

// unmatched returns the end of what expect has not consumed, safe to print.
func (c *console) unmatched() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tail(strings.Split(Sanitize(c.unread), "\n"))
}
