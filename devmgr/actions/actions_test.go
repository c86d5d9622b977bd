package actions_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"slashdev/devmgr/actions"
)

// bench runs jobs that are shell scripts in a folder of their own.
type bench struct {
	*actions.Runner
	t   *testing.T
	dir string
	mu  sync.Mutex
	log []string
}

func newBench(t *testing.T, cfg actions.Config) *bench {
	b := &bench{t: t, dir: t.TempDir()}
	if cfg.Group == "" {
		cfg.Group = "-"
	}
	cfg.Dirs = []string{filepath.Join(b.dir, "none"), b.dir}
	cfg.Logf = func(format string, args ...any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.log = append(b.log, fmt.Sprintf(format, args...))
	}
	b.Runner = actions.New(cfg)
	t.Cleanup(b.Close)
	return b
}

// script writes a program. OUT is a file that jobs may append lines to.
func (b *bench) script(name, text string) string {
	b.t.Helper()
	text = "#!/bin/sh\nOUT=" + b.dir + "/out\n" + text + "\n"
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o755); err != nil {
		b.t.Fatal(err)
	}
	return name
}

func (b *bench) lines() []string {
	text, _ := os.ReadFile(filepath.Join(b.dir, "out"))
	return strings.Fields(string(text))
}

func (b *bench) wait() actions.Status {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := b.Wait(ctx); err != nil {
		b.t.Fatalf("jobs do not end: %v; log: %q", err, b.logged())
	}
	return b.Status()
}

func (b *bench) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.log, "\n")
}

func (b *bench) wantLog(parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		if log := b.logged(); !strings.Contains(log, part) {
			b.t.Errorf("no %q in the log:\n%s", part, log)
		}
	}
}

func job(devpath string, argv ...string) actions.Job {
	return actions.Job{DevPath: devpath, Argv: argv, Timeout: time.Minute}
}

func TestJobGetsItsWordsAndItsEnvironmentOnly(t *testing.T) {
	t.Setenv("SECRET", "ours")
	b := newBench(t, actions.Config{})
	b.script("say", `echo "$# [$1] [$2] LABEL=$LABEL SECRET=$SECRET"; pwd; cat; echo oops >&2`)
	j := job("/devices/x/sda", "say", "a b; $(reboot)", "-n")
	j.Env = []string{"LABEL=it's\x1b[31m"}
	b.Add(j)
	if s := b.wait(); s.Done != 1 || s.Failed+s.TimedOut != 0 {
		t.Errorf("status: %+v", s)
	}
	b.wantLog("sda: say: 2 [a b; $(reboot)] [-n] LABEL=it's\\x1b[31m SECRET=\n", "sda: say: /\n", "sda: say: oops")
}

