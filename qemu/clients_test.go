package qemu_test

import (
	"bytes"
	"context"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"slashdev/image"
	"slashdev/qemu"
)

// client is a way to end the machine with somebody else's program: what is done
// before, what is then typed, and how QEMU says that it ended.
type client struct {
	name   string
	words  string   // on the kernel command line
	before []string // commands that must succeed, and leave the machine up
	send   string   // empty: Ctrl-Alt-Del at the keyboard
	direct bool     // PID 1 never hears of it: nothing stops
	ends   string   // QEMU's reason; halted: the kernel says so, and QEMU stays
}

const (
	powersOff = "guest-shutdown"
	resets    = "guest-reset"
	halts     = "halted"
)

// Tools of others lie in /other: their names are those of ours.
var clients = []client{
	{name: "SysvinitTelinit6", send: "/other/telinit -t 4 6", ends: resets, before: []string{
		"/other/runlevel | grep '^N 3$'",
		"rm /run/initctl; kill -USR1 1; dev settle; ls /dev/initctl /run/initctl",
		"/other/telinit q",
		"echo garbage > /run/initctl; /other/telinit a",
		"svc status store | grep up",
	}},
	{name: "SysvinitShutdownH", send: "/other/shutdown -h now", ends: powersOff, before: []string{
		"/other/shutdown -k now really not",
		"/other/shutdown -h +600 & while ! ls /run/shutdown.pid; do sleep 1; done; shutdown -c; while ls /run/shutdown.pid; do sleep 1; done",
		"shutdown -r +600 & while ! ls /run/shutdown.pid; do sleep 1; done; /other/shutdown -c; while ls /run/shutdown.pid; do sleep 1; done",
	}},
	{name: "SysvinitShutdownR", send: "/other/shutdown -r now", ends: resets},
	{name: "SysvinitHalt", send: "/other/halt", ends: powersOff}, // it executes our shutdown -h
	{name: "BusyBoxHalt", send: "/other/busybox halt", ends: halts},
	{name: "BusyBoxPoweroff", send: "/other/busybox poweroff", ends: powersOff},
	{name: "BusyBoxReboot", send: "/other/busybox reboot", ends: resets},
	{name: "SystemdTelinit6", send: "/other/systemd/telinit 6", ends: resets, before: []string{
		"mkdir -p /run/systemd/system", // else it executes /lib/sysvinit/telinit
	}},
	// u-root's calls reboot(2) itself. A program may not; from the shell it is as
	// any tool's -f.
	{name: "UrootShutdown", send: "cd /; umount /mnt/disk; /other/uroot -h now", direct: true, ends: powersOff, before: []string{
		"svc start direct; while ! svc status direct | grep down; do sleep 1; done",
	}},
	{name: "CtrlAltDel", ends: resets},
	// A file system and swap in files on the disk: all that is above it goes first.
	{name: "StackedDisks", send: "shutdown -h now", ends: powersOff, before: []string{
		"cp /other/image /mnt/disk/image",
		"/other/busybox losetup /dev/loop0 /mnt/disk/image && mkdir -p /mnt/image && mount -t ext4 /dev/loop0 /mnt/image && echo x > /mnt/image/x",
		"head -c 4194304 /dev/zero > /mnt/disk/swap && /other/busybox mkswap /mnt/disk/swap && /other/busybox swapon /mnt/disk/swap",
		"shutdown --dry-run > /tmp/plan && grep 'stop logd' /tmp/plan && grep 'swapoff /mnt/disk/swap' /tmp/plan",
	}},
	{name: "StrictSysv", words: "init.signals=sysv", send: "/other/shutdown -h -P now", ends: powersOff, before: []string{
		"kill -TERM 1; kill -USR2 1; kill -37 1; kill -USR1 1; dev settle; ls /run/initctl",
	}},
	{name: "StrictBusyBox", words: "init.signals=busybox", send: "/other/busybox reboot", ends: resets, before: []string{
		"kill -37 1; kill -WINCH 1; dev settle",
	}},
	{name: "StrictSystemd", words: "init.signals=systemd", send: "kill -38 1", ends: powersOff, before: []string{
		"kill -TERM 1; kill -USR2 1; kill -QUIT 1; while ! dmesg | grep 'executed anew'; do sleep 1; done; dev settle",
	}},
}

// Real clients of other inits end the machine: each leads to its end, the
// programs stop in order, the disk is clean.
func TestClients(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	machine := clientsMachine(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) { c.run(t, machine) })
	}
}

