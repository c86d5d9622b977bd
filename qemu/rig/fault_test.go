package rig

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trials are the faults of PID 1 and of supervision that namespaces can have.
var trials = []trial{
	{id: "P-02", run: noNodes},
	{id: "P-03", run: everySignal},
	{id: "P-04", run: deadChildren},
	{id: "P-06", run: brokenPipe},
	{id: "P-07", run: stoppedConsole},
	{id: "P-08", run: noConsole},
	{id: "P-10", run: goWords},
	{id: "P-11", run: ctrlAltDel},
	{id: "P-13", run: secondInit},
	{id: "P-14", run: failedMount},
	{id: "S-01", run: killed},
	{id: "S-02", run: crashLoop},
	{id: "S-03", run: orphans},
	{id: "S-04", run: ignoresTerm},
	{id: "S-09", run: brokenPrograms},
	{id: "S-10", run: exitZero},
	{id: "S-12", run: descriptors},
	{id: "P-12", run: manyClients, ours: true},
	{id: "S-06", run: flood},
	{id: "S-08", run: junkNotices, ours: true},
	{id: "S-11", run: reusedNumbers, ours: true},
	{id: "E-03", ours: true, run: noDescriptors},
	{id: "E-04", ours: true, run: fullRun},
	{id: "E-07", ours: true, run: noNumbers},
	{id: "E-08", run: soak, ours: true},
}

func TestP02_NoConsoleNodeAndClosedDescriptors(t *testing.T) { ours(t, "P-02") }
func TestP03_EverySignalAHundredTimes(t *testing.T)          { ours(t, "P-03") }
func TestP04_DeadChildrenComeBack(t *testing.T)              { ours(t, "P-04") }
func TestP06_OutputPipeWithoutReader(t *testing.T)           { ours(t, "P-06") }
func TestP07_StoppedConsoleStopsNobody(t *testing.T)         { ours(t, "P-07") }
func TestP08_NoConsole(t *testing.T)                         { ours(t, "P-08") }
func TestP10_GoWordsInTheEnvironment(t *testing.T)           { ours(t, "P-10") }
func TestP11_CtrlAltDelIsOrderly(t *testing.T)               { ours(t, "P-11") }
func TestP13_SecondInitDoesNoHarm(t *testing.T)              { ours(t, "P-13") }
func TestP14_FailedMountIsReported(t *testing.T)             { ours(t, "P-14") }
func TestS01_KilledProgramComesBack(t *testing.T)            { ours(t, "S-01") }
func TestS02_CrashLoopBacksOff(t *testing.T)                 { ours(t, "S-02") }
func TestS03_TenThousandOrphansNoZombie(t *testing.T)        { ours(t, "S-03") }
func TestS04_ProgramThatIgnoresTermIsKilled(t *testing.T)    { ours(t, "S-04") }
func TestS09_BrokenProgramsAreReported(t *testing.T)         { ours(t, "S-09") }
func TestS10_ExitZeroIsNoReasonToStayDown(t *testing.T)      { ours(t, "S-10") }
func TestS12_NoDescriptorLeaks(t *testing.T)                 { ours(t, "S-12") }

func noNodes(s *stand) {
	p := s.up(func(c *Config) { c.Closed, c.Without = true, []string{"/devices/console"} })
	s.restarts(p)
}

// endings are the signals that end a machine by design, each to its end.
var endings = map[Kind]map[syscall.Signal]string{
	Slashdev: {
		syscall.SIGINT: Restarted, syscall.SIGTERM: Restarted, 34 + 5: Restarted, 34 + 15: Restarted, 34 + 6: Restarted, 34 + 16: Restarted,
		syscall.SIGUSR1: Stopped, syscall.SIGUSR2: Stopped, syscall.SIGPWR: Stopped,
		34 + 3: Stopped, 34 + 4: Stopped, 34 + 13: Stopped, 34 + 14: Stopped,
	},
	Naive:   {syscall.SIGUSR2: Stopped},
	BusyBox: {syscall.SIGINT: Restarted, syscall.SIGTERM: Restarted, syscall.SIGUSR1: Stopped, syscall.SIGUSR2: Stopped},
}

