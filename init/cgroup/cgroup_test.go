package cgroup

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"slashdev/init/linux/linuxtest"
	"slashdev/init/plan"
)

const life = "/sys/fs/cgroup/slashdev/x/3"

// machine has room for 1,000 processes, and fails the writes to some files.
type machine struct {
	linuxtest.Kernel
	errs map[string]error
}

func newMachine(errs map[string]error) *machine {
	files := map[string]string{"/proc/sys/kernel/threads-max": "1000\n"}
	return &machine{linuxtest.Kernel{Files: files}, errs}
}

func (m *machine) Write(path, text string) error {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if err := m.errs[name]; err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return m.Kernel.Write(path, text)
}

func TestSettings(t *testing.T) {
	k := newMachine(nil)
	if err := Make(k, life); err != nil {
		t.Fatal(err)
	}
	if refused := Bound(k, life, []plan.Setting{{File: "memory.max", Value: "64000000"}, {File: "pids.max", Value: "5"}}); refused != nil {
		t.Errorf("refused: %q", refused)
	}
	want := `mkdir /sys/fs/cgroup/slashdev/x 755
mkdir /sys/fs/cgroup/slashdev/x/3 755
write /sys/fs/cgroup/cgroup.subtree_control "+pids"
write /sys/fs/cgroup/slashdev/cgroup.subtree_control "+pids"
write /sys/fs/cgroup/slashdev/x/cgroup.subtree_control "+pids"
write /sys/fs/cgroup/slashdev/pids.max "750"
write /sys/fs/cgroup/slashdev/x/3/pids.max "250"
write /sys/fs/cgroup/cgroup.subtree_control "+memory"
write /sys/fs/cgroup/slashdev/cgroup.subtree_control "+memory"
write /sys/fs/cgroup/slashdev/x/cgroup.subtree_control "+memory"
write /sys/fs/cgroup/slashdev/x/3/memory.max "64000000"
write /sys/fs/cgroup/slashdev/x/3/memory.oom.group "1"
write /sys/fs/cgroup/cgroup.subtree_control "+pids"
write /sys/fs/cgroup/slashdev/cgroup.subtree_control "+pids"
write /sys/fs/cgroup/slashdev/x/cgroup.subtree_control "+pids"
write /sys/fs/cgroup/slashdev/pids.max "750"
write /sys/fs/cgroup/slashdev/x/3/pids.max "5"`
	if got := strings.Join(k.Log(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatTheKernelLacksIsTold(t *testing.T) {
	k := newMachine(map[string]error{
		"cgroup.subtree_control": syscall.EINVAL, "memory.max": syscall.ENOENT, "cpu.max": syscall.EINVAL, "pids.max": syscall.EBUSY,
	})
	got := strings.Join(Bound(k, life, []plan.Setting{
		{File: "memory.max", Value: "1"}, {File: "cpu.max", Value: "5000 10000"}, {File: "cgroup.max.depth", Value: "1"},
	}), "\n")
	want := `pids.max 250: not in force: write pids.max: device or resource busy
memory.max 1: not in force: this kernel does not know it, or has its controller memory switched off
cpu.max 5000 10000: not in force: write cpu.max: invalid argument`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDisksHaveNames: their numbers change from boot to boot.
func TestDisksHaveNames(t *testing.T) {
	for value, want := range map[string]string{
		"sda rbps=5":  `write /sys/fs/cgroup/slashdev/x/3/io.max "8:0 rbps=5"`,
		"8:16 wbps=1": `write /sys/fs/cgroup/slashdev/x/3/io.max "8:16 wbps=1"`,
		"sdb rbps=5":  "io.max sdb rbps=5: not in force: no disk sdb",
	} {
		k := newMachine(nil)
		k.Files["/sys/class/block/sda/dev"] = "8:0\n"
		refused := Bound(k, life, []plan.Setting{{File: "io.max", Value: value}})
		if got := append(k.Log(), refused...); !slices.Contains(got, want) {
			t.Errorf("%s: %q, want %s", value, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	for text, want := range map[string]int{"1000\n": 1000, "99999": 32768, "": 32768} {
		k := &linuxtest.Kernel{Files: map[string]string{"/proc/sys/kernel/threads-max": text}}
		if got := limit(k); got != want {
			t.Errorf("%q: %d processes, want %d", text, got, want)
		}
	}
}

func TestEvents(t *testing.T) {
	k := &linuxtest.Kernel{Files: map[string]string{
		"/g/memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n",
		"/g/pids.events":   "max 77\n",
		"/h/pids.events":   "max 0\n",
	}}
	want := []string{"out of memory: memory.max reached (oom_kill 2)", "out of processes: pids.max reached (max 77)"}
	if got := Events(k, "/g"); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := Events(k, "/h"); got != nil {
		t.Errorf("got %q", got)
	}
}