func TestJobsOfOneDeviceRunInOrder(t *testing.T) {
	b := newBench(t, actions.Config{Parallel: 8})
	b.script("mark", `echo "$1<" >>$OUT; echo "$1>" >>$OUT`)
	var want []string
	for i := range 20 {
		n := fmt.Sprint(i)
		devpath := []string{"/devices/a", "/devices/a/b", "/devices/a/b/c"}[i%3] // one line of descent
		b.Add(job(devpath, "mark", n))
		want = append(want, n+"<", n+">")
	}
	b.wait()
	if got := b.lines(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Two jobs of devices that have nothing to do with each other meet: each waits
// for the other in a fifo.
func TestJobsOfOtherDevicesRunSideBySide(t *testing.T) {
	b := newBench(t, actions.Config{Parallel: 2})
	for _, f := range []string{"f1", "f2"} {
		if err := syscall.Mkfifo(filepath.Join(b.dir, f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.script("first", `echo x >${0%/*}/f1; read y <${0%/*}/f2; echo first >>$OUT`)
	b.script("second", `read y <${0%/*}/f1; echo x >${0%/*}/f2; echo second >>$OUT`)
	b.Add(job("/devices/a", "first"), job("/devices/ab", "second"))
	b.wait()
	if got := b.lines(); len(got) != 2 {
		t.Errorf("got %q; log: %s", got, b.logged())
	}
}

func TestNoMoreThanParallel(t *testing.T) {
	b := newBench(t, actions.Config{Parallel: 2})
	b.script("count", `mkdir ${0%/*}/slot1 2>/dev/null && s=1 || { mkdir ${0%/*}/slot2 && s=2; } || echo third >>$OUT; rmdir ${0%/*}/slot$s`)
	for i := range 30 {
		b.Add(job(fmt.Sprintf("/devices/d%d", i), "count"))
	}
	if s := b.wait(); s.Done != 30 {
		t.Errorf("status: %+v", s)
	}
	if got := b.lines(); len(got) > 0 {
		t.Errorf("three at once: %q", got)
	}
}

func TestFailuresAreToldAndCounted(t *testing.T) {
	b := newBench(t, actions.Config{})
	b.script("three", "exit 3")
	b.script("signal", "kill -SEGV $$")
	for _, argv := range [][]string{{"three"}, {"signal"}, {"nosuch"}, {"/nosuch/x"}, nil, {""}} {
		j := job("/devices/x/sda", argv...)
		j.Line = "50-x.rules:7"
		b.Add(j)
	}
	if s := b.wait(); s.Failed != 6 || len(s.Last) != 6 || s.Last[0].Failure != "ended with status 3" || s.Last[0].Line != "50-x.rules:7" {
		t.Errorf("status: %+v", s)
	}
	b.wantLog("sda: three: ended with status 3 (50-x.rules:7)", "sda: signal: ended by signal 11", "sda: x: /nosuch/x: file does not exist",
		"sda: nosuch: nosuch: file does not exist in ", "no program is named")
}

func TestC03_HangingProgramIsKilledWithItsChildren(t *testing.T) {
	both(t, func(t *testing.T, group string) {
		b := newBench(t, actions.Config{Group: group})
		b.script("hang", `sleep 1000 & echo $! >>$OUT; sleep 1000 & echo $! >>$OUT; wait`)
		b.script("after", `echo after >>$OUT`)
		j := job("/devices/x/sda", "hang")
		j.Timeout = 300 * time.Millisecond
		b.Add(j, job("/devices/x/sda", "after"))
		if s := b.wait(); s.TimedOut != 1 || s.Done != 1 {
			t.Errorf("status: %+v", s)
		}
		b.wantLog("sda: hang: killed: not done after 300ms")
		out := b.lines()
		if len(out) != 3 || out[2] != "after" {
			t.Fatalf("the queue is blocked: %q", out)
		}
		wantGone(t, out[:2])
	})
}

// both runs a test with and without control groups.
func both(t *testing.T, test func(t *testing.T, group string)) {
	t.Run("session", func(t *testing.T) { test(t, "-") })
	t.Run("cgroup", func(t *testing.T) { test(t, testGroup(t)) })
}

// testGroup makes a control group that the kernel lets us kill.
func testGroup(t *testing.T) string {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for row := range strings.Lines(string(mounts)) {
		words := strings.Fields(row)
		if words[2] != "cgroup2" {
			continue
		}
		dir, err := os.MkdirTemp(words[1], "slashdev-test-")
		if err != nil {
			break
		}
		t.Cleanup(func() {
			entries, _ := filepath.Glob(dir + "/*/cgroup.procs")
			for _, e := range entries {
				os.Remove(filepath.Dir(e))
			}
			os.Remove(dir)
		})
		return dir
	}
	t.Skip("needs root: no control group can be made here")
	return ""
}

// wantGone wants processes to have ended or to be ending.
func wantGone(t *testing.T, pids []string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for alive(pid) && time.Now().Before(deadline) {
			runtime.Gosched()
		}
		if alive(pid) {
			t.Errorf("process %s is still there", pid)
		}
	}
}

func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestC03_WhatAProgramLeavesBehindIsKilled(t *testing.T) {
	b := newBench(t, actions.Config{Group: testGroup(t)})
	b.script("daemon", `setsid sleep 1000 & echo $! >>$OUT`)
	b.Add(job("/devices/x/sda", "daemon"))
	if s := b.wait(); s.Done != 1 || s.LeftOver != 1 {
		t.Errorf("status: %+v", s)
	}
	wantGone(t, b.lines())
}

// A bomb of processes that leave their session ends with its group.
func TestC03_ForkBombEndsAtItsDeadline(t *testing.T) {
	b := newBench(t, actions.Config{Group: testGroup(t)})
	b.script("bomb", `echo $$ >>$OUT; [ ${1:-0} -lt 6 ] && { setsid $0 $((${1:-0} + 1)) & setsid $0 $((${1:-0} + 1)) & }; sleep 1000`)
	j := job("/devices/x/sda", "bomb")
	j.Timeout = time.Second
	b.Add(j)
	if s := b.wait(); s.TimedOut != 1 {
		t.Errorf("status: %+v", s)
	}
	if len(b.lines()) < 10 {
		t.Errorf("only %d processes: this test tests nothing", len(b.lines()))
	}
	wantGone(t, b.lines())
}

// As with udev, the jobs of a removal wait for those before them: the program
// that sets a device up is not overtaken by the one that takes it down.
func TestU04_RemovalWaitsForTheJobThatRuns(t *testing.T) {
	b := newBench(t, actions.Config{Parallel: 8})
	if err := syscall.Mkfifo(filepath.Join(b.dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.script("up", `read x <${0%/*}/go; echo up >>$OUT`)
	b.script("down", `echo down-$1 >>$OUT`)
	b.Add(job("/devices/usb/1-1/block/sdb/sdb1", "up"))
	b.Add(job("/devices/usb/1-1/block/sdb/sdb1", "down", "sdb1"), job("/devices/usb/1-1/block/sdb", "down", "sdb"), job("/devices/usb/1-1", "down", "1-1"))
	if s := b.Status(); s.Waiting != 3 || s.Running != 1 {
		t.Errorf("status: %+v", s)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "go"), []byte("x\n"), 0); err != nil {
		t.Fatal(err)
	}
	b.wait()
	if got := strings.Join(b.lines(), " "); got != "up down-sdb1 down-sdb down-1-1" {
		t.Errorf("got %q", got)
	}
}

func TestC04_JobThatCausesItselfIsSlowedDown(t *testing.T) {
	b := newBench(t, actions.Config{})
	b.script("again", "exit 0")
	for range 60 {
		b.Add(job("/devices/x/loop0", "again"))
	}
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(b.logged(), "slowed down") && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	s := b.Status()
	if s.Slowed == 0 || s.Dropped > 0 {
		t.Errorf("status: %+v", s)
	}
	b.wantLog("actions: /devices/x/loop0: 50 jobs in 10s: slowed down; does one cause the event that it is run for?")
	if n := len(b.log); n > 5 {
		t.Errorf("the log is flooded: %d lines", n)
	}
}

func TestC08_ProgramsThatOthersMayWriteAreRefused(t *testing.T) {
	b := newBench(t, actions.Config{})
	b.script("open", "echo evil >>$OUT")
	if err := os.Chmod(b.dir+"/open", 0o757); err != nil {
		t.Fatal(err)
	}
	shared := b.dir + "/shared"
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	b.script("shared/prog", "echo evil >>$OUT")
	if err := os.Chmod(shared, 0o1777); err != nil {
		t.Fatal(err)
	}
	outside := b.script("../evil", "echo evil >>$OUT")
	for _, name := range []string{"open", "shared/prog", outside, "..;rm", "shared", "../../../bin/sh", b.dir + "/open"} {
		b.Add(job("/devices/x", name))
	}
	if s := b.wait(); s.Failed != 7 || s.Done != 0 || len(b.lines()) > 0 {
		t.Errorf("status: %+v, out: %q", s, b.lines())
	}
	b.wantLog("refused: anybody may write "+b.dir+"/open", "refused: anybody may write into "+shared, "refused: \"..;rm\" leads out of", "is no program")
}

func TestOutput(t *testing.T) {
	b := newBench(t, actions.Config{})
	b.script("say", `echo "ID=$1 $WORD"; echo not this >&2`)
	b.script("flood", `i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done`)
	b.script("hang", `echo begun; exec sleep 1000`)
	j := job("/devices/x", "say", "a b")
	j.Env = []string{"WORD=w"}
	if out, err := b.Output(t.Context(), j); out != "ID=a b w\n" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := b.Output(t.Context(), job("/devices/x", "flood")); len(out) != 16<<10 || err != nil {
		t.Errorf("got %d bytes, %v", len(out), err)
	}
	if _, err := b.Output(t.Context(), job("/devices/x", "nosuch")); err == nil {
		t.Error("a program that is not there has an answer")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if out, err := b.Output(ctx, job("/devices/x", "hang")); err == nil || out != "begun\n" {
		t.Errorf("a program that hangs: %q, %v", out, err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	b := newBench(t, actions.Config{})
	b.script("flood", `i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done`)
	b.Add(job("/devices/x", "flood"))
	b.wait()
	b.wantLog("x: flood: line 199", "x: flood: and 4800 lines more")
	if len(b.log) != 201 {
		t.Errorf("%d lines in the log", len(b.log))
	}
}

func TestCloseKillsWhatRunsAndForgetsWhatWaits(t *testing.T) {
	b := newBench(t, actions.Config{})
	if err := syscall.Mkfifo(filepath.Join(b.dir, "up"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.script("hang", `echo $$ >>$OUT; echo x >${0%/*}/up; exec sleep 1000`)
	b.script("never", `echo never >>$OUT`)
	b.Add(job("/devices/x", "hang"), job("/devices/x", "never"))
	if _, err := os.ReadFile(filepath.Join(b.dir, "up")); err != nil { // it runs
		t.Fatal(err)
	}
	b.Close()
	b.wantLog("x: hang: killed: the device manager was stopping")
	out := b.lines()
	if len(out) != 1 {
		t.Fatalf("out: %q", out)
	}
	wantGone(t, out)
	if err := b.Wait(context.Background()); err == nil {
		t.Error("Wait says that all jobs have ended")
	}
	b.Add(job("/devices/y", "never")) // does nothing, and does not panic
}

// A devmgr that was killed leaves its jobs to the next, which ends them before
// it starts any.
func TestU07_NextRunnerKillsWhatAKilledOneLeft(t *testing.T) {
	group := testGroup(t)
	left := filepath.Join(group, "77.1")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	orphan, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "exec sleep 1000"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left+"/cgroup.procs", []byte(fmt.Sprint(orphan.Pid)), 0); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, actions.Config{Group: group})
	b.script("new", "echo new >>$OUT")
	b.Add(job("/devices/x", "new"))
	if state, err := orphan.Wait(); err != nil || !strings.Contains(state.String(), "killed") {
		t.Errorf("the orphan: %v, %v", state, err)
	}
	if b.wait(); len(b.lines()) != 1 {
		t.Errorf("the next job did not run: %s", b.logged())
	}
	b.wantLog("killed what an earlier devmgr left running in 77.1")
	b.Close()
	if left, _ := filepath.Glob(group + "/*/cgroup.procs"); len(left) > 0 {
		t.Errorf("groups are left: %q", left)
	}
}

// However many devices and jobs there are: each device's jobs are in order, and
// none is lost.
func TestManyDevices(t *testing.T) {
	b := newBench(t, actions.Config{})
	b.script("mark", `echo "$1" >>$OUT`)
	var jobs []actions.Job
	for i := range 100 {
		jobs = append(jobs, job(fmt.Sprintf("/devices/h%d/d%d", i%3, i%10), "mark", fmt.Sprintf("%d-%d", i%30, i)))
	}
	b.Add(jobs...)
	if s := b.wait(); s.Done != 100 || s.Waiting+s.Running > 0 {
		t.Errorf("status: %+v", s)
	}
	last := map[string]int{}
	for _, line := range b.lines() {
		var dev, n int
		fmt.Sscanf(line, "%d-%d", &dev, &n)
		key := fmt.Sprint(dev % 30)
		if n < last[key] {
			t.Errorf("%s ran after %d of its device", line, last[key])
		}
		last[key] = n
	}
}
