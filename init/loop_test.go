package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/init/children"
	"slashdev/init/console"
	"slashdev/init/control"
	"slashdev/init/linux"
	"slashdev/init/linux/linuxtest"
	"slashdev/init/notify"
	"slashdev/init/plan"
	"slashdev/init/roster"
	"slashdev/init/signals"
	"slashdev/init/watchdog"
)

// rig is PID 1 on a kernel that only writes down what it is asked, in a bubble
// with a clock of its own.
type rig struct {
	t       *testing.T
	k       *linuxtest.Kernel
	m       *machine
	signals chan os.Signal
	over    chan *ending
	said    *record
}

// record is a console that a test reads.
type record struct {
	mu sync.Mutex
	b  strings.Builder
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(b)
}

func (r *record) Close() error { return nil }

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// newRig starts the loop with devmgr (pid 100), perm (101), logd (102) and the
// programs, by default hello and web.
func newRig(t *testing.T, programs ...*plan.Program) *rig {
	if programs == nil {
		programs = []*plan.Program{{Name: "hello", Path: "/hello", Restart: "always"}, {Name: "web", Path: "/web", Restart: "gokrazy"}}
	}
	r := emptyRig(t)
	p := &plan.Plan{Shell: "off"}
	for _, prog := range programs {
		p.Programs = append(p.Programs, *prog)
	}
	r.m.addUnits(p, nil)
	r.m.begin()
	r.run()
	return r
}

// emptyRig is a machine without units whose loop does not run yet.
func emptyRig(t *testing.T) *rig {
	k := &linuxtest.Kernel{Clients: make(chan bool), Lines: make(chan bool), Files: map[string]string{"/proc/self/mountinfo": "1 1 8:2 / / ro - squashfs x ro\n2 1 8:4 / /perm rw - ext4 x rw\n"}}
	r := &rig{t: t, k: k, m: newMachine(k), signals: make(chan os.Signal, 8), over: make(chan *ending, 1), said: &record{}}
	c, err := console.Open("test", func() (io.WriteCloser, error) { return r.said, nil })
	if err != nil {
		t.Fatal(err)
	}
	r.m.consoles = []*console.Console{c}
	return r
}

func (r *rig) run() {
	go func() { r.over <- r.m.loop(r.signals) }()
	synctest.Wait()
}

func (r *rig) do(f func()) {
	r.m.post(f)
	synctest.Wait()
}

func (r *rig) end(pid, code int) {
	r.k.End(linux.Exit{Pid: pid, Code: code})
	r.signals <- syscall.SIGCHLD
	synctest.Wait()
}

// notify is a message of a process, with descriptors.
func (r *rig) notify(pid int, text string, fds ...int) {
	cgroup := r.k.Files[fmt.Sprintf("/proc/%d/cgroup", pid)]
	r.do(func() { r.m.noticed(pid, cgroup, notify.Decode([]byte(text)), fds) })
}

// slay kills a program that has run for a moment, as a person or the kernel would.
func (r *rig) slay(name string) {
	<-time.After(10 * time.Millisecond)
	r.k.End(linux.Exit{Pid: r.m.unit(name).Proc.Pid, Code: 137, Signal: syscall.SIGKILL})
	r.signals <- syscall.SIGCHLD
	synctest.Wait()
}

// up brings the rig to where the programs run: hello 103, web 104.
func (r *rig) up() {
	r.end(101, 0)
	r.notify(100, "READY=1\nSTATUS=coldplug done")
}

// finish ends the machine from outside, so that the bubble can end.
func (r *rig) finish() {
	r.do(func() { r.m.ending = &ending{over: true} })
	<-r.over
	console.CloseAll(r.m.consoles)
	close(r.k.Clients)
	close(r.k.Lines)
}

func (r *rig) started() string {
	var names []string
	for _, c := range r.k.Log() {
		if f := strings.Fields(c); f[0] == "start" {
			names = append(names, f[1])
		}
	}
	return strings.Join(names, " ")
}

