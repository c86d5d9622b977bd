package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Puppet is a program of the machine that does what the test says, from its
// start to its end. Use it from one goroutine.
type Puppet struct {
	Name  string
	Inner int       // its process number within the machine
	Born  time.Time // when it reported

	conn    net.Conn
	in      *bufio.Scanner
	process *os.Process // by descriptor: the number may be another's soon
}

// puppets hands out the puppets that report, by name and in their order.
type puppets struct {
	mu      sync.Mutex
	waiting map[string][]*Puppet
	gone    bool
	changed chan struct{} // closed and replaced at each change
}

func newPuppets() *puppets {
	return &puppets{waiting: map[string][]*Puppet{}, changed: make(chan struct{})}
}

func (p *puppets) receive(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			if puppet, err := meet(c); err != nil {
				c.Close() // it was killed as it came
			} else {
				p.add(puppet)
			}
		}()
	}
}

func meet(c net.Conn) (*Puppet, error) {
	p := &Puppet{conn: c, in: bufio.NewScanner(c)}
	p.in.Buffer(nil, 1<<20)
	pid, err := peer(c.(*net.UnixConn))
	if err != nil {
		return nil, err
	}
	if p.process, err = os.FindProcess(pid); err != nil {
		return nil, err
	}
	if !p.in.Scan() {
		return nil, errors.New("it said nothing")
	}
	_, err = fmt.Sscan(p.in.Text(), &p.Name, &p.Inner)
	p.Born = time.Now()
	return p, err
}

// peer is the process at the other end, as the host counts.
func peer(c *net.UnixConn) (pid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	e := raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid, errors.Join(e, err)
}

func (p *puppets) add(puppet *Puppet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[puppet.Name] = append(p.waiting[puppet.Name], puppet)
	p.broadcast()
}

func (p *puppets) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.broadcast()
}

func (p *puppets) broadcast() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *puppets) take(name string) (found *Puppet, gone bool, changed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if list := p.waiting[name]; len(list) > 0 {
		found, p.waiting[name] = list[0], list[1:]
	}
	return found, p.gone, p.changed
}

// Puppet waits for the next start of a program. Each start is handed out once.
func (m *Machine) Puppet(ctx context.Context, name string) (*Puppet, error) {
	for {
		p, gone, changed := m.puppets.take(name)
		switch {
		case p != nil:
			return p, nil
		case gone:
			return nil, fmt.Errorf("start of %s: %s", name, m.end)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("start of %s: %w; the console says:\n%s", name, context.Cause(ctx), m.Console.tail())
		}
	}
}

// Do tells the puppet what to do and returns what it answers.
func (p *Puppet) Do(ctx context.Context, act string) (string, error) {
	defer p.bound(ctx)()
	if err := p.Tell(act); err != nil {
		return "", err
	}
	if !p.in.Scan() {
		return "", errors.Join(fmt.Errorf("%s: %s: it ended without an answer", p.Name, act), context.Cause(ctx))
	}
	said, err := strconv.Unquote(p.in.Text())
	if bad, ok := strings.CutPrefix(said, "error: "); ok {
		err = fmt.Errorf("%s: %s: %s", p.Name, act, bad)
	}
	return said, err
}

// bound ends reading from the puppet with the context.
func (p *Puppet) bound(ctx context.Context) (stop func()) {
	s := context.AfterFunc(ctx, func() { _ = p.conn.SetReadDeadline(time.Now()) })
	return func() { s() }
}

// Tell tells the puppet what to do, and waits for nothing.
func (p *Puppet) Tell(act string) error {
	_, err := fmt.Fprintf(p.conn, "%s\n", act)
	return err
}

// Kill kills the process behind everybody's back.
func (p *Puppet) Kill() error { return p.process.Kill() }

// Gone waits for the end of the process.
func (p *Puppet) Gone(ctx context.Context) error {
	defer p.bound(ctx)()
	for p.in.Scan() { // the rest of what it said
	}
	if ctx.Err() != nil {
		return fmt.Errorf("end of %s: %w", p.Name, context.Cause(ctx))
	}
	return p.conn.Close()
}