func (c client) run(t *testing.T, config qemu.Config) {
	disk := ext4Disk(t, 64<<20)
	m, ctx := c.start(t, config, disk)
	if err := c.end(ctx, m); err != nil {
		t.Fatal(err)
	}
	c.expectEnd(t, ctx, m)
	if said := strings.Join(m.Console(), "\n"); strings.Contains(said, "teardown:") || strings.Contains(said, "init: unmount") {
		t.Errorf("something stayed mounted:\n%s", said)
	}
	if c.direct {
		expectOrder(t, m.Console(), "operation not permitted", "telinit: ok")
	} else {
		expectOrder(t, m.Console(), "hook: run level "+c.level(), "web: last words", "store: last words")
	}
	expectClean(t, disk)
}

// start boots the machine, mounts the disk and does what comes before.
func (c client) start(t *testing.T, config qemu.Config, disk string) (*qemu.Machine, context.Context) {
	t.Helper()
	config.Extra = []string{"-drive", "if=virtio,format=raw,file=" + disk}
	config.Cmdline = "console=ttyS0 quiet panic=1 " + c.words
	config.Artifacts = t.ArtifactDir()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	m, err := qemu.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Login(ctx, ""); err != nil {
		t.Fatal(err)
	}
	mount := "mkdir -p /mnt/disk && mount /dev/vda /mnt/disk && head -c 9000000 /dev/zero > /mnt/disk/file"
	for _, command := range append([]string{mount}, c.before...) {
		var out bytes.Buffer
		status, err := m.Run(ctx, command, &out, &out)
		if err != nil || status != 0 {
			t.Fatalf("%s: status %d, %v: %s", command, status, err, out.String())
		}
	}
	return m, ctx
}

// end types the command; the shell keeps the disk busy.
func (c client) end(ctx context.Context, m *qemu.Machine) error {
	if c.send != "" {
		return m.Send("cd /mnt/disk; " + c.send + "\r")
	}
	type key struct {
		Type string `json:"type"`
		Data string `json:"data"`
	}
	keys := map[string][]key{"keys": {{"qcode", "ctrl"}, {"qcode", "alt"}, {"qcode", "delete"}}}
	return m.QMP.Execute(ctx, "send-key", keys, nil)
}

// level is the run level in which the hooks run.
func (c client) level() string {
	if c.ends == resets {
		return "6"
	}
	return "0"
}

