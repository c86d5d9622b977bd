package qemu_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These tests start a program that takes all there is of something, as root,
// and then want what a person wants who stands in front of the machine: the
// console answers, the other programs run on, and svc why names the culprit.

// besiege boots a machine with a ticker and a bomb of this kind that has these
// keys of Slashdev.Programs, and lights it. more goes to QEMU.
func besiege(t *testing.T, machine, kind, keys string, more ...string) *box {
	t.Helper()
	b := bootBox(t, machine, fmt.Sprintf(`{
		"Hostname": "box",
		"GokrazyPackages": [],
		"Packages": ["slashdev/qemu/testdata/ticker", "slashdev/qemu/testdata/bomb"],
		"PackageConfig": {"slashdev/qemu/testdata/bomb": {"CommandLineFlags": [%q], "DontStart": true}},
		"Slashdev": {"Version": 1, "Shell": {"Mode": "open"}, "Programs": {"slashdev/qemu/testdata/bomb": {%s}}}
	}`, kind, keys), more...)
	b.tick(0)
	b.run("svc start bomb")
	return b
}

// tick waits until the ticker's last line in the log has a number above n.
func (b *box) tick(n int) int {
	b.t.Helper()
	for {
		_, after, _ := strings.Cut(b.run("svc log -n 1 ticker"), "tick ")
		if last, _ := strconv.Atoi(strings.TrimSpace(after)); last > n {
			return last
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("the ticker stays at %d", n)
		}
	}
}

// survives wants a living console and ticker, and PID 1 to end the machine in
// good order.
func (b *box) survives() {
	b.t.Helper()
	began := time.Now()
	b.run("cat /proc/version") // a new process
	b.t.Logf("a command took %.1f s", time.Since(began).Seconds())
	n := b.tick(0)
	b.tick(b.tick(n))
	if got := b.run("svc status ticker"); !strings.Contains(got, "up") {
		b.t.Errorf("the ticker: %s", got)
	}
}

// end stops the bomb and powers off.
func (b *box) end() {
	b.t.Helper()
	b.run("svc stop bomb")
	b.until("svc status bomb", "down")
	if err := b.m.PowerOff(b.ctx); err != nil {
		b.t.Error(err)
	}
}

func TestE01_ForkBombLeavesTheConsoleUsable(t *testing.T) {
	t.Parallel()
	b := besiege(t, "pc", "fork", `"StopTimeout": "1s"`)
	b.until("svc why bomb", "out of processes: pids.max reached")
	b.survives()
	b.end()
}

// The kernel for PCs has no memory controller: what bounds a program there is
// its own limit or, without one, the choice of the kernel's OOM killer.
func TestE02_MemoryBombLeavesTheConsoleUsable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, machine, keys, command, want string }{
		// A dying Go program prints more lines than svc log shows by itself.
		{"limit", "pc", `"Limits": {"data": "96M"}`, "svc log -n 1000 bomb | grep 'fatal error'; true", "out of memory"},
		{"none", "pc", ``, "dmesg", "Out of memory: Killed process"},
		{"debian", "debian", `"Memory": "48M"`, "svc why bomb", "out of memory: memory.max reached"},
		{"cgroup", "virt", `"Memory": "48M"`, "svc why bomb", "out of memory: memory.max reached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := besiege(t, c.machine, "memory", c.keys)
			b.until(c.command, c.want)
			b.survives()
			b.until("svc why bomb", "times in a row") // it is a crash, and the crashes have an end
			if got := b.run("svc ls"); !regexp.MustCompile(`devmgr +up +\d+ +\S+ +0 `).MatchString(got) {
				t.Errorf("devmgr was hit:\n%s", got)
			}
			b.end()
		})
	}
}

func TestE06_BusyRealTimeProgramLeavesTheConsoleUsable(t *testing.T) {
	t.Parallel()
	for _, cores := range []string{"1", "2"} {
		t.Run(cores, func(t *testing.T) {
			b := besiege(t, "pc", "fifo", `"StopTimeout": "1s"`, "-smp", cores)
			b.until("svc log bomb", "bomb: fifo")
			b.survives()
			b.end()
		})
	}
}
