package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/qemu/qmp"
)

// fakeQEMU is a shell script in QEMU's place.
func fakeQEMU(t *testing.T, script string) Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return Config{Machine: "pc", Disk: "/nowhere/disk.img", BinaryPath: file, Artifacts: t.TempDir(), Logf: t.Logf}
}

func startFails(t *testing.T, c Config, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	m, err := Start(ctx, c)
	if err == nil {
		m.Close()
		t.Fatal("Start succeeded")
	}
	var harness *HarnessError
	if !errors.As(err, &harness) {
		t.Errorf("Start = %v, want a HarnessError", err)
	}
	return err
}

func TestStartSaysWhyQEMUEnded(t *testing.T) {
	err := startFails(t, fakeQEMU(t, "echo 'disk.img: No such file' >&2; exit 1\n"), time.Minute)
	if !strings.Contains(err.Error(), "exit status 1") || !strings.Contains(err.Error(), "disk.img: No such file") {
		t.Error(err)
	}
}

// A port that was taken since we tried it, or no KVM: QEMU closes QMP first
// and ends a little later.
func TestStartWaitsForQEMUsLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
		defer cancel()
		m := &Machine{exited: make(chan struct{}), stderr: &tailBuffer{}}
		time.AfterFunc(time.Second, func() {
			m.stderr.Write([]byte("Could not set up host forwarding rule"))
			close(m.exited)
			cancel()
		})
		err := m.startFailure(ctx, fmt.Errorf("greeting: %w", qmp.ErrClosed))
		if !strings.Contains(err.Error(), "QEMU ended at once") || !strings.Contains(err.Error(), "host forwarding") {
			t.Error(err)
		}
	})
}

func TestStartOfAQEMUThatHangs(t *testing.T) {
	err := startFails(t, fakeQEMU(t, "exec sleep 1000\n"), 200*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestStartWithoutQEMU(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := startFails(t, Config{Machine: "virt", Kernel: "x"}, time.Minute)
	if !errors.Is(err, ErrNoQEMU) || !strings.Contains(err.Error(), "qemu-system-arm") {
		t.Error(err)
	}
}

func TestStartLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := fakeQEMU(t, "exit 0\n")
	startFails(t, c, time.Minute)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "slashdev-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestShellLine(t *testing.T) {
	got := shellLine("qemu", []string{"-append", "console=ttyS0 x='y'", "-m", "512", ""})
	want := `qemu -append 'console=ttyS0 x='\''y'\''' -m 512 ''` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestErrorsNameTheArtifacts(t *testing.T) {
	boot := &BootError{Reason: "Kernel panic", Tail: "a\nb", Artifacts: "/tmp/x"}
	want := "guest: Kernel panic\nend of the console:\n    a\n    b\nconsole, command line and QMP state: /tmp/x"
	if boot.Error() != want {
		t.Errorf("got:\n%s", boot)
	}
	cause := errors.New("broken pipe")
	if harness := (&HarnessError{Op: "send", Err: cause}); !errors.Is(harness, cause) {
		t.Error("the cause of a HarnessError is lost")
	}
}

func TestAnswerFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache", "accel")
	if err := writeAnswer(file, "boot1 QEMU 7", TCG); err != nil {
		t.Fatal(err)
	}
	if accel, ok := readAnswer(file, "boot1 QEMU 7"); !ok || accel != TCG {
		t.Errorf("read %q, %v", accel, ok)
	}
	for _, key := range []string{"boot2 QEMU 7", "boot1 QEMU 8", "", "boot1"} {
		if accel, ok := readAnswer(file, key); ok {
			t.Errorf("key %q got %q", key, accel)
		}
	}
	if err := os.WriteFile(file, []byte("boot1 QEMU 7\nhvf\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := readAnswer(file, "boot1 QEMU 7"); ok {
		t.Error("an unknown accelerator was read")
	}
}

func TestChooseObeysTheEnvironment(t *testing.T) {
	p := Probe{Machine: "pc", CacheDir: t.TempDir()}
	t.Setenv("SLASHDEV_ACCEL", "kvm")
	if accel, err := p.Choose(t.Context()); err != nil || accel != KVM {
		t.Errorf("kvm: %q, %v", accel, err)
	}
	t.Setenv("SLASHDEV_ACCEL", "hvf")
	if _, err := p.Choose(t.Context()); err == nil {
		t.Error("hvf was taken")
	}
}
