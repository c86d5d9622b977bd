package main

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/init/children"
	"slashdev/init/console"
	"slashdev/init/initreq"
	"slashdev/init/linux"
	"slashdev/init/plan"
	"slashdev/init/roster"
	"slashdev/init/signals"
)

// bubble runs f with a rig whose programs are up: devmgr 100, logd 102, hello
// 103 and web 104. The machine is ended behind f when f did not end it.
func bubble(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.up()
		r.do(func() { r.m.enter(signals.Start) })
		f(r)
		if !t.Failed() && len(r.over) == 0 {
			r.do(func() { r.m.ending = &ending{over: true} })
			<-r.over
		}
		console.CloseAll(r.m.consoles)
	})
}

func (r *rig) signal(s syscall.Signal) {
	r.signals <- s
	synctest.Wait()
}

func (r *rig) request(q initreq.Request, data string) error {
	var err error
	copy(q.Data[:], data)
	r.do(func() { err = r.m.initctl(q) })
	return err
}

// P-03: every signal a hundred times. Those that end the machine are left out
// by the profile sysv, as is USR1, which makes a real FIFO; the table of package
// signals has all.
func TestP03_EverySignalAHundredTimes(t *testing.T) {
	bubble(t, func(r *rig) {
		r.m.profile = signals.SysV
		for _, s := range signals.Caught() {
			for range 100 {
				if !slices.Contains([]os.Signal{syscall.SIGINT, syscall.SIGPWR, syscall.SIGUSR1}, s) {
					r.signal(s.(syscall.Signal))
				}
			}
		}
		r.signal(syscall.SIGCONT)
		r.want("after all of them", string(r.m.unit("hello").State), string(children.Up))
	})
}

func TestP03_SignalLeadsTo(t *testing.T) {
	tests := []struct {
		signal syscall.Signal
		to     end
		at     string // run level
	}{
		{syscall.SIGTERM, signals.Reboot, "6"}, {37, signals.Halt, "0"}, {38, signals.PowerOff, "0"}, {39, signals.Reboot, "6"}, {40, signals.Kexec, "6"},
	}
	for _, tt := range tests {
		bubble(t, func(r *rig) {
			r.k.Files["/sys/kernel/kexec_loaded"] = "1\n"
			r.signal(tt.signal)
			if r.m.ending == nil || r.m.ending.to != tt.to {
				t.Errorf("signal %d: %+v", int(tt.signal), r.m.ending)
			}
			if env := r.m.level.Environ(); !slices.Contains(env, "RUNLEVEL="+tt.at) || !slices.Contains(env, "PREVLEVEL=3") {
				t.Errorf("signal %d: environment %q", int(tt.signal), env)
			}
		})
	}
}

func TestKexecWithoutAKernelReboots(t *testing.T) {
	bubble(t, func(r *rig) {
		r.signal(34 + 6)
		r.want("it leads to", string(r.m.ending.to), string(signals.Reboot))
	})
}

// The immediate ends sync, and do nothing else.
func TestP03_ImmediateEnd(t *testing.T) {
	bubble(t, func(r *rig) {
		n := len(r.k.Log())
		r.signal(34 + 14)
		if len(r.over) == 0 || r.m.ending.to != signals.PowerOff {
			t.Fatalf("it leads to %+v", r.m.ending)
		}
		if !slices.Contains(r.k.Log()[n:], "sync all") {
			t.Error("without a sync")
		}
		for _, c := range r.k.Log()[n:] {
			if strings.HasPrefix(c, "unmount") || strings.HasPrefix(c, "killall") {
				t.Error(c)
			}
		}
	})
}

func TestRunLevelsStopAndStartPrograms(t *testing.T) {
	bubble(t, func(r *rig) {
		if err := r.request(initreq.Request{Cmd: initreq.RunLevel, RunLevel: 'S'}, ""); err != nil {
			t.Fatal(err)
		}
		r.end(103, 143)
		r.end(104, 143)
		r.want("hello in level S", string(r.m.unit("hello").State), "down")
		r.want("devmgr in level S", string(r.m.unit("devmgr").State), "up")
		n := len(r.k.Log())
		if err := r.request(initreq.Request{Cmd: initreq.RunLevel, RunLevel: '3'}, ""); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(r.k.Log()[n:], `start /hello ["hello"]`) {
			t.Errorf("level 3 starts %q", r.k.Log()[n:])
		}
	})
}

// halt -f of sysvinit sends TSTP before it kills everybody.
func TestPausedMachineStartsNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		r.signal(syscall.SIGTSTP)
		r.slay("hello")
		r.want("while paused", string(r.m.unit("hello").State), string(children.Held))
		r.signal(syscall.SIGCONT)
		r.want("then", string(r.m.unit("hello").State), string(children.Up))
	})
}

// What a program was started after is stopped before it: web needs db, db the
// store.
func TestProgramsStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t,
			&plan.Program{Name: "store", Path: "/store", Restart: "always"},
			&plan.Program{Name: "db", Path: "/db", Restart: "always", After: []string{"store"}},
			&plan.Program{Name: "web", Path: "/web", Restart: "always", Wait: []string{"program:db"}},
		)
		r.up()
		r.signal(34 + 4)
		for _, name := range []string{"web", "db", "store"} {
			r.want(name, string(r.m.unit(name).State), string(children.Stopping))
			r.end(r.m.unit(name).Proc.Pid, 143)
		}
		r.do(func() { r.m.ending = &ending{over: true} })
		<-r.over
		console.CloseAll(r.m.consoles)
	})
}