func (c client) expectEnd(t *testing.T, ctx context.Context, m *qemu.Machine) {
	t.Helper()
	if c.ends == halts {
		if _, err := m.Expect(ctx, regexp.MustCompile(`reboot: System halted`)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := m.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if got := m.ShutdownReason(); got != c.ends {
		t.Errorf("QEMU's reason is %q, want %q:\n%s", got, c.ends, strings.Join(m.Console(), "\n"))
	}
}

// expectOrder wants the lines on the console, in this order.
func expectOrder(t *testing.T, console []string, wanted ...string) {
	t.Helper()
	for _, line := range console {
		if len(wanted) > 0 && strings.Contains(line, wanted[0]) {
			wanted = wanted[1:]
		}
	}
	if len(wanted) > 0 {
		t.Errorf("%q does not come in its turn:\n%s", wanted[0], strings.Join(console, "\n"))
	}
}

func ext4Disk(t *testing.T, size int64, options ...string) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(disk, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, size); err != nil {
		t.Fatal(err)
	}
	if out, err := hostTool("mke2fs", append([]string{"-q", "-t", "ext4", disk}, options...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return disk
}

// expectClean wants a file system that was mounted, written and unmounted.
func expectClean(t *testing.T, disk string) {
	t.Helper()
	out, err := hostTool("dumpe2fs", "-h", disk).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for want, is := range map[string]bool{`Filesystem state: +clean\n`: true, `needs_recovery`: false, `Mount count: +1\n`: true} {
		if regexp.MustCompile(want).Match(out) != is {
			t.Errorf("dumpe2fs: %q is %v:\n%s", want, !is, out)
		}
	}
}

// hostTool finds a program that is not on a user's PATH.
func hostTool(name string, args ...string) *exec.Cmd {
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return exec.Command(filepath.Join(dir, name), args...)
		}
	}
	return exec.Command(name, args...)
}

// clientsMachine builds an appliance of two programs with the tools of others
// in /other and the libraries that these need.
func clientsMachine(t *testing.T) qemu.Config {
	t.Helper()
	root := repoRoot(t)
	from := filepath.Join(root, "bin/parts/clients")
	if _, err := os.Stat(from); err != nil {
		t.Skipf("needs bin/parts: %v", err)
	}
	libraries := librariesIn(t, filepath.Join(from, "lib"))
	hook := filepath.Join(t.TempDir(), "10-say")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho \"<1>hook: run level $RUNLEVEL\" > /dev/kmsg\necho hook: run level $RUNLEVEL > /dev/ttyS0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	add := []image.Extra{{File: hook, Path: "/etc/slashdev/shutdown.d/10-say"}, {File: buildProgram(t, "github.com/u-root/u-root/cmds/core/shutdown"), Path: "/other/uroot"}, {File: ext4Disk(t, 8<<20), Path: "/other/image"}}
	for to, file := range map[string]string{
		"/other/telinit": "sysvinit/sbin/telinit", "/other/runlevel": "sysvinit/sbin/runlevel",
		"/other/shutdown": "sysvinit/sbin/shutdown", "/other/halt": "sysvinit/sbin/halt",
		"/other/busybox": "busybox/bin/busybox", "/other/systemd/telinit": "systemd/bin/systemctl",
	} {
		file, err := filepath.EvalSymlinks(filepath.Join(from, file))
		if err != nil {
			t.Fatal(err)
		}
		add = append(add, image.Extra{File: file, Path: to})
		add = needed(t, libraries, file, add)
	}
	return appliance(t, add)
}

// appliance builds the two programs into an image, with these files.
func appliance(t *testing.T, add []image.Extra) qemu.Config {
	t.Helper()
	root := repoRoot(t)
	result, err := image.Build(t.Context(), image.Options{
		Appliance: filepath.Join(root, "qemu/testdata/clients"), Target: "initramfs", Arch: "amd64", Board: "pc",
		Output: filepath.Join(t.TempDir(), "clients.cpio.gz"), Add: add,
		Parts: filepath.Join(root, "bin/parts"), Binaries: filepath.Join(root, "bin"), Logf: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	return qemu.Config{Machine: "pc", Kernel: result.Kernel, Initrd: result.Initrd, Logf: t.Logf}
}

func buildProgram(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-o", program, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// librariesIn finds all shared libraries below a folder, by name.
func librariesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".so") {
			found[d.Name()] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// needed adds the libraries of a program, and theirs.
func needed(t *testing.T, libraries map[string]string, file string, add []image.Extra) []image.Extra {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		to := "/lib/x86_64-linux-gnu/" + name
		if strings.HasPrefix(name, "ld-linux") {
			to = "/lib64/" + name
		}
		if slices.ContainsFunc(add, func(x image.Extra) bool { return x.Path == to }) {
			continue
		}
		library, err := filepath.EvalSymlinks(libraries[name])
		if err != nil {
			t.Fatalf("%s needs %s: %v", file, name, err)
		}
		add = needed(t, libraries, library, append(add, image.Extra{File: library, Path: to}))
	}
	return add
}

// A loaded kernel is started after a clean end; QEMU sees no reset in between.
// It has no root file system, says what it was told and panics.
func TestKexec(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	kernel, err := filepath.EvalSymlinks(filepath.Join(repoRoot(t), "bin/parts/kernel.amd64/vmlinuz"))
	if err != nil {
		t.Skipf("needs bin/parts: %v", err)
	}
	config := appliance(t, []image.Extra{
		{File: kernel, Path: "/other/vmlinuz"}, {File: buildProgram(t, "./testdata/clients/load"), Path: "/other/load"},
	})
	config.Quiet = true // a panic is what comes
	disk := ext4Disk(t, 64<<20)
	c := client{ends: resets, send: "reboot --kexec", before: []string{"/other/load && grep 1 /sys/kernel/kexec_loaded"}}
	m, ctx := c.start(t, config, disk)
	if err := c.end(ctx, m); err != nil {
		t.Fatal(err)
	}
	c.expectEnd(t, ctx, m)
	// Who writes to one line at the same time may come in any order.
	expectOrder(t, m.Console(), "init: kexec (asked for)", "init: kexec now", "second=kernel")
	expectOrder(t, m.Console(), "web: last words", "store: last words", "init: kexec now")
	expectClean(t, disk)
}
