package rig

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestReexecUnderLoad(t *testing.T)          { reexecTrial(t, reexecUnderLoad) }
func TestP09_DamagedStateAtReexec(t *testing.T) { reexecTrial(t, spoiled("damaged")) }
func TestP09_LostStateAtReexec(t *testing.T)    { reexecTrial(t, spoiled("lost")) }

func reexecTrial(t *testing.T, run func(*stand)) {
	t.Helper()
	needRoot(t)
	tr := trial{run: run}
	if said := tr.verdict(t, Slashdev); said != "" {
		t.Error(said)
	}
}

// Signals that come before main, whenever the kernel or a person sends them, do not
// kill PID 1 (trap G2): it does what they ask for.
func TestSignalsBeforeMain(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTERM} {
		reexecTrial(t, func(s *stand) {
			s.start(func(c *Config) { c.Pending = []syscall.Signal{sig} })
			switch sig {
			case syscall.SIGQUIT:
				_, err := s.Console.Expect(s.ctx, regexp.MustCompile(`init: executed anew`))
				s.must(err)
			case syscall.SIGHUP, syscall.SIGABRT:
				s.restarts(s.puppet("beacon"))
			default:
				s.ends()
			}
		})
	}
}

// A reboot that is asked for before or after the exec, also before main, takes place.
func TestSignalsDuringReexec(t *testing.T) {
	for _, before := range []string{"", "executing myself anew", "", "", ""} {
		reexecTrial(t, func(s *stand) {
			s.up(nil)
			s.must(s.Signal(syscall.SIGQUIT))
			if before != "" {
				_, err := s.Console.Expect(s.ctx, regexp.MustCompile(before))
				s.must(err)
			}
			for s.ctx.Err() == nil && before == "" { // as soon as the next one is there, before its main
				args, err := os.ReadFile(s.hostProc("cmdline"))
				if s.must(err); strings.Contains(string(args), "--state=") {
					break
				}
			}
			s.must(s.Signal(syscall.SIGTERM))
			s.ends()
		})
	}
}

// Signals that come all the time neither kill PID 1 nor keep it from being executed
// anew.
func TestReexecUnderSignals(t *testing.T) {
	reexecTrial(t, func(s *stand) {
		p := s.up(nil)
		flood, stop := context.WithCancel(s.ctx)
		over := make(chan error)
		go func() {
			var err error
			for err == nil && flood.Err() == nil {
				err = s.Signal(syscall.SIGABRT) // PID 1 does nothing about it
			}
			over <- err
		}()
		s.reexecs()
		stop()
		s.must(<-over)
		s.restarts(p)
		s.must(s.Signal(syscall.SIGTERM))
		s.ends()
	})
}

// ends wants the machine to end by a restart.
func (s *stand) ends() {
	if said, err := s.Wait(s.ctx); err != nil || said != Restarted {
		s.fail("the machine ends by %s, %v; the console says:\n%s", said, err, s.Console.Text())
	}
}

// reexecs executes PID 1 anew and waits until it goes on.
func (s *stand) reexecs() {
	s.must(s.Signal(syscall.SIGQUIT))
	_, err := s.Console.Expect(s.ctx, regexp.MustCompile(`init: executed anew`))
	s.must(err)
}

// pids are the machine's children and their numbers, as PID 1 has them.
func (s *stand) pids() string {
	var b strings.Builder
	for l := range strings.Lines(s.ask("ls")) {
		f := strings.Fields(l)
		b.WriteString(strings.Join(f[:min(len(f), 5)], " ") + "\n") // up to restarts
	}
	return b.String()
}

// reexecUnderLoad executes PID 1 anew ten times while twenty programs print: no
// child, no line, no stored descriptor and no exit is lost, and none is gained.
func reexecUnderLoad(s *stand) {
	const rounds, lines = 10, 100
	var programs []*Puppet
	s.start(func(c *Config) {
		for i := range 20 {
			c.Programs = append(c.Programs, fmt.Sprintf("p%d", i))
		}
	})
	for i := range 20 {
		programs = append(programs, s.puppet(fmt.Sprintf("p%d", i)))
	}
	keeper, victim := s.puppet("beacon"), s.puppet("other")
	if said := s.do(keeper, "store file"); said != "" {
		s.fail("store and barrier: %s", said)
	}
	s.reexecs() // the first one opens what all have
	before := s.pids()
	vitals, err := s.Vitals()
	s.must(err)
	for round := range rounds {
		for _, p := range programs {
			s.do(p, fmt.Sprintf("count %d %d", round*lines, (round+1)*lines))
		}
		s.reexecs()
	}
	if after := s.pids(); after != before {
		s.fail("before\n%safter\n%s", before, after)
	}
	s.until("no more descriptors than before", func() bool { // it closes a client's when it has seen its end
		v, err := s.Vitals()
		return err == nil && v.Descriptors <= vitals.Descriptors
	})
	s.must(victim.Tell("exit 3")) // its end may fall into the exec
	s.reexecs()
	s.puppet("other")
	for _, p := range programs {
		s.lines(p, rounds*lines)
	}
	keeper = s.restarts(keeper)
	env := s.do(keeper, "env")
	if fds := s.do(keeper, "fds"); !strings.Contains(fds, "3 /tmp/file") || !strings.Contains(env+"\n", fmt.Sprintf("LISTEN_PID=%d\n", keeper.Inner)) {
		s.fail("the stored file has not come back: %s\n%s", fds, env)
	}
}

// lines wants the numbers from 0 in the log of a program, each once and in order.
func (s *stand) lines(p *Puppet, count int) {
	var want strings.Builder
	for n := range count {
		fmt.Fprintln(&want, n)
	}
	number := regexp.MustCompile(`(?m)^.*?(\d+)\r?$`)
	got := ""
	s.until("lines of "+p.Name, func() bool {
		text := s.do(p, "run /sbin/userland svc log -n 100000 "+p.Name)
		got = number.ReplaceAllString(strings.TrimPrefix(text, "exit status 0: "), "$1")
		return strings.Count(got, "\n") >= count
	})
	if got != want.String() {
		s.fail("%s: lines are lost, doubled or out of order:\n%s", p.Name, got)
	}
}

// spoiled puts PID 1 to a state that cannot be read (P-09): the programs go on
// and none is started twice, also when their turn to end comes later.
func spoiled(how string) func(*stand) {
	return func(s *stand) {
		p := s.up(func(c *Config) { c.Texts = map[string]string{"/etc/sabotage": how} })
		other := s.puppet("other")
		before := regexp.MustCompile(`name=(beacon|other|devmgr) state=up pid=\d+`).FindAllString(s.ask("ls"), -1)
		s.reexecs()
		after := regexp.MustCompile(`name=(beacon|other|devmgr) state=up pid=\d+`).FindAllString(s.ask("ls"), -1)
		if len(after) != 3 || fmt.Sprint(before) != fmt.Sprint(after) {
			s.fail("before %q, after %q; the console says:\n%s", before, after, s.Console.Text())
		}
		s.do(other, "print still here")
		for _, p := range []*Puppet{p, other} {
			if next := s.restarts(p); s.do(next, "cgroup") == "0::/slashdev/"+next.Name+"/0\n" {
				s.fail("%s has the control group of its earlier life", next.Name)
			}
		}
		_, err := s.Console.Expect(s.ctx, regexp.MustCompile("other: still here"))
		s.must(err)
		s.must(s.Signal(syscall.SIGTERM))
		s.ends()
	}
}
