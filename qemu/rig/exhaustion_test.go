package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestP12_BoundedClients(t *testing.T)          { ours(t, "P-12") }
func TestS06_FloodWithoutNewline(t *testing.T)     { ours(t, "S-06") }
func TestS08_JunkForTheNotifySocket(t *testing.T)  { ours(t, "S-08") }
func TestS11_SignalsReachNobodyElse(t *testing.T)  { ours(t, "S-11") }
func TestE03_NoDescriptorsLeft(t *testing.T)       { ours(t, "E-03") }
func TestE04_FullRun(t *testing.T)                 { ours(t, "E-04") }
func TestE07_NoProcessNumbersLeft(t *testing.T)    { ours(t, "E-07") }
func TestE08_RestartsDoNotMakeItGrow(t *testing.T) { ours(t, "E-08") }

// growth is by how much PID 1 may grow in a fault, in kB (P-12, S-06).
const growth = 4096

func (s *stand) bounded(during func()) {
	before, err := s.Vitals()
	s.must(err)
	during()
	after, err := s.Vitals()
	s.must(err)
	if after.RSS > before.RSS+growth || after.Threads > max(before.Threads, 8) {
		s.fail("PID 1 had %d kB and %d threads, and now %d kB and %d", before.RSS, before.Threads, after.RSS, after.Threads)
	}
}

// manyClients is what a client may do wrong: too many, too long, nothing at all.
func manyClients(s *stand) {
	p := s.up(nil)
	s.bounded(func() {
		var all []net.Conn
		for range 1000 {
			c, err := net.Dial("unix", s.Path("/run/slashdev/init.sock"))
			if err != nil {
				break // refused: the queue is full
			}
			all = append(all, c)
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write([]byte(strings.Repeat("x", 1<<20)))
		}
		p = s.restarts(p)
		for _, c := range all {
			c.Close()
		}
		s.ask("status")
	})
}

func flood(s *stand) {
	p := s.up(nil)
	s.bounded(func() {
		s.do(p, fmt.Sprint("flood ", 100<<20))
		s.restarts(s.puppet("other"))
		p = s.restarts(p)
	})
}

func junkNotices(s *stand) {
	p := s.up(nil)
	other := s.puppet("other")
	s.bounded(func() {
		for _, text := range []string{"", "READY=1", "=", "FDSTORE=1", "MAINPID=1", strings.Repeat("STATUS=x", 8000)} {
			for range 100 {
				_, err := other.Do(s.ctx, "notify "+text)
				s.must(err)
			}
		}
	})
	s.restarts(p)
}

// reusedNumbers makes the kernel give the number of a program that has died to
// somebody else at once, while PID 1 is told to stop that program.
func reusedNumbers(s *stand) {
	p := s.up(func(c *Config) { c.PidMax = "400" })
	witness := s.puppet("other")
	for range 20 {
		if err := p.Kill(); !errors.Is(err, os.ErrProcessDone) { // by the restart before
			s.must(err)
		}
		s.do(witness, "orphans 200") // round the numbers
		s.ask("restart", "beacon")
		s.do(witness, "nothing")
		p = s.live("beacon")
	}
}

// live returns the present life of a program.
func (s *stand) live(name string) *Puppet {
	for {
		p := s.puppet(name)
		if _, err := p.Do(s.ctx, "nothing"); err == nil {
			return p
		}
	}
}

// ticks is the processor time that PID 1 has used, in hundredths of a second.
func (s *stand) ticks() (n int) {
	text, err := os.ReadFile(s.hostProc("stat"))
	s.must(err)
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	var user, system int
	_, _ = fmt.Sscan(f[11]+" "+f[12], &user, &system)
	return user + system
}

// noDescriptors leaves PID 1 none for two seconds, while clients knock and a
// program dies. It must neither end nor spin.
func noDescriptors(s *stand) {
	p := s.up(nil)
	var old unix.Rlimit
	s.must(unix.Prlimit(s.Pid, unix.RLIMIT_NOFILE, nil, &old))
	s.must(unix.Prlimit(s.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: old.Max}, nil))
	begun := s.ticks()
	s.must(p.Kill())
	s.must(p.Gone(s.ctx))
	if s.kind == Slashdev {
		impatient, cancel := context.WithTimeout(s.ctx, 2*time.Second)
		defer cancel()
		_, _ = s.Ask(impatient, "status")
	}
	if used := s.ticks() - begun; used > 100 {
		s.fail("without descriptors PID 1 spins: %d ms of processor time in two seconds", 10*used)
	}
	s.must(unix.Prlimit(s.Pid, unix.RLIMIT_NOFILE, &old, nil))
	s.puppet("beacon")
}

func fullRun(s *stand) {
	p := s.up(nil)
	other := s.puppet("other")
	s.do(other, "limit /run")
	s.do(other, "fill /run/full")
	for range 3 {
		p = s.restarts(p)
	}
	if s.kind == Slashdev {
		s.ask("status")
		s.must(s.Signal(syscall.SIGHUP))
	}
	s.do(other, "remove /run/full")
	s.restarts(p)
}

// noNumbers uses up all process numbers by the children of a bad parent.
func noNumbers(s *stand) {
	p := s.up(func(c *Config) { c.PidMax = "400" })
	other := s.puppet("other")
	if _, err := other.Do(s.ctx, "zombies 1000"); err == nil {
		s.fail("a thousand processes have four hundred numbers")
	}
	s.must(p.Kill())
	s.must(p.Gone(s.ctx))
	if s.kind == Slashdev {
		for range 50 { // a thread more would be the end of PID 1
			s.ask("status")
			s.must(s.Signal(syscall.SIGHUP))
		}
	}
	s.must(other.Kill()) // its zombies become PID 1's
	s.puppet("beacon")
	s.puppet("other")
}

// soak restarts one program many times; what PID 1 takes at a tenth of it is what
// it takes at the end.
func soak(s *stand) {
	n := soakRestarts
	p := s.up(nil)
	for range n / 10 {
		p = s.restarts(p)
	}
	s.bounded(func() {
		for range n {
			p = s.restarts(p)
		}
	})
}