// upsetting are the signals that stop programs, or their starting, by design.
// PID 1 must survive them like all others.
func upsetting(k Kind, sig syscall.Signal) bool {
	return sig == syscall.SIGQUIT || sig == syscall.SIGTSTP || k == Slashdev && sig > 34 && sig <= 34+25
}

func everySignal(s *stand) {
	p := s.up(nil)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if endings[s.kind][sig] == "" && !upsetting(s.kind, sig) {
			s.do(p, fmt.Sprintf("kill 1 %d 100", sig))
		}
	}
	s.restarts(p)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if endings[s.kind][sig] == "" && upsetting(s.kind, sig) {
			s.upset(sig)
		}
	}
	for sig, want := range endings[s.kind] {
		p := s.up(nil)
		s.must(p.Tell(fmt.Sprintf("kill 1 %d 100", sig)))
		if end, err := s.Wait(s.ctx); err != nil || end != want {
			s.fail("signal %d: %s, %v; want %s; the console says:\n%s", sig, end, err, want, s.Console.Text())
		}
	}
}

// upset sends a signal to a machine of its own a hundred times, and then brings
// the programs back by hand where it has stopped them.
func (s *stand) upset(sig syscall.Signal) {
	defer func() {
		if f, ok := recover().(failure); ok {
			s.fail("signal %d: %w", sig, f)
		}
	}()
	p := s.up(nil)
	for range 100 {
		s.must(s.Signal(sig))
	}
	if s.kind == Slashdev {
		s.ask("status")
		_, _ = s.Ask(s.ctx, "restart", "beacon")
	} else {
		s.must(p.Kill())
	}
	s.until("start of beacon", func() bool {
		s.must(s.Signal(syscall.SIGCONT)) // again: it overtakes the one that stops
		next, _, _ := s.puppets.take("beacon")
		return next != nil
	})
}

// deadChildren kills every process but PID 1, again and again.
func deadChildren(s *stand) {
	s.up(nil)
	for range 5 {
		all, err := s.Processes()
		s.must(err)
		p := s.puppet("other")
		for _, child := range all {
			if child.Pid != 1 && child.Pid != p.Inner {
				s.must(p.Tell(fmt.Sprintf("kill %d 9 1", child.Pid)))
			}
		}
		s.must(p.Tell(fmt.Sprintf("kill %d 9 1", p.Inner)))
		s.puppet("beacon")
	}
	if s.kind == Slashdev {
		s.puppet("devmgr")
		s.puppet("devmgr")
		if _, err := s.Console.Expect(s.ctx, regexp.MustCompile(`init: devmgr: ended \(signal 9\)`)); err != nil {
			s.must(err)
		}
	}
}

func brokenPipe(s *stand) {
	r, w, err := os.Pipe()
	s.must(err)
	s.must(r.Close())
	defer w.Close()
	p := s.up(func(c *Config) { c.Output = w })
	s.restarts(s.restarts(p))
}

const xoff, xon = "\x13", "\x11"

func stoppedConsole(s *stand) {
	p := s.up(func(c *Config) { c.Plan = "shell off\n" })
	other := s.puppet("other")
	s.must(s.Console.Send(xoff))
	s.do(other, "flood 100000")
	for range 3 {
		p = s.restarts(p)
	}
	if s.kind == Slashdev {
		s.ask("status")
	}
	s.must(s.Console.Send(xon))
	s.restarts(p)
}

func noConsole(s *stand) {
	p := s.up(func(c *Config) { c.Silent, c.Without = true, []string{"/devices/console", "/devices/ttyS0"} })
	s.restarts(p)
}

func goWords(s *stand) {
	p := s.up(func(c *Config) {
		c.Env = []string{"GODEBUG=gctrace=1", "GOGC=off", "GOMAXPROCS=junk", "GOMEMLIMIT=junk", "SECRET=1"}
	})
	for _, e := range strings.Split(s.do(p, "env"), "\n") {
		if strings.HasPrefix(e, "GO") && !strings.HasPrefix(e, "GOKRAZY_") || strings.HasPrefix(e, "SECRET") {
			s.fail("the program inherits %s", e)
		}
	}
}

