package qemu_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"slashdev/qemu"
)

// talkTo boots the beacon appliance with a watchdog of 20 s and logs in.
func talkTo(t *testing.T, c qemu.Config) (*qemu.Machine, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	m, err := qemu.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Login(ctx, ""); err != nil {
		t.Fatal(err)
	}
	return m, ctx
}

func watched(t *testing.T) qemu.Config {
	t.Helper()
	c := beaconMachine(t, repoRoot(t)+"/bin")
	c.Watchdog, c.Cmdline = true, "console=ttyS0 quiet panic=1 init.watchdog=20"
	return c
}

// say runs a command that must succeed.
func say(t *testing.T, ctx context.Context, m *qemu.Machine, command string) string {
	t.Helper()
	var out, bad bytes.Buffer
	if status, err := m.Run(ctx, command, &out, &bad); err != nil || status != 0 {
		t.Fatalf("%s: status %d, %v: %s", command, status, err, bad.String())
	}
	return out.String()
}

// M13: a device manager that hangs is replaced, and the machine, whose watchdog
// would have fired in this time, lives on.
func TestM13_HungDevmgrIsReplaced(t *testing.T) {
	t.Parallel()
	m, ctx := talkTo(t, watched(t))
	if console := strings.Join(m.Console(), "\n"); !strings.Contains(console, "init: watchdog armed: the machine is reset after 20 s of silence") {
		t.Errorf("the watchdog was not armed: %s", console)
	}
	say(t, ctx, m, "kill -STOP $(cat /sys/fs/cgroup/slashdev/devmgr/0/cgroup.procs)")
	if _, err := m.Expect(ctx, regexp.MustCompile(`init: devmgr: no sign of life: stopped`)); err != nil {
		t.Fatal(err)
	}
	say(t, ctx, m, "until dev settle 2>/dev/null; do sleep 1; done; dev ls")
	if list := say(t, ctx, m, "svc ls"); !regexp.MustCompile(`(?m)^devmgr\s.*\b1\b`).MatchString(list) {
		t.Errorf("devmgr was not started again:\n%s", list)
	}
	if err := m.PowerOff(ctx); err != nil {
		t.Error(err)
	}
}

// M13: a PID 1 that hangs feeds the watchdog no more. Nobody can stop it by a
// signal; the freezer of its control group can.
func TestM13_HungInitIsReset(t *testing.T) {
	t.Parallel()
	m, ctx := talkTo(t, watched(t))
	say(t, ctx, m, "mkdir /sys/fs/cgroup/ice && echo 1 > /sys/fs/cgroup/ice/cgroup.procs")
	if err := m.Send("echo 1 > /sys/fs/cgroup/ice/cgroup.freeze\r"); err != nil {
		t.Fatal(err)
	}
	_, err := m.Expect(ctx, regexp.MustCompile("the machine goes on"))
	var boot *qemu.BootError
	if !errors.As(err, &boot) || !strings.Contains(err.Error(), "the watchdog fired: reset") {
		t.Errorf("got %v, want a reset by the watchdog", err)
	}
}

// A PID 1 that has executed itself anew feeds the same watchdog: with it closed,
// or fed no more, the machine would be reset in this time.
func TestReexecKeepsTheWatchdog(t *testing.T) {
	m, ctx := talkTo(t, watched(t))
	say(t, ctx, m, "kill -QUIT 1")
	if _, err := m.Expect(ctx, regexp.MustCompile(`init: executed anew`)); err != nil {
		t.Fatal(err)
	}
	if open := say(t, ctx, m, "ls -l /proc/1/fd"); strings.Count(open, "/devices/watchdog0") != 1 {
		t.Errorf("descriptors of PID 1: %s", open)
	}
	say(t, ctx, m, "sleep 50; svc ls")
}
