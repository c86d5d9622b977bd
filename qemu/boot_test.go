package qemu

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"
)

// These tests boot real kernels with a tiny init of their own (testdata/guest),
// so that a failure here is the harness's and nobody else's.

func needQEMU(t *testing.T, machine string) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	if err := CheckQEMU(machine); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("needs QEMU: %v", err)
	}
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Fatalf("go list -m %s: %q, %v", module, out, err)
	}
	return dir
}

// guestConfig returns a machine that starts the test init directly.
func guestConfig(t *testing.T, machine, words string) Config {
	t.Helper()
	needQEMU(t, machine)
	arch, err := Arch(machine)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := ConsoleWord(machine)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Machine: machine, Initrd: guestInitrd(t, arch), Logf: t.Logf, Artifacts: t.ArtifactDir(),
		Cmdline: "console=" + serial + " quiet panic=1 " + words}
	switch machine {
	case "virt":
		c.Kernel = filepath.Join(moduleDir(t, "github.com/gokrazy/kernel.arm64"), "vmlinuz")
	case "rpi3":
		dir := moduleDir(t, "github.com/gokrazy/kernel.rpi")
		c.Kernel, c.DTB = filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "bcm2710-rpi-3-b.dtb")
		c.Cmdline += " dwc_otg.fiq_enable=0 dwc_otg.fiq_fsm_enable=0 dwc_otg.nak_holdoff=0"
	default:
		c.Kernel = filepath.Join(moduleDir(t, "github.com/gokrazy/kernel.amd64"), "vmlinuz")
	}
	return c
}

func guestInitrd(t *testing.T, arch string) string {
	t.Helper()
	dir := t.TempDir()
	init := filepath.Join(dir, "init")
	build := exec.Command("go", "build", "-o", init, "./testdata/guest")
	build.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	program, err := os.ReadFile(init)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	err = cpio.WriteRecords(cpio.Newc.Writer(&archive), []cpio.Record{
		cpio.Directory("dev", 0o755), cpio.Directory("proc", 0o755), cpio.Directory("sys", 0o755),
		cpio.CharDev("dev/console", 0o600, 5, 1), cpio.CharDev("dev/null", 0o666, 1, 3),
		cpio.StaticFile("init", string(program), 0o755),
		cpio.StaticRecord(nil, cpio.Info{Name: cpio.Trailer}),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "initrd")
	if err := os.WriteFile(file, archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func start(t *testing.T, c Config) (*Machine, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), c.Scale(time.Minute))
	t.Cleanup(cancel)
	m, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, ctx
}

func login(t *testing.T, c Config) (*Machine, context.Context) {
	t.Helper()
	m, ctx := start(t, c)
	if err := m.Login(ctx, ""); err != nil {
		t.Fatal(err)
	}
	return m, ctx
}

// run runs a command that must succeed.
func run(t *testing.T, ctx context.Context, m *Machine, command string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status, err := m.Run(ctx, command, &stdout, &stderr)
	if err != nil || status != 0 {
		t.Fatalf("%s: status %d, %v: %s", command, status, err, stderr.String())
	}
	return stdout.String()
}

func TestMachinesBootAndPowerOff(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"pc":   {"/sys/class/net/eth0", "/sys/bus/usb/devices/usb1"},
		"virt": {"/sys/class/net/eth0", "/sys/bus/usb/devices/usb1"},
		"rpi3": {"/sys/class/net/usb0", "/sys/bus/usb/devices/usb1", "/sys/class/block/mmcblk0"},
	}
	for _, machine := range []string{"pc", "virt", "rpi3"} {
		t.Run(machine, func(t *testing.T) {
			c := guestConfig(t, machine, "")
			if machine == "rpi3" {
				c.Disk, c.Snapshot = sparse(t, 64<<20), true
			}
			m, ctx := login(t, c)
			for _, path := range want[machine] {
				run(t, ctx, m, "await "+path)
			}
			if err := m.PowerOff(ctx); err != nil {
				t.Fatal(err)
			}
			if got := m.ShutdownReason(); got != "guest-shutdown" {
				t.Errorf("shutdown reason %q", got)
			}
		})
	}
}

