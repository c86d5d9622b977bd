package spawn

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/init/files"
	"slashdev/init/linux"
	"slashdev/init/linux/linuxtest"
	"slashdev/init/plan"
	"slashdev/init/roster"
)

// kernel notes what is started, and by which thread.
type kernel struct {
	linuxtest.Kernel
	started []linux.Command
	reboots []bool // the thread can end the machine
	entry   string
	refuse  string // a file whose writes fail
}

func (k *kernel) Pipe() (r, w int, err error) { return 8, 9, nil }

func (k *kernel) Write(path, text string) error {
	if path == "/proc/self/fd/9" {
		k.entry = text
	}
	if k.refuse != "" && strings.HasSuffix(path, k.refuse) {
		return syscall.ENOENT
	}
	return k.Kernel.Write(path, text)
}

func (k *kernel) Start(c linux.Command) (linux.Process, error) {
	have, _ := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_SYS_BOOT, 0, 0, 0)
	k.started, k.reboots = append(k.started, c), append(k.reboots, have == 1)
	return linux.Process{Pid: 100 + len(k.started), FD: -1}, nil
}

// birth is what has come of an order.
type birth struct {
	pid     int
	refused []string
	err     error
}

// serve carries out orders.
func serve(k Kernel, orders ...Order) []birth {
	births := make(chan birth, len(orders))
	queue := make(chan Order, len(orders))
	for _, o := range orders {
		o.Done = func(p linux.Process, refused []string, err error) { births <- birth{p.Pid, refused, err} }
		queue <- o
	}
	close(queue)
	Serve(k, queue)
	var all []birth
	for range orders {
		all = append(all, <-births)
	}
	return all
}

// order is the order for a program of these plan lines.
func order(t *testing.T, lines string) Order {
	t.Helper()
	p, err := plan.Parse("slashdev-plan 1\nprogram x /user/x -v\n" + lines)
	if err != nil {
		t.Fatal(err)
	}
	all, errs := roster.Of(p, "/run/notify", nil)
	if errs != nil {
		t.Fatal(errs)
	}
	i := slices.IndexFunc(all, func(e roster.Entry) bool { return e.Name == "x" })
	c := all[i].Command
	c.Files, c.Cgroup = []int{5, 6, 6, 7}, "/sys/fs/cgroup/slashdev/x/0"
	return Order{Entry: all[i], Command: c, ReadyFD: -1}
}

func TestPlainProgramIsStartedDirectly(t *testing.T) {
	k := &kernel{}
	serve(k, order(t, ""))
	c := k.started[0]
	if c.Path != "/user/x" || fmt.Sprint(c.Args, c.Files) != "[x -v] [5 6 6 7]" || c.Cgroup != "/sys/fs/cgroup/slashdev/x/0" {
		t.Errorf("started %+v", c)
	}
}

func TestLaunchReadsItsEntry(t *testing.T) {
	k := &kernel{}
	o := order(t, "user x 1000 1000\nlimit x nofile 5 5\nenv x A=b\n")
	serve(k, o)
	c := k.started[0]
	if c.Path != "/sbin/userland" || fmt.Sprint(c.Args, c.Files, o.Command.Files) != "[launch] [5 6 6 8 7] [5 6 6 7]" || !slices.Contains(c.Env, "A=b") {
		t.Errorf("started %+v", c)
	}
	p, err := plan.Parse(k.entry)
	if err != nil || len(p.Programs) != 1 || fmt.Sprint(p.Programs[0]) != fmt.Sprint(*o.Entry.Plan) {
		t.Errorf("the entry is %q, %v", k.entry, err)
	}
	if closed := strings.Join(k.Log(), "\n"); !strings.Contains(closed, "close 8") || !strings.Contains(closed, "close 9") {
		t.Errorf("the pipe is not closed:\n%s", closed)
	}
	long := order(t, "readonly x\nenv x A="+strings.Repeat("x", maxEntry))
	if b := serve(k, long)[0]; b.err == nil || len(k.started) > 1 {
		t.Errorf("an entry that fills the pipe: %+v", b)
	}
}

// TestDescriptorsLieOneHigherForLaunch: it moves them down over its entry.
func TestDescriptorsLieOneHigherForLaunch(t *testing.T) {
	k := &kernel{}
	for lines, want := range map[string]string{
		"ready x fd:4\n":                "[5 6 6 -1 7]",
		"ready x fd:4\nuser x 5 5\n":    "[5 6 6 8 -1 7]",
		"ready x fd:3\nlisten x tcp::9": "[5 6 6 8 7]",
	} {
		k.started = nil
		o := order(t, lines)
		o.Command.Files = files.With([]int{5, 6, 6}, o.Entry.ReadyFD(), 7)
		serve(k, o)
		if got := fmt.Sprint(k.started[0].Files); got != want {
			t.Errorf("%q: descriptors %s, want %s", lines, got, want)
		}
	}
}

// TestRebootStaysWithPID1: only who may end the machine comes from a thread
// that can.
func TestRebootStaysWithPID1(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: only root has a right to give up")
	}
	k := &kernel{}
	shell := Order{Entry: roster.Entry{Name: "sh", Reboots: true}, ReadyFD: -1}
	births := serve(k, order(t, ""), shell, order(t, "capabilities x cap_sys_boot"), order(t, "capabilities x cap_kill"))
	if got := fmt.Sprint(k.reboots); got != "[false true true false]" {
		t.Errorf("with the right to end the machine: %s", got)
	}
	for i, b := range births {
		if b.pid != 101+i || b.err != nil {
			t.Errorf("birth %d: %+v", i, b)
		}
	}
}

// E-01: a bomb may also be typed at a shell. Our own have no bound but that of
// all together.
func TestE01_ShellsAreBoundAsWell(t *testing.T) {
	k := &kernel{}
	for role, want := range map[roster.Role]bool{roster.Manager: false, roster.Helper: true, roster.Shell: true} {
		k.Calls = nil
		serve(k, Order{Entry: roster.Entry{Role: role}, Command: linux.Command{Cgroup: "/c/s/sh/0"}, ReadyFD: -1})
		if got := strings.Contains(strings.Join(k.Log(), "\n"), "write /c/s/sh/0/pids.max"); got != want {
			t.Errorf("role %d is bound: %v", role, got)
		}
	}
}

// TestAnEntryThatCannotBeWritten: the program is not started without it.
func TestAnEntryThatCannotBeWritten(t *testing.T) {
	k := &kernel{refuse: "/fd/9"}
	b := serve(k, order(t, "readonly x"))[0]
	closed := strings.Join(k.Log(), "\n")
	if b.err == nil || k.started != nil || !strings.Contains(closed, "close 8") || !strings.Contains(closed, "close 9") {
		t.Errorf("%v, started %v\n%s", b.err, k.started, closed)
	}
}

// TestRefusedSettingsAreTold: the program runs, and PID 1 hears what is not in
// force.
func TestRefusedSettingsAreTold(t *testing.T) {
	k := &kernel{refuse: "/memory.max"}
	b := serve(k, order(t, "cgroup x memory.max 5\ncgroup x pids.max 5\n"))[0]
	const want = "[memory.max 5: not in force: this kernel does not know it, or has its controller memory switched off]"
	if b.err != nil || fmt.Sprint(b.refused) != want {
		t.Errorf("got %+v", b)
	}
}