func (r *rig) want(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestProgramsWaitForDevicesAndPerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.want("first", r.started(), "/sbin/devmgr /sbin/userland /sbin/userland")
		r.notify(100, "READY=1\nSTATUS=coldplug done")
		r.notify(999, "READY=1\nSTATUS=a stranger")
		r.want("without /perm", r.started(), "/sbin/devmgr /sbin/userland /sbin/userland")
		r.end(101, 0)
		r.want("then", r.started(), "/sbin/devmgr /sbin/userland /sbin/userland /hello /web")
		if s := r.said.String(); !strings.HasSuffix(s, "init: ready\r\n") || !strings.Contains(s, "init: devmgr: coldplug done") {
			t.Errorf("console: %q", s)
		}
	})
}

// M16: without userland there is no perm; what could run is not held up.
func TestM16_PermThatCannotBeMadeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.do(func() {
			u := r.m.unit("perm")
			u.Starts, u.State = 0, children.Making
			r.m.exited(u, children.Event{Kind: children.Failed})
		})
		r.notify(100, "READY=1")
		if got := r.started(); !strings.Contains(got, "/hello") {
			t.Errorf("started %s", got)
		}
	})
}

func TestProgramsDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		<-time.After(gateTimeout)
		synctest.Wait()
		r.want("after the deadline", r.started(), "/sbin/devmgr /sbin/userland /sbin/userland /hello /web")
		if s := r.said.String(); !strings.Contains(s, "init: devmgr: not ready after 1m0s: programs are started without it") {
			t.Errorf("console: %q", s)
		}
	})
}

func TestS01_KilledProgramComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		r.k.OnStart = func(pid int) {
			if pid == 105 { // it has ended before the loop hears of its birth
				r.k.End(linux.Exit{Pid: 105, Code: 1})
				done := make(chan struct{})
				r.m.post(func() { r.m.reap(); close(done) })
				<-done
			}
		}
		r.end(103, 137)
		r.want("starts", r.started(), "/sbin/devmgr /sbin/userland /sbin/userland /hello /web /hello /hello")
		if got := r.m.unit("hello").Proc.Pid; got != 106 {
			t.Errorf("hello has pid %d, want 106", got)
		}
	})
}

// On a kernel without control groups no life leaves the name of one behind: it
// could never be removed.
func TestP14_NoControlGroupsToRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		r.k.Lacks = "/sys/fs/cgroup"
		for range 3 {
			r.slay("hello")
		}
		if left := r.m.unit("hello").Left; r.m.unit("hello").Starts != 4 || len(left) > 0 {
			t.Errorf("%d starts have left %q", r.m.unit("hello").Starts, left)
		}
	})
}

// S-03: what a program leaves behind is killed, and its control group goes when
// the last of it has been collected.
func TestS03_LeftoversAreKilledAndSweptUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		hello := r.m.unit("hello")
		left := hello.cgroup()
		r.do(func() { r.k.Busy = left })
		r.slay("hello")
		if got := strings.Join(r.k.Log(), "\n"); !strings.Contains(got, "rmdir "+left+"\nkill "+left+"\n") || !slices.Equal(hello.Left, []string{left}) {
			t.Errorf("left %q after\n%s", hello.Left, got)
		}
		if hello.cgroup() == left {
			t.Error("the next life is in the control group of the one before")
		}
		r.end(999, 0) // an orphan, not the last
		if len(hello.Left) != 1 {
			t.Error("the group is forgotten while there is something in it")
		}
		r.do(func() { r.k.Busy = "" })
		r.end(998, 0)
		if len(hello.Left) != 0 {
			t.Errorf("left for ever: %q", hello.Left)
		}
	})
}

