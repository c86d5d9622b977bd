package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/init/children"
	"slashdev/init/plan"
)

// pid is the process that runs as name now.
func (r *rig) pid(name string) int { return r.m.unit(name).Proc.Pid }

func (r *rig) state(name string) string { return string(r.m.unit(name).State) }

// programs names what was started, without devmgr, perm and logd.
func (r *rig) programs() string {
	var names []string
	for _, c := range r.k.Log() {
		if args, ok := strings.CutPrefix(c, "start "); ok {
			names = append(names, strings.Split(args, `"`)[1])
		}
	}
	return strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == "devmgr" || n == "perm" || n == "logd" }), " ")
}

func TestProgramsAreStartedWhenWhatTheyWaitForIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t,
			&plan.Program{Name: "early", Path: "/early", Restart: "always", Wait: []string{}, Dir: "/"},
			&plan.Program{Name: "homely", Path: "/homely", Restart: "always", Wait: []string{}},
			&plan.Program{Name: "serial", Path: "/serial", Restart: "always", Wait: []string{"dev:ttyUSB0"}},
			&plan.Program{Name: "db", Path: "/db", Restart: "always", Ready: "notify"},
			&plan.Program{Name: "web", Path: "/web", Restart: "always", Wait: []string{"program:db"}},
			&plan.Program{Name: "tail", Path: "/tail", Restart: "always", After: []string{"db"}},
			&plan.Program{Name: "byhand", Path: "/byhand", Restart: "always", Manual: true},
		)
		defer r.finish()
		r.want("at once", r.programs(), "early")
		r.end(r.pid("perm"), 0)
		r.want("with /perm", r.programs(), "early homely")
		r.notify(r.pid("devmgr"), "READY=1\nSTATUS=")
		r.want("settled", r.programs(), "early homely db")
		if s := r.said.String(); !strings.HasSuffix(s, "init: ready\r\n") {
			t.Errorf("what cannot be started yet must not keep the machine from being ready: %q", s)
		}
		r.notify(r.pid("db"), "READY=1\nSTATUS=")
		r.want("db is up", r.programs(), "early homely db web tail")
		r.notify(r.pid("db"), "DEVICE=+ttyUSB0")
		r.want("said by a program", r.programs(), "early homely db web tail")
		r.notify(r.pid("devmgr"), "DEVICE=+ttyUSB0")
		r.want("plugged", r.programs(), "early homely db web tail serial")
		r.do(func() { r.m.single("start", "byhand") })
		r.want("by hand", r.programs(), "early homely db web tail serial byhand")
	})
}

// S-07: what never gets ready is stopped, and those that come after it are
// started all the same; those that need it are not.
func TestS07_ReadinessNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t,
			&plan.Program{Name: "db", Path: "/db", Restart: "always", Ready: "notify", ReadyTimeout: time.Minute},
			&plan.Program{Name: "web", Path: "/web", Restart: "always", Wait: []string{"program:db"}},
			&plan.Program{Name: "tail", Path: "/tail", Restart: "always", After: []string{"db"}},
		)
		defer r.finish()
		r.up()
		first := r.pid("db")
		<-time.After(time.Minute)
		synctest.Wait()
		if s := r.said.String(); !strings.Contains(s, "init: db: not ready in time: stopped") {
			t.Errorf("console: %q", s)
		}
		r.end(first, 143)
		r.want("then", r.programs(), "db db tail")
		r.want("web", r.state("web"), "held")
	})
}