func ctrlAltDel(s *stand) {
	s.up(nil)
	s.must(s.Signal(syscall.SIGINT))
	if end, err := s.Wait(s.ctx); err != nil || end != Restarted {
		s.fail("%s, %v", end, err)
	}
}

func secondInit(s *stand) {
	p := s.up(nil)
	for _, command := range []string{"run /sbin/init", "run /sbin/init --nosuch"} {
		how, why, _ := strings.Cut(s.do(p, command), ": ")
		if !strings.HasPrefix(how, "exit status") || how == "exit status 0" || why == "" {
			s.fail("%s: %s, %q; want a refusal with a reason", command, how, why)
		}
	}
	s.restarts(p)
}

func failedMount(s *stand) {
	p := s.up(func(c *Config) { c.Texts = map[string]string{"/sys": "a file, so that nothing can be mounted there"} })
	s.restarts(p)
	if s.kind == Slashdev {
		_, err := s.Console.Expect(s.ctx, regexp.MustCompile(`init: mount /sys: .*`))
		s.must(err)
	}
}

func killed(s *stand) {
	p := s.up(nil)
	for range 3 {
		p = s.restarts(p)
	}
}

// crashLoop wants a pause that grows: 8 starts at full speed would take no time.
func crashLoop(s *stand) {
	p := s.up(nil)
	var pauses []float64
	for range 7 {
		s.must(p.Tell("exit 1"))
		died := p
		p = s.puppet("beacon")
		pauses = append(pauses, p.Born.Sub(died.Born).Seconds())
	}
	if most := slices.Max(pauses); most < 1.9 {
		s.fail("a program that ends at once is started again after at most %.1f s", most)
	}
	s.restarts(s.puppet("other"))
}

func orphans(s *stand) {
	n := 10_000
	if s.kind != Slashdev {
		n = 1000 // they have less time
	}
	p := s.up(nil)
	s.do(p, fmt.Sprint("orphans ", n))
	begun := time.Now()
	s.until("zombies go", func() bool {
		all, err := s.Processes()
		s.must(err)
		return !slices.ContainsFunc(all, func(p Process) bool { return p.State == "Z" })
	})
	s.t.Logf("%s: no zombie %s after the last of %d orphans", s.kind, time.Since(begun).Round(time.Millisecond), n)
	s.restarts(p)
}

// down is how each kind is told to end.
var down = map[Kind]syscall.Signal{Slashdev: syscall.SIGUSR2, Naive: syscall.SIGUSR2, BusyBox: syscall.SIGUSR2}

func ignoresTerm(s *stand) {
	s.do(s.up(nil), "ignore")
	s.must(s.Signal(down[s.kind]))
	if end, err := s.Wait(s.ctx); err != nil || end != Stopped {
		s.fail("%s, %v", end, err)
	}
}

func brokenPrograms(s *stand) {
	p := s.up(func(c *Config) {
		c.Programs = append(c.Programs, "garbage", "empty", "missing")
		c.Texts = map[string]string{"/user/garbage": "\x7fELF garbage", "/user/empty": ""}
		c.Without = []string{"/user/missing"}
	})
	for range 3 {
		p = s.restarts(p)
	}
	if n := strings.Count(s.Console.Text(), "garbage"); n > 50 {
		s.fail("the console has been told %d times of a program that cannot run", n)
	}
	if s.kind == Slashdev {
		_, err := s.Console.Expect(s.ctx, regexp.MustCompile(`init: garbage: start /user/garbage: exec format error`))
		s.must(err)
	}
}

func exitZero(s *stand) {
	p := s.up(nil)
	s.must(p.Tell("exit 0"))
	s.puppet("beacon")
}

func descriptors(s *stand) {
	p := s.up(func(c *Config) { c.Leak = true })
	for l := range strings.Lines(s.do(p, "fds")) {
		if n, _, _ := strings.Cut(l, " "); n != "0" && n != "1" && n != "2" {
			s.fail("the program inherits descriptor %s", l)
		}
	}
}