func sparse(t *testing.T, size int64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRunIsByteExact(t *testing.T) {
	t.Parallel()
	m, ctx := login(t, guestConfig(t, "pc", ""))
	var stdout, stderr bytes.Buffer
	status, err := m.Run(ctx, "both", &stdout, &stderr)
	if err != nil || status != 0 || stdout.String() != "out\x00\x1b[31m\n" || stderr.String() != "err\n" {
		t.Errorf("both: %d, %v, %q, %q", status, err, stdout.String(), stderr.String())
	}
	if status, err := m.Run(ctx, "exit 42", &stdout, &stderr); err != nil || status != 42 {
		t.Errorf("exit 42: %d, %v", status, err)
	}
	if got := run(t, ctx, m, "cat /proc/version"); !strings.HasPrefix(got, "Linux version ") {
		t.Errorf("version %q", got)
	}
	long := run(t, ctx, m, "cat /proc/config.gz")
	if !strings.HasPrefix(long, "\x1f\x8b") || len(long) < 20000 {
		t.Errorf("config.gz: %d bytes", len(long))
	}
	// A frame that is not whole is the harness's failure, not the command's.
	_, err = m.Run(ctx, "damage", &stdout, &stderr)
	var harness *HarnessError
	if !errors.As(err, &harness) || !errors.Is(err, ErrDamagedFrame) {
		t.Errorf("damage: %v", err)
	}
}

func TestRebootIsSeen(t *testing.T) {
	t.Parallel()
	c := guestConfig(t, "pc", "")
	c.Reboot = true
	m, ctx := login(t, c)
	if err := m.Reboot(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.Login(ctx, ""); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, m, "ls /")
	if err := m.PowerOff(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestP01_GuestDeathIsABootError: QEMU exits 0 after each of these.
func TestP01_GuestDeathIsABootError(t *testing.T) {
	t.Parallel()
	cases := []struct{ words, want string }{
		{"guest=panic", "Kernel panic"},
		{"guest=off", "guest-shutdown"},
		// The kernel has no console, the guest dies or lives unheard.
		{"guest=panic console=ttyS9", "guest-reset"},
	}
	for _, c := range cases {
		t.Run(c.words, func(t *testing.T) {
			config := guestConfig(t, "pc", c.words)
			if strings.Contains(c.words, "ttyS9") {
				config.Cmdline = strings.Replace(config.Cmdline, "console=ttyS0", "", 1)
			}
			m, ctx := start(t, config)
			err := m.Login(ctx, "")
			var boot *BootError
			if !errors.As(err, &boot) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Login = %v, want a BootError with %q", err, c.want)
			}
			for _, name := range []string{"console.log", "command-line.txt", "qmp-state.json"} {
				info, err := os.Stat(filepath.Join(boot.Artifacts, name))
				if err != nil || info.Size() == 0 && name != "console.log" {
					t.Errorf("artifact %s: %v", name, err)
				}
			}
		})
	}
}

func TestSilentGuestTimesOut(t *testing.T) {
	c := guestConfig(t, "pc", "guest=silent")
	m, _ := start(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := m.Login(ctx, "")
	var boot *BootError
	if !errors.As(err, &boot) || !boot.Timeout {
		t.Fatalf("Login = %v, want a BootError by time", err)
	}
}

func TestKilledQEMUIsAHarnessError(t *testing.T) {
	m, ctx := login(t, guestConfig(t, "pc", ""))
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err := m.Expect(ctx, regexp.MustCompile("never"))
	var harness *HarnessError
	if !errors.As(err, &harness) {
		t.Fatalf("Expect = %v, want a HarnessError", err)
	}
}

// TestProbeSeesALivingGuest shows that the probe can say yes: TCG runs kernels.
func TestProbeSeesALivingGuest(t *testing.T) {
	needQEMU(t, "pc")
	binary, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	kernel := filepath.Join(moduleDir(t, "github.com/gokrazy/kernel.amd64"), "vmlinuz")
	if err := tryGuest(t.Context(), binary, kernel, TCG); err != nil {
		t.Fatal(err)
	}
}

// TestProbeRemembers asks the host's KVM, whatever its answer is.
func TestProbeRemembers(t *testing.T) {
	needQEMU(t, "pc")
	if _, err := os.Stat("/dev/kvm"); err != nil {
		t.Skip("needs /dev/kvm: there is nothing to ask")
	}
	t.Setenv("SLASHDEV_ACCEL", "")
	said := 0
	p := Probe{Machine: "pc", Kernel: filepath.Join(moduleDir(t, "github.com/gokrazy/kernel.amd64"), "vmlinuz"),
		CacheDir: t.TempDir(), Logf: func(format string, args ...any) { said++; t.Logf(format, args...) }}
	first, err := p.Choose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	second, err := p.Choose(t.Context())
	if err != nil || second != first {
		t.Errorf("asked again: %s, %v; first %s", second, err, first)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the remembered answer took %v", took)
	}
	if said != 1 {
		t.Errorf("it said %d lines, want one, the first time only", said)
	}
}
