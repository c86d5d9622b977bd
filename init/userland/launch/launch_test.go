package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/init/plan"
)

// TestMain is also what is launched ("report"), and the launch itself when
// the environment says so.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "report":
		report()
	case os.Getenv("LAUNCH") != "":
		fmt.Fprintf(os.Stderr, "launch: %v\n", Self())
		os.Exit(Status)
	default:
		os.Exit(m.Run())
	}
}

// report prints what the kernel says about this process.
func report() {
	for _, file := range []string{"status", "limits", "mountinfo", "environ"} {
		text, _ := os.ReadFile("/proc/self/" + file)
		os.Stdout.WriteString(strings.ReplaceAll(string(text), "\x00", "\n"))
	}
	dir, _ := os.Getwd()
	fmt.Println("cwd", dir)
	fmt.Println("pid", os.Getpid())
	for fd := range 64 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			fmt.Println("fd", fd)
		}
	}
	fmt.Println("write sysctl", os.WriteFile("/proc/sys/kernel/core_pattern", nil, 0))
}

// launched runs the report as the program of these plan lines ("P" is its
// name), with more descriptors above the entry's, and returns its words.
func launched(t *testing.T, lines string, env []string, more ...*os.File) (string, error) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: ids, capabilities and mounts are root's to change")
	}
	self := filepath.Join(t.TempDir(), "report") // where nobody may read it
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(self); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(self, program, 0o755); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("slashdev-plan 1\nprogram P " + self + " report\n" + lines); err != nil {
		t.Fatal(err)
	}
	w.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append([]string{"LAUNCH=1", "USER=root"}, env...)
	cmd.ExtraFiles = append([]*os.File{r}, more...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func wantLines(t *testing.T, out string, want ...string) {
	t.Helper()
	got := strings.Split(out, "\n")
	for i, l := range got {
		got[i] = strings.Join(strings.Fields(l), " ")
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no line %q in\n%s", w, out)
		}
	}
}

func TestUserLosesEveryRight(t *testing.T) {
	out, err := launched(t, "user P 54321 1001 20 44\ndir P /proc\n", nil)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantLines(t, out, "Uid: 54321 54321 54321 54321", "Gid: 1001 1001 1001 1001", "Groups: 20 44",
		"CapPrm: 0000000000000000", "CapEff: 0000000000000000", "CapAmb: 0000000000000000",
		"NoNewPrivs: 1", "USER=54321", "cwd /proc")
}

func TestCapabilitiesAreExactlyThoseListed(t *testing.T) {
	const raw = "0000000000002000"
	out, err := launched(t, "user P 65534 65534\ncapabilities P cap_net_raw\n", nil)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantLines(t, out, "Uid: 65534 65534 65534 65534", "CapInh: "+raw, "CapPrm: "+raw, "CapEff: "+raw,
		"CapBnd: "+raw, "CapAmb: "+raw, "USER=nobody")
	out, err = launched(t, "capabilities P cap_net_raw\n", nil) // root as well
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantLines(t, out, "Uid: 0 0 0 0", "CapPrm: "+raw, "CapEff: "+raw, "CapBnd: "+raw, "NoNewPrivs: 0")
}

func TestRebootStaysWithPID1(t *testing.T) {
	out, err := launched(t, "limit P nofile 64 128\n", nil)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, after, _ := strings.Cut(out, "CapEff:\t")
	set, err := strconv.ParseUint(strings.Fields(after)[0], 16, 64)
	if err != nil || set&(1<<unix.CAP_SYS_BOOT) != 0 || set&(1<<unix.CAP_CHOWN) == 0 {
		t.Errorf("effective capabilities %x, %v", set, err)
	}
	out, err = launched(t, "capabilities P cap_sys_boot\n", nil)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantLines(t, out, "CapEff: 0000000000400000")
}

func TestLimits(t *testing.T) {
	const lines = "limit P nofile 64 128\nlimit P core 0 unlimited\nlimit P as 2000000000 2000000000\nlimit P nproc 100 100\n"
	out, err := launched(t, lines, nil)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantLines(t, out, "Max processes 100 100 processes", "Max core file size 0 unlimited bytes",
		"Max address space 2000000000 2000000000 bytes")
	if !strings.Contains(out, " 128                  files") { // Go raises the soft one for itself
		t.Errorf("the hard limit of nofile is not 128:\n%s", out)
	}
}

// A limit below what the launching process itself takes must reach the program.
func TestMemoryLimitBelowOurOwn(t *testing.T) {
	out, err := launched(t, "limit P as 1000000 1000000\n", nil)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strings.Contains(out, "launch:") && !strings.Contains(out, "exec ") {
		t.Errorf("%v: %s", err, out)
	}
	if strings.Contains(out, "goroutine") && strings.Contains(out, "launch.Self") {
		t.Errorf("the launch itself ran out of memory:\n%s", out)
	}
}