// S-11, E-08: what stood for a process goes with it: its descriptor and what it
// said of itself.
func TestNothingOfAnEndedProcessStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.do(func() { r.k.Pidfds = 300 })
		r.up()
		hello := r.m.unit("hello")
		r.notify(hello.Proc.Pid, "STATUS=serving")
		fd, pid := hello.Proc.FD, hello.Proc.Pid
		if hello.Status != "serving" || fd < 300 {
			t.Fatalf("status %q, descriptor %d", hello.Status, fd)
		}
		r.slay("hello")
		if n := strings.Count(r.closes()+" ", fmt.Sprint(fd, " ")); n != 1 {
			t.Errorf("its descriptor was closed %d times: %s", n, r.closes())
		}
		if hello.Status != "" || hello.Proc.Pid == pid {
			t.Errorf("it is %d and says %q", hello.Proc.Pid, hello.Status)
		}
	})
}

func TestShutdownStopsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.up()
		n := len(r.k.Log())
		r.signals <- syscall.SIGUSR2
		synctest.Wait()
		for _, pid := range []int{104, 103, 100, 102, 105} { // at last teardown
			r.end(pid, 143)
		}
		e := <-r.over
		var sent []string
		for _, c := range r.k.Log()[n:] {
			if !strings.HasPrefix(c, "rmdir") && !strings.HasPrefix(c, "store") && !strings.HasSuffix(c, "continued") {
				sent = append(sent, c)
			}
		}
		want := []string{
			"signal 104 terminated", "signal 103 terminated", "signal 100 terminated", "signal 102 terminated",
			"mkdir /sys/fs/cgroup/slashdev/teardown 755", "mkdir /sys/fs/cgroup/slashdev/teardown/0 755",
			`start /sbin/userland ["teardown"]`, "killall killed", "sync all", "remount /perm", "remount /", "sync all",
		}
		if e.to != off || !slices.Equal(sent, want) {
			t.Errorf("to %s by\n%s\nwant\n%s", e.to, strings.Join(sent, "\n"), strings.Join(want, "\n"))
		}
		console.CloseAll(r.m.consoles)
	})
}

// S-04, K-06: a program that never ends and a disk that never answers cannot
// keep the machine from ending.
func TestS04_ShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.up()
		r.k.SyncHangs = make(chan struct{})
		defer close(r.k.SyncHangs)
		begun := time.Now()
		r.signals <- syscall.SIGTERM
		e := <-r.over
		if d := time.Since(begun); e.to != restart || d > 100*time.Second {
			t.Errorf("%s after %s", e.to, d)
		}
		if !slices.Contains(r.k.Log(), "kill /sys/fs/cgroup/slashdev/hello/0") {
			t.Error("hello was never killed")
		}
		console.CloseAll(r.m.consoles)
	})
}

func TestP11_CtrlAltDel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.up()
		for range 6 {
			r.signals <- syscall.SIGINT
		}
		synctest.Wait()
		select {
		case <-r.over:
			t.Fatal("six presses end the machine at once")
		default:
		}
		r.signals <- syscall.SIGINT
		if e := <-r.over; e.to != restart {
			t.Errorf("seven presses lead to %s", e.to)
		}
		console.CloseAll(r.m.consoles)
	})
}

// P-04: a bug in the answer to one request is survived and told.
func TestP04_PanicIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.do(func() { panic("boom") })
		out, err := r.m.ask([]string{"status"})
		if err != nil || !strings.HasPrefix(string(out), "= stage=booting") {
			t.Errorf("status after a panic: %q, %v", out, err)
		}
		if s := r.said.String(); !strings.Contains(s, "init: internal error: boom") {
			t.Errorf("console: %q", s)
		}
	})
}

