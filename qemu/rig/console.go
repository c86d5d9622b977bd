package rig

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// maxUnread bounds what a console keeps that nobody expects.
const maxUnread = 1 << 20

// openPty makes a terminal: what the machine writes to tty is read from master.
func openPty() (master, tty *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var n int
	raw, err := master.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
				n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
			}
		})
	}
	if err == nil {
		tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("make pty: %w", err)
	}
	return master, tty, nil
}

// Console is the person's end of the machine's console.
type Console struct {
	master *os.File

	mu      sync.Mutex
	all     []byte // the end of what was said
	unread  []byte
	ended   bool
	changed chan struct{} // closed and replaced at each change
}

func newConsole(master *os.File) *Console {
	c := &Console{master: master, changed: make(chan struct{})}
	go c.read()
	return c
}

func (c *Console) read() {
	buf := make([]byte, 4096)
	for {
		n, err := c.master.Read(buf)
		c.mu.Lock()
		c.unread = last(append(c.unread, buf[:n]...))
		c.all = last(append(c.all, buf[:n]...))
		c.ended = err != nil
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func last(b []byte) []byte {
	if over := len(b) - maxUnread; over > 0 {
		return append([]byte(nil), b[over:]...)
	}
	return b
}

// Expect waits until what has not been consumed matches, consumes it up to the
// end of the match and returns the match.
func (c *Console) Expect(ctx context.Context, re *regexp.Regexp) (string, error) {
	for {
		c.mu.Lock()
		at := re.FindIndex(c.unread)
		if at != nil {
			found := string(c.unread[at[0]:at[1]])
			c.unread = c.unread[at[1]:]
			c.mu.Unlock()
			return found, nil
		}
		changed, ended := c.changed, c.ended
		c.mu.Unlock()
		if ended {
			return "", fmt.Errorf("expect %q: the console has ended", re)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", fmt.Errorf("expect %q: %w; the console says:\n%s", re, context.Cause(ctx), c.tail())
		}
	}
}

// Send types at the console.
func (c *Console) Send(text string) error {
	_, err := c.master.WriteString(text)
	return err
}

// Text is the end of all that was said.
func (c *Console) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.all)
}

// tail is enough of Text for a report.
func (c *Console) tail() string {
	text := c.Text()
	return text[max(0, len(text)-2000):]
}

func (c *Console) close() { c.master.Close() }