// S-04: hooks that hang are left behind, and the programs are stopped all the
// same.
func TestS04_HooksThatHang(t *testing.T) {
	bubble(t, func(r *rig) {
		r.do(func() {
			r.m.add(roster.Entry{
				Name: roster.Shutdown, Role: roster.Ender, Policy: children.Policy{Restart: children.Never},
				Command: linux.Command{Path: "/hooks"},
			})
		})
		begun := time.Now()
		r.signal(38)
		r.want("hello while the hooks run", string(r.m.unit("hello").State), string(children.Up))
		for r.m.unit("hello").State == children.Up {
			<-time.After(time.Second)
			synctest.Wait()
		}
		if d := time.Since(begun); d > hookTime+time.Second {
			t.Errorf("hello is stopped after %s", d)
		}
		for len(r.over) == 0 {
			<-time.After(time.Second)
			synctest.Wait()
		}
		if d := time.Since(begun); d > 101*time.Second {
			t.Errorf("over after %s", d)
		}
	})
}

// What is wanted while programs stop is not started, and nobody waits for it:
// the battery runs low, or a client comes to a program that is down.
func TestShutdownWaitsForNobodyWhoComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := emptyRig(t)
		r.k.Files[roster.Hooks("powerfailnow")] = ""
		r.m.addUnits(&plan.Plan{Shell: "off", Programs: []plan.Program{
			{Name: "hello", Path: "/hello", Restart: "always"},
			{Name: "lazy", Path: "/lazy", Restart: "gokrazy", Manual: true, Listen: []string{"tcp::8080"}},
		}}, nil)
		r.m.begin()
		r.run()
		defer r.finish()
		r.up()
		r.signal(syscall.SIGTERM)
		if err := r.request(initreq.Request{Cmd: initreq.PowerFailNow}, ""); err != nil {
			t.Fatal(err)
		}
		r.k.Clients <- true
		synctest.Wait()
		r.end(r.pid("hello"), 143)
		r.want("hooks", r.state("powerfailnow"), "down")
		r.want("lazy", r.state("lazy"), "down")
		r.want("next", r.m.ending.parts[0].running(), "devmgr")
	})
}

// A shutdown while devmgr is waited for must not keep the loop busy when that
// time is over.
func TestShutdownForgetsTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.signal(syscall.SIGTERM)
		r.do(func() {
			if !r.m.gate.IsZero() {
				t.Errorf("the gate is still %s", r.m.gate)
			}
		})
	})
}

// sysvinit's "shutdown -H now": the variable first, then level 0 with the grace
// that -t asked for.
func TestInitHaltAndSleepTime(t *testing.T) {
	bubble(t, func(r *rig) {
		if err := r.request(initreq.Request{Cmd: initreq.SetEnv}, "INIT_HALT=HALT\x00\x00"); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := r.request(initreq.Request{Cmd: initreq.RunLevel, RunLevel: '0', SleepTime: 2}, ""); err != nil {
			t.Fatal(err)
		}
		r.want("it leads", string(r.m.ending.to), string(signals.Halt))
		for !slices.Contains(r.k.Log(), "kill /sys/fs/cgroup/slashdev/hello/0") {
			<-time.After(100 * time.Millisecond)
			synctest.Wait()
		}
		if d := time.Since(begun); d < 2*time.Second || d > 3*time.Second {
			t.Errorf("killed after %s, want 2 s", d)
		}
		r.k.End(linux.Exit{Pid: 103, Code: 137})
	})
}

func TestRequestsThatNobodyKnows(t *testing.T) {
	bubble(t, func(r *rig) {
		for _, q := range []initreq.Request{{Cmd: 5}, {Cmd: 7}, {Cmd: 1 << 31}, {Cmd: initreq.RunLevel, RunLevel: 'X'}} {
			if err := r.request(q, ""); err == nil {
				t.Errorf("request %d %q: no error", q.Cmd, q.RunLevel)
			}
		}
		if err := r.request(initreq.Request{Cmd: initreq.Start}, ""); err != nil {
			t.Error(err)
		}
		if r.m.ending != nil {
			t.Error("the machine is going down")
		}
	})
}

func TestPowerStatus(t *testing.T) {
	for status, ends := range map[string]bool{"O": false, "F": true, "L": true, "": true} {
		bubble(t, func(r *rig) {
			if status != "" {
				r.k.Files[powerStatus] = status
			}
			r.signal(syscall.SIGPWR)
			if got := r.m.ending != nil; got != ends {
				t.Errorf("power status %q ends the machine: %v", status, got)
			}
			if !slices.Contains(r.k.Log(), "remove "+powerStatus) {
				t.Error("the status file stays")
			}
		})
	}
}

// A second wish changes where a shutdown leads to; nothing is started any more,
// and who is stopped may be asleep.
func TestSecondWishOnTheWayDown(t *testing.T) {
	bubble(t, func(r *rig) {
		_ = must(r.m.ask([]string{"reboot", "boot=recovery"}))
		r.want("for the firmware", r.m.boot, "recovery")
		if !slices.Contains(r.k.Log(), "signal 103 continued") {
			t.Error("a stopped program cannot hear SIGTERM: it is not continued")
		}
		_ = must(r.m.ask([]string{"poweroff"}))
		r.want("it leads", string(r.m.ending.to), string(signals.PowerOff))
		if _, err := r.m.ask([]string{"start", "hello"}); err == nil {
			t.Error("a program is started on the way down")
		}
		r.k.End(linux.Exit{Pid: 103, Code: 143})
	})
}

// The grace of a request is for programs whose plan says none.
func TestStopTimeoutOfThePlanHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{Name: "db", Path: "/db", Restart: "always", StopTimeout: 30 * time.Second})
		defer r.finish()
		r.up()
		begun := time.Now()
		_ = must(r.m.ask([]string{"reboot", "grace=2"}))
		if d := r.m.unit("db").Deadline.Sub(begun); d != 30*time.Second {
			t.Errorf("killed after %s", d)
		}
	})
}
