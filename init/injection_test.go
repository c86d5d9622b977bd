package main

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/init/children"
	"slashdev/init/console"
)

var oneSeed = flag.Int("seed", -1, "run this seed of the random injection alone")

// errnos are what a call may fail with.
var errnos = []syscall.Errno{
	syscall.EIO, syscall.ENOMEM, syscall.EMFILE, syscall.EAGAIN, syscall.ENOENT, syscall.EPERM, syscall.EBUSY,
	syscall.ENOSPC, syscall.EROFS, syscall.EINTR, syscall.ESRCH, syscall.ENODEV,
}

// E-05: the loop lives a random life in which one system call, by its number,
// fails. Whatever it was: PID 1 answers, keeps its programs, and ends when told.
func TestE05_AnyCallMayFail(t *testing.T) {
	first, last := 0, seeds
	if *oneSeed >= 0 {
		first, last = *oneSeed, *oneSeed+1
	}
	for seed := first; seed < last; seed++ {
		synctest.Test(t, func(t *testing.T) { injure(t, seed) })
	}
}

func injure(t *testing.T, seed int) {
	v := rand.New(rand.NewPCG(uint64(seed), 0))
	r := newRig(t)
	r.up()
	r.k.Err = errnos[v.IntN(len(errnos))]
	r.k.FailCall = len(r.k.Log()) + 1 + v.IntN(40)
	for range 10 + v.IntN(20) {
		r.befall(v)
	}
	<-time.After(10 * time.Minute) // whatever rests comes back
	synctest.Wait()
	r.do(func() { r.m.tell(r.m.unit("hello"), children.Event{Kind: children.Start}) })
	before := r.m.unit("hello").Starts
	r.slay("hello")
	<-time.After(10 * time.Minute)
	synctest.Wait()
	if out, err := r.m.ask([]string{"status"}); err != nil || !strings.HasPrefix(string(out), "= ") {
		t.Errorf("seed %d: status: %q, %v", seed, out, err)
	}
	if after := r.m.unit("hello").Starts; after == before || r.m.unit("hello").State != children.Up {
		t.Errorf("seed %d: hello is not started again: %s", seed, r.m.unit("hello").State)
	}
	r.signals <- syscall.SIGUSR2
	if e := <-r.over; e.to != off {
		t.Errorf("seed %d: leads to %s", seed, e.to)
	}
	console.CloseAll(r.m.consoles)
	close(r.k.Clients)
	close(r.k.Lines)
	if s := r.said.String(); strings.Contains(s, "internal error") || t.Failed() {
		t.Fatalf("seed %d, call %d fails with %q; the calls:\n%s\nthe console:\n%s", seed, r.k.FailCall, r.k.Err, strings.Join(r.k.Log(), "\n"), s)
	}
}

// befall does one thing that may happen to a machine.
func (r *rig) befall(v *rand.Rand) {
	u := r.m.units[v.IntN(len(r.m.units))]
	if u.Proc.Pid <= 1 {
		u = r.m.unit("hello") // it has one, or is about to
	}
	harmless := []syscall.Signal{syscall.SIGHUP, syscall.SIGCHLD, syscall.SIGPIPE, syscall.SIGCONT, syscall.SIGALRM}
	switch v.IntN(8) {
	case 0, 1:
		if u.Proc.Pid > 1 {
			r.slay(u.Name)
		}
	case 2:
		r.end(u.Proc.Pid, []int{0, 1, 2, 111, 139}[v.IntN(5)])
	case 3:
		r.end(10_000+v.IntN(1000), 0) // an orphan
	case 4:
		r.signals <- harmless[v.IntN(len(harmless))]
		synctest.Wait()
	case 5:
		verb := []string{"start", "restart", "ls", "status", "why"}[v.IntN(5)]
		words := slices.DeleteFunc([]string{verb, u.Name}, func(w string) bool { return w == u.Name && (verb == "ls" || verb == "status") })
		_, _ = r.m.ask(words) // refused or not
		synctest.Wait()
	case 6:
		r.notify(u.Proc.Pid, []string{"READY=1", "WATCHDOG=1", "", "STATUS=x", "FDSTORE=1"}[v.IntN(5)], 301)
	case 7:
		<-time.After(time.Duration(v.IntN(40)) * time.Second)
		synctest.Wait()
	}
}
