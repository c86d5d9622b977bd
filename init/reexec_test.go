package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/init/children"
	"slashdev/init/linux"
	"slashdev/init/plan"
	"slashdev/init/planfile"
	"slashdev/init/renew"
	"slashdev/init/state"
)

// succeeded returns what was handed to the next PID 1; nil when there was none.
func (r *rig) succeeded() *state.State {
	if r.k.State == nil {
		return nil
	}
	s, err := state.Parse(string(r.k.State), time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// PID 1 that cannot execute itself anew goes on as before; what it would have
// handed over is all that it knows.
func TestReexecFailsAndNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		r.notify(103, "FDSTORE=1\nFDNAME=view\nSTATUS=serving", 41)
		r.notify(100, "DEVICE=+sda")
		r.signals <- syscall.SIGQUIT
		<-time.After(renew.Calm)
		synctest.Wait()
		s := r.succeeded()
		if s == nil {
			t.Fatal("nothing was handed over")
		}
		i := slices.IndexFunc(s.Units, func(u state.Unit) bool { return u.Name == "hello" })
		if u := s.Units[i]; u.Proc.Pid != 103 || u.State != children.Up || u.Status != "serving" || u.Stored[0].FD != 41 || !s.Devices["sda"] {
			t.Errorf("handed over %+v, %v", u, s.Devices)
		}
		if !strings.Contains(r.said.String(), "init: execute /sbin/init: exec format error") {
			t.Errorf("console: %q", r.said.String())
		}
		r.slay("hello")
		if r.m.unit("hello").Proc.Pid != 105 {
			t.Error("hello is not started again")
		}
	})
}

// A process that is being made is waited for; meanwhile no other is made, and
// after a while PID 1 gives up and goes on.
func TestReexecWaitsForWhatIsHalfMade(t *testing.T) {
	for _, released := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			defer r.finish()
			r.up()
			gate := make(chan bool)
			r.k.OnStart = func(int) { <-gate }
			r.do(func() { r.m.tell(r.m.unit("hello"), children.Event{Kind: children.Again}) })
			r.end(103, 0)
			r.signals <- syscall.SIGQUIT
			synctest.Wait()
			r.slay("web")
			if r.succeeded() != nil || r.m.unit("web").State != children.Held {
				t.Fatalf("handed over with a process in the making; web is %s", r.m.unit("web").State)
			}
			if released {
				gate <- true
				<-time.After(renew.Calm)
				synctest.Wait()
			} else {
				<-time.After(renew.Patience)
				synctest.Wait()
			}
			if (r.succeeded() != nil) != released {
				t.Errorf("handed over: %v", !released)
			}
			close(gate)
			synctest.Wait()
			if r.m.unit("web").State != children.Up {
				t.Error("web is not made afterwards")
			}
		})
	}
}

func TestNoReexecOnTheWayDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		r.signals <- syscall.SIGTERM
		r.signals <- syscall.SIGQUIT
		synctest.Wait()
		if r.succeeded() != nil {
			t.Error("a machine that is going down is handed over")
		}
	})
}

// The end of the machine does not wait for a re-execution that waits for a process.
func TestTheEndOvertakesAReexec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		gate := make(chan bool)
		r.k.OnStart = func(int) { <-gate }
		r.do(func() { r.m.tell(r.m.unit("hello"), children.Event{Kind: children.Again}) })
		r.end(103, 0)
		r.signals <- syscall.SIGQUIT
		synctest.Wait()
		r.signals <- syscall.SIGTERM
		synctest.Wait()
		if r.m.ending == nil || r.m.renew() {
			t.Error("the attempt goes on")
		}
		close(gate)
		synctest.Wait()
	})
}

// The next PID 1 has the same children, pipes and stored descriptors, starts
// none of them again, and knows what comes when they end.
func TestRestoreGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan.Plan{Shell: "off", Programs: []plan.Program{
			{Name: "hello", Path: "/hello", Restart: "always"}, {Name: "down", Path: "/down", Restart: "always"},
			{Name: "new", Path: "/new", Restart: "always"},
			{Name: "held", Path: "/held", Restart: "always"}, {Name: "found", Path: "/found", Restart: "always"},
		}}
		now := time.Now()
		s := &state.State{Started: now.Add(-time.Hour), Stage: state.Ready, Plan: string(planfile.Append(nil, &p)), Devices: map[string]bool{}}
		for name, pid := range map[string]int{"devmgr": 10, "perm": 0, "logd": 12, "hello": 13, "down": 0, "lost": 15} {
			u := state.Unit{Lives: 3, Proc: linux.Process{Pid: pid, FD: -1}}
			u.Child = children.Child{Name: name, State: children.Up, Wanted: true, Starts: 2, Since: now}
			if pid == 0 {
				u.State, u.Wanted = children.Down, false
			}
			s.Units = append(s.Units, u)
		}
		// One was stopped before its first start, one a census has found down.
		s.Units = append(s.Units,
			state.Unit{Child: children.Child{Name: "held", State: children.Down}, Proc: linux.Process{FD: -1}},
			state.Unit{Child: children.Child{Name: "found", State: children.Down, Wanted: true}, Proc: linux.Process{FD: -1}})
		s.Rescued = true
		r := emptyRig(t)
		r.m.kept = map[string]int{"read:hello": 51, "write:hello": 52}
		r.m.restore(s, nil)
		r.run()
		defer r.finish()
		r.want("started", r.started(), "/new /found")
		if u := r.m.unit("hello"); !slices.Equal(u.files[1:], []int{52, 52}) || !strings.Contains(string(must(r.m.ask([]string{"status"}))), "uptime=3600") {
			t.Errorf("hello has descriptors %v", u.files)
		}
		if !slices.Contains(r.k.Log(), "kill /sys/fs/cgroup/slashdev/lost/3") {
			t.Error("a unit that the plan has lost goes on")
		}
		r.k.End(linux.Exit{Pid: 13, Code: 1})
		r.signals <- syscall.SIGCHLD
		synctest.Wait()
		r.want("after its end", r.started(), "/new /found /hello")
		if !r.m.rescued {
			t.Error("it is not known any more that the machine was rescued")
		}
		r.end(r.pid("hello"), 125)
		r.want("its policy", r.state("hello"), "down")
		if c := r.k.Started["/hello"]; c.Cgroup != "/sys/fs/cgroup/slashdev/hello/4" || slices.Contains(c.Env, "GOKRAZY_FIRST_START=1") {
			t.Errorf("started in %s with %q", c.Cgroup, c.Env)
		}
	})
}

func must(out []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return out
}