func TestHelpersFindOutWhetherAProgramIsReadyAndWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{
			Name: "web", Path: "/web", Restart: "always", Ready: "tcp:localhost:80",
			Health: &plan.Health{Command: []string{"/check"}, Interval: 20 * time.Second, Timeout: 5 * time.Second, Failures: 2},
		})
		defer r.finish()
		r.up()
		r.want("helper", r.programs(), "web await")
		r.want("web", r.state("web"), "starting")
		r.end(r.pid("web:ready"), 0)
		r.want("its port is there", r.state("web"), "up")
		r.want("check", r.programs(), "web await /check")
		r.end(r.pid("web:health"), 0)
		<-time.After(20 * time.Second)
		synctest.Wait()
		r.end(r.pid("web:health"), 1)
		r.want("one failure", r.state("web"), "up")
		<-time.After(25 * time.Second) // the check hangs, and ends in peace when it is told to
		synctest.Wait()
		r.end(r.pid("web:health"), 0)
		r.want("two failures", r.state("web"), "stopping")
		web := r.pid("web")
		r.end(web, 143)
		r.want("made anew", r.programs(), "web await /check /check /check web await")
		r.want("no check while it starts", r.state("web:health"), "down")
	})
}

// E-02: a program that the kernel kills for want of memory crashes; one that a
// person kills does not.
func TestE02_KilledForWantOfMemoryIsACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{Name: "bomb", Path: "/bomb", Restart: "always"})
		defer r.finish()
		r.k.Files["/proc/vmstat"] = "nr_free 1\noom_kill 3\nx 1\n"
		r.do(func() { r.m.slain(0) })
		r.up()
		for range 20 {
			r.slay("bomb")
		}
		r.want("killed by a person", r.state("bomb"), "up")
		for i := range 6 {
			r.k.Files["/proc/vmstat"] = "nr_free 1\noom_kill " + string(rune('4'+i)) + "\nx 1\n"
			r.slay("bomb")
		}
		r.want("killed by the kernel", r.state("bomb"), "waiting")
		if !r.m.unit("bomb").Degraded() {
			t.Error("not degraded")
		}
	})
}

func TestClockAndNetworkAreFoundOutByChores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{Name: "tls", Path: "/tls", Restart: "gokrazy", Wait: []string{"settled", "clock"}})
		defer r.finish()
		r.up()
		r.want("chore", r.programs(), "await")
		r.end(r.pid("await-clock"), 1)
		r.want("tried again", r.programs(), "await await")
		r.end(r.pid("await-clock"), 0)
		r.want("the clock is right", r.programs(), "await await tls")
		r.want("the chore", r.state("await-clock"), string(children.Done))
	})
}

func TestProgramIsStartedByItsFirstClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{
			Name: "lazy", Path: "/lazy", Restart: "gokrazy", Manual: true, Listen: []string{"tcp::8080"}, Wait: []string{}, Dir: "/",
		})
		defer r.finish()
		r.want("before", r.state("lazy"), "down")
		for range 2 {
			r.k.Clients <- true
			synctest.Wait()
			r.want("with a client", r.state("lazy"), "up")
			r.end(r.pid("lazy"), 0)
			r.want("and then", r.state("lazy"), "down")
		}
		for range 3 { // by hand: nobody comes
			_ = must(r.m.ask([]string{"start", "lazy"}))
			r.end(r.pid("lazy"), 0)
		}
		waits := slices.DeleteFunc(r.k.Log(), func(s string) bool { return s != "await client of 50" })
		if len(waits) != 3 {
			t.Errorf("its socket is watched %d times, want one for each client and one more", len(waits))
		}
		c := r.k.Started["/sbin/userland"]
		if c.Args[0] != "launch" {
			c = r.k.Started["/lazy"]
		}
		if env := strings.Join(c.Env, " "); !strings.Contains(env, "LISTEN_FDS=1 LISTEN_FDNAMES=tcp--8080") || !slices.Contains(c.Files, 50) {
			t.Errorf("descriptors %v, environment %s", c.Files, env)
		}
	})
}

// s6's way: a line on a descriptor.
func TestProgramSaysOnADescriptorThatItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{Name: "db", Path: "/db", Restart: "always", Ready: "fd:5"})
		defer r.finish()
		r.up()
		r.want("before", r.state("db"), "starting")
		r.k.Lines <- false // it has closed it
		synctest.Wait()
		r.want("closed", r.state("db"), "starting")
		r.end(r.pid("db"), 1)
		r.k.Lines <- true
		synctest.Wait()
		r.want("after", r.state("db"), "up")
	})
}