func TestRequests(t *testing.T) {
	tests := []struct{ request, want string }{
		{"status", "= stage=ready uptime=0\nok\n"},
		{"stop web", "ok\n"},
		{"stop nosuch", "err 3 \"no program nosuch: try ls\"\n"},
		{"stop", "err 2 \"stop needs one NAME\"\n"},
		{"why hello", "= kind=state text=\"up for 0s\"\nok\n"},
		{"why nosuch", "err 3 \"no program nosuch: try ls\"\n"},
		{"ls -l", "err 2 \"ls takes no argument\"\n"},
		{"explode", "err 2 \"unknown request \\\"explode\\\": use ls, status, why, start, stop, restart, halt, poweroff, reboot, kexec, reload, reexec, telinit or setenv\"\n"},
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		for _, tt := range tests {
			words, err := control.Read(strings.NewReader(tt.request + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			out, err := r.m.ask(words)
			r.want(tt.request, string(control.Finish(out, err)), tt.want)
		}
	})
}

// P-03: no signal that can be caught is left to the runtime, which would exit.
func TestP03_EverySignalIsCaught(t *testing.T) {
	all := signals.Caught()
	for n := syscall.Signal(1); n <= 64; n++ {
		want := n != syscall.SIGKILL && n != syscall.SIGSTOP && n != syscall.SIGURG && (n < 32 || n > 34)
		if got := slices.Contains(all, os.Signal(n)); got != want {
			t.Errorf("signal %d caught: %v, want %v", n, got, want)
		}
	}
}

// A shell on a second console is started by Enter, and again by Enter.
func TestShellOnKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		keys, person := io.Pipe()
		r.k.Keys = io.NopCloser(keys)
		r.do(func() {
			r.m.add(roster.Entry{
				Name: "sh-tty1", Role: roster.Shell, OnKey: true, Policy: children.Policy{Restart: children.Never},
				Command: linux.Command{Path: "/sh", Args: []string{"sh"}, Tty: "/dev/tty1"},
			})
			r.m.awaitKey(r.m.unit("sh-tty1"))
		})
		r.up()
		r.want("before", r.started(), "/sbin/devmgr /sbin/userland /sbin/userland /hello /web")
		for _, want := range []string{"/sbin/devmgr /sbin/userland /sbin/userland /hello /web /sh", "/sbin/devmgr /sbin/userland /sbin/userland /hello /web /sh /sh"} {
			_, _ = person.Write([]byte("\n"))
			synctest.Wait()
			r.want("after Enter", r.started(), want)
			r.end(r.m.unit("sh-tty1").Proc.Pid, 0)
		}
		person.Close()
	})
}

// meal counts how a watchdog of 60 s is fed.
type meal struct {
	fed  []time.Time
	gone bool
}

func (m *meal) Took() (int, string) { return 60, "armed" }
func (m *meal) Feed() error         { m.fed = append(m.fed, time.Now()); return nil }
func (m *meal) Disarm()             { m.gone = true }

func TestWatchdogIsFedByTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		d := &meal{}
		r.do(func() {
			r.m.say(r.m.watch.Arm(nil, func(string, int) (watchdog.Device, error) { return d, nil }))
		})
		<-time.After(time.Minute)
		synctest.Wait()
		for i := 1; i < len(d.fed); i++ {
			if gap := d.fed[i].Sub(d.fed[i-1]); gap > 15*time.Second {
				t.Errorf("not fed for %s", gap)
			}
		}
		if len(d.fed) < 5 {
			t.Errorf("fed %d times in a minute, want 5", len(d.fed))
		}
		if s := r.said.String(); !strings.Contains(s, "init: armed\r\n") {
			t.Errorf("console: %q", s)
		}
		r.finish()
	})
}

// M13: a devmgr that hangs is ended, killed if need be, and so comes back; one
// that has never come up is left alone.
func TestM13_HungDevmgrIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		<-time.After(5 * time.Minute)
		sent := func(what string) bool { return slices.Contains(r.k.Log(), what) }
		r.notify(100, "READY=1")
		for range 60 {
			r.notify(100, "WATCHDOG=1")
			<-time.After(5 * time.Second)
		}
		if sent("signal 100 terminated") {
			t.Fatal("ended although it lives")
		}
		<-time.After(30 * time.Second)
		synctest.Wait()
		if !sent("signal 100 terminated") || !sent("signal 100 killed") {
			t.Errorf("not ended: %s", r.said)
		}
		r.end(100, 137)
		if got := r.started(); !strings.HasSuffix(got, " /devmgr") && !strings.HasSuffix(got, " /sbin/devmgr") {
			t.Errorf("not started again: %s", got)
		}
	})
}
