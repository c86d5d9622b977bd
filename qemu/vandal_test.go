package qemu_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

// P-15, P-05: a program that lets the clock jump and ends at once is started
// again all the same, the watchdog is fed; and when PID 1 itself is destroyed,
// as by a bad page of its file, the kernel reboots instead of hanging.
func TestVandal(t *testing.T) {
	t.Parallel()
	c := machineOf(t, repoRoot(t)+"/bin", "vandal")
	c.Watchdog, c.Cmdline = true, "console=ttyS0 quiet panic=1 init.watchdog=10"
	m, ctx := talkTo(t, c)
	ok := t.Run("P15_ClockJumpsStopNoTimer", func(t *testing.T) {
		if _, err := m.Expect(ctx, regexp.MustCompile(`vandal: life 9, <nil>, it is (1970|20)`)); err != nil {
			t.Fatal(err)
		}
		if list := say(t, ctx, m, "svc ls"); !strings.Contains(list, "vandal") {
			t.Errorf("svc ls: %s", list)
		}
	})
	if !ok {
		return
	}
	t.Run("P05_DeadInitIsAReboot", func(t *testing.T) {
		if err := m.Send("/user/vandal crash\r"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err := m.Expect(ctx, regexp.MustCompile("the machine goes on"))
		if err == nil || !strings.Contains(strings.Join(m.Console(), "\n"), "Attempted to kill init!") {
			t.Fatalf("PID 1 survives without its memory: %v", err)
		}
		if err := m.Wait(ctx); err != nil || m.ShutdownReason() != "guest-reset" {
			t.Errorf("the machine ended by %q, %v; want a reset", m.ShutdownReason(), err)
		}
	})
}
