package rig

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var oneSeed = flag.Int("seed", -1, "run this seed of the random injection alone")

// seedsPerMachine share one life of PID 1: injuries may add up.
const seedsPerMachine = 25

// Random injuries: whatever befalls its programs, its files and itself, PID 1
// stays, answers, collects the dead and starts what was killed; and then it
// ends as it is told.
func TestRandomInjections(t *testing.T) {
	needRoot(t)
	first, last := 0, seeds
	if *oneSeed >= 0 {
		first, last = *oneSeed, *oneSeed+1
	}
	for from := first; from < last; from += seedsPerMachine {
		from, to := from, min(from+seedsPerMachine, last)
		tr := trial{run: func(s *stand) { injure(s, from, to) }}
		if said := tr.verdict(t, Slashdev); said != "" {
			t.Fatal(said)
		}
	}
}

// victim is a machine that is being injured.
type victim struct {
	*stand
	*rand.Rand
	alive map[string]*Puppet
	log   []string // what has been done to it
}

var names = []string{"a", "b", "c"}

func injure(s *stand, from, to int) {
	s.start(func(c *Config) { c.Programs = names })
	defer s.Close()
	v := &victim{stand: s, alive: map[string]*Puppet{}}
	for _, name := range names {
		v.live(name)
	}
	for seed := from; seed < to; seed++ {
		v.Rand, v.log = rand.New(rand.NewPCG(uint64(seed), 0)), nil
		v.seed(seed)
	}
	ends := []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR2, syscall.SIGINT, 34 + 3}
	sig := ends[v.IntN(len(ends))]
	s.must(s.Signal(sig))
	end, err := s.Wait(s.ctx)
	if err != nil || end != endings[Slashdev][sig] {
		s.fail("seeds %d to %d: after %s: %s, %v", from, to, sig, end, err)
	}
}

// seed does three to six injuries and looks whether PID 1 is still what it was.
func (v *victim) seed(seed int) {
	defer func() {
		if f, ok := recover().(failure); ok {
			v.fail("seed %d (%s): %v\nthe console says:\n%s", seed, strings.Join(v.log, ", "), f, v.Console.tail())
		}
	}()
	for range 3 + v.IntN(4) {
		i := injuries[v.IntN(len(injuries))]
		v.log = append(v.log, i.name)
		i.do(v)
	}
	v.log = append(v.log, "then")
	v.ask("status")
	v.back(names[v.IntN(len(names))], func(p *Puppet) { v.must(p.Kill()) })
	v.until("zombies go", func() bool {
		n, err := v.Zombies()
		return err == nil && n == 0
	})
}

// live returns a program that answers.
func (v *victim) live(name string) *Puppet {
	for p := v.alive[name]; ; p = v.puppet(name) {
		if p == nil {
			continue
		}
		if _, err := p.Do(v.ctx, "nothing"); err == nil {
			v.alive[name] = p
			return p
		}
	}
}

// back does something that ends a program, and waits for its next life. Where a
// pause is due, a person's start shortens it.
func (v *victim) back(name string, end func(*Puppet)) {
	p := v.live(name)
	end(p)
	v.must(p.Gone(v.ctx))
	v.until(name+" has been collected", func() bool { return !strings.Contains(v.ask("ls"), fmt.Sprintf("pid=%d ", p.Inner)) })
	v.ask("start", name)
	v.live(name)
}

func (v *victim) any() string { return names[v.IntN(len(names))] }

// pid asks PID 1 for the process of one of its own, 0 when there is none now.
func (v *victim) pid(name string) (pid int) {
	m := regexp.MustCompile(`(?m)^= name=` + name + ` .*?pid=(\d+)`).FindStringSubmatch(v.ask("ls"))
	if m != nil {
		_, _ = fmt.Sscan(m[1], &pid)
	}
	return pid
}

// kill sends a signal to one of PID 1's own, which may be gone.
func (v *victim) kill(name string, sig syscall.Signal) {
	if pid := v.pid(name); pid > 1 {
		_, _ = v.live("a").Do(v.ctx, fmt.Sprintf("kill %d %d 1", pid, sig))
	}
}