func TestS12_OnlyDeclaredDescriptors(t *testing.T) {
	extra, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	for _, c := range []struct {
		lines, env string
		want       string
	}{
		{"readonly P\n", "", "0 1 2"},
		{"readonly P\n", "LISTEN_FDS=2", "0 1 2 3 4"},
		{"ready P fd:5\n", "LISTEN_FDS=1", "0 1 2 3 5"},
	} {
		out, err := launched(t, c.lines, []string{c.env}, extra, extra, extra, extra, extra)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var fds []string
		pid := ""
		for l := range strings.Lines(out) {
			if fd, ok := strings.CutPrefix(l, "fd "); ok {
				fds = append(fds, strings.TrimSpace(fd))
			}
			if n, ok := strings.CutPrefix(l, "pid "); ok {
				pid = strings.TrimSpace(n)
			}
		}
		if got := strings.Join(fds, " "); got != c.want {
			t.Errorf("%q %q: descriptors %s, want %s", c.lines, c.env, got, c.want)
		}
		if c.env != "" {
			wantLines(t, out, "LISTEN_PID="+pid)
		}
	}
}

func TestA11_KernelSettingsAreReadOnly(t *testing.T) {
	out, err := launched(t, "readonly P\n", nil)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(out, "write sysctl open /proc/sys/kernel/core_pattern: read-only file system") {
		t.Errorf("core_pattern can be written:\n%s", out)
	}
	mounts := map[string]string{}
	for l := range strings.Lines(out) {
		if f := strings.Fields(l); len(f) > 6 {
			mounts[f[4]] = f[5]
		}
	}
	for _, dir := range []string{"/sys", "/proc/sys", "/proc/sysrq-trigger"} {
		if _, err := os.Stat(dir); err == nil && !strings.HasPrefix(mounts[dir], "ro") {
			t.Errorf("%s is mounted %q", dir, mounts[dir])
		}
	}
	for dir, options := range mounts {
		if strings.HasPrefix(dir, "/sys/") && !strings.HasPrefix(options, "ro") {
			t.Errorf("%s is mounted %s", dir, options)
		}
	}
}

// TestC05_WhatIsUnknownStartsNothing: it must not run with fewer limits or
// more rights instead.
func TestC05_WhatIsUnknownStartsNothing(t *testing.T) {
	for lines, want := range map[string]string{
		"capabilities P cap_everything\n": "launch: P: capability cap_everything: no such capability\n",
		"limit P files 1 1\n":             "launch: P: limit files: no such resource\n",
		"dir P /missing\n":                "launch: P: cd /missing: no such file or directory\n",
		"secret P\n":                      `launch: read the plan's entry: line 3: unknown key "secret": made by a newer builder?: PID 1 starts this` + "\n",
		"program P /missing\n":            "",
	} {
		out, err := launched(t, lines, nil)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != Status || want != "" && out != want {
			t.Errorf("%q: %v: %q, want %q", lines, err, out, want)
		}
	}
}

func TestSteps(t *testing.T) {
	p := &plan.Program{
		Name: "scan", Path: "/user/scan", Args: []string{"-v"}, ReadOnly: true, Dir: "/perm/scan", Ready: "fd:3",
		HasUser: true, UID: 1000, GID: 1001, Groups: []uint32{44}, HasCapabilities: true, Capabilities: []string{"cap_net_raw"},
		Limits: []plan.Limit{{Name: "as", Soft: 1 << 20, Hard: plan.Unlimited}, {Name: "nofile", Soft: 64, Hard: 64}},
	}
	list, err := steps(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `unshare --mount
mount --make-rprivate /
mount -o remount,bind,ro=recursive /sys
mount -o bind,ro /proc/sys /proc/sys
mount -o bind,ro /proc/sysrq-trigger /proc/sysrq-trigger
prlimit --nofile=64:64
umask 022
bounding set: cap_net_raw
setgroups 44
setgid 1001
setuid 1000
capabilities: cap_net_raw
no new privileges
cd /perm/scan
close all descriptors but 0 1 2 3
reserve memory
prlimit --as=1048576:unlimited
exec /user/scan -v
`
	var got strings.Builder
	for _, s := range list {
		got.WriteString(s.text + "\n")
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// TestEveryFailureEndsTheLaunch lets one step after the other fail.
func TestEveryFailureEndsTheLaunch(t *testing.T) {
	p := &plan.Program{Name: "x", Path: "/x", ReadOnly: true, HasUser: true, UID: 1, HasCapabilities: true, Capabilities: []string{"cap_kill"}}
	list, err := steps(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for bad := range list {
		var done int
		for i := range list {
			list[i].do = func() error {
				if done++; i == bad {
					return unix.EPERM
				}
				return nil
			}
		}
		err := run(list)
		if !errors.Is(err, unix.EPERM) || done != bad+1 || !strings.HasPrefix(err.Error(), list[bad].text) {
			t.Errorf("%s fails: %v after %d steps", list[bad].text, err, done)
		}
	}
}