var injuries = []struct {
	name string
	do   func(*victim)
}{
	{"kill a program", func(v *victim) { v.back(v.any(), func(p *Puppet) { v.must(p.Kill()) }) }},
	{"let one exit", func(v *victim) {
		code := []int{0, 1, 2, 111, 255}[v.IntN(5)]
		v.back(v.any(), func(p *Puppet) { v.must(p.Tell(fmt.Sprintf("exit %d", code))) })
	}},
	{"kill devmgr", func(v *victim) { v.kill("devmgr", syscall.SIGKILL) }},
	{"kill logd", func(v *victim) { v.kill("logd", syscall.SIGKILL) }},
	{"kill the shell", func(v *victim) { v.kill("sh-ttyS0", syscall.SIGKILL) }},
	{"signal PID 1", (*victim).signals},
	{"orphans", func(v *victim) { v.do(v.live(v.any()), fmt.Sprint("orphans ", 1+v.IntN(50))) }},
	{"full pipe", (*victim).fullPipe},
	{"full /run", (*victim).fullRun},
	{"no descriptor left", (*victim).noDescriptors},
	{"stopped console", (*victim).stoppedConsole},
	{"junk for notify", (*victim).junkNotify},
	{"junk for the control socket", (*victim).junkControl},
	{"junk for initctl", (*victim).junkInitctl},
	{"no memory left", (*victim).noMemory},
	{"stopped process", func(v *victim) {
		p := v.live(v.any())
		v.must(p.process.Signal(syscall.SIGSTOP))
		v.ask("restart", p.Name)
		v.must(p.Gone(v.ctx))
		v.live(p.Name)
	}},
	{"stop and start", func(v *victim) {
		p := v.live(v.any())
		v.ask("stop", p.Name)
		v.ask("start", p.Name)
		v.must(p.Gone(v.ctx))
		v.live(p.Name)
	}},
}

// signals sends those that do not end a machine, from within.
func (v *victim) signals() {
	p := v.live(v.any())
	for range 1 + v.IntN(5) {
		sig := syscall.Signal(1 + v.IntN(64))
		if endings[Slashdev][sig] == "" && !upsetting(v.kind, sig) {
			v.do(p, fmt.Sprintf("kill 1 %d %d", sig, 1+v.IntN(50)))
		}
	}
}

// fullPipe lets a program write while nobody reads, and kills it there.
func (v *victim) fullPipe() {
	v.kill("logd", syscall.SIGSTOP)
	name := v.any()
	v.do(v.live(name), fmt.Sprint("flood ", 1<<20))
	v.back(name, func(p *Puppet) { v.must(p.Kill()) })
	v.kill("logd", syscall.SIGCONT)
}

func (v *victim) fullRun() {
	p := v.live("b")
	v.do(p, "limit /run")
	v.do(p, "fill /run/full")
	v.back("a", func(p *Puppet) { v.must(p.Kill()) })
	v.ask("status")
	v.do(p, "remove /run/full")
}

// noDescriptors lets PID 1 open nothing for a while.
func (v *victim) noDescriptors() {
	p := v.live(v.any())
	var old unix.Rlimit
	v.must(unix.Prlimit(v.Pid, unix.RLIMIT_NOFILE, nil, &old))
	none := unix.Rlimit{Cur: uint64(v.IntN(40)), Max: old.Max}
	v.must(unix.Prlimit(v.Pid, unix.RLIMIT_NOFILE, &none, nil))
	v.must(p.Kill())
	v.must(p.Gone(v.ctx))
	impatient, cancel := context.WithTimeout(v.ctx, 20*time.Millisecond)
	defer cancel()
	_, _ = v.Ask(impatient, "status") // it may have no descriptor for the answer
	v.must(unix.Prlimit(v.Pid, unix.RLIMIT_NOFILE, &old, nil))
	v.ask("start", p.Name)
	v.live(p.Name)
}

func (v *victim) stoppedConsole() {
	v.must(v.Console.Send(xoff))
	v.back(v.any(), func(p *Puppet) { v.must(p.Kill()) })
	v.must(v.Console.Send(xon))
}

func (v *victim) junk() string {
	b := make([]byte, v.IntN(1000))
	for i := range b {
		b[i] = byte(v.IntN(256))
	}
	return string(b)
}

func (v *victim) junkNotify() {
	p := v.live(v.any())
	for _, text := range []string{"", "READY=1", "STATUS=" + strings.ReplaceAll(v.junk(), "\n", ""), strings.Repeat("x", 60_000), "FDSTORE=1", "WATCHDOG=1", "BARRIER=1"} {
		_, err := p.Do(v.ctx, "notify "+text)
		v.must(err)
	}
}

func (v *victim) junkControl() {
	for range 1 + v.IntN(12) {
		c, err := net.Dial("unix", v.Path("/run/slashdev/init.sock"))
		if err != nil {
			return // enough: the queue is full
		}
		defer c.Close()
		_, _ = c.Write([]byte(v.junk())) // refused as it writes
	}
}

func (v *victim) junkInitctl() {
	f, err := os.OpenFile(v.Path("/run/initctl"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	v.must(err)
	defer f.Close()
	for range 1 + v.IntN(10) {
		_, _ = f.WriteString(v.junk()) // full is fine
	}
}

// noMemory takes the memory of a program, which then ends by itself.
func (v *victim) noMemory() {
	small := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	v.back(v.any(), func(p *Puppet) {
		v.must(unix.Prlimit(p.process.Pid, unix.RLIMIT_AS, &small, nil))
		v.must(p.Tell("memory")) // and nothing else: it would die of that
	})
}
