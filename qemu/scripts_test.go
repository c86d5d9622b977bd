package qemu_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slashdev/qemu"
)

// slashdevProgram is bin/slashdev, with what it needs beside it.
func slashdevProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	program, err := filepath.Abs("../bin/slashdev")
	if err != nil {
		t.Fatal(err)
	}
	err = qemu.CheckQEMU("pc")
	for _, name := range []string{program, "../bin/parts", "../bin/amd64/init", "../bin/arm64/init"} {
		if _, missing := os.Stat(name); err == nil {
			err = missing
		}
	}
	switch {
	case err == nil:
		return program
	case os.Getenv("CI") != "":
		t.Fatal(err)
	}
	t.Skipf("needs bin/parts, QEMU and the programs of `make build`: %v", err)
	return ""
}

// TestScripts runs the boot stories of testdata/script/*.txtar one after the
// other. Tests that boot run side by side, as many at once as there are cores.
func TestScripts(t *testing.T) {
	t.Parallel()
	program := slashdevProgram(t)
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program, "test", file)
			cmd.Env = append(os.Environ(), "SLASHDEV_ARTIFACTS="+t.ArtifactDir())
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestExecListsDevices asks each machine for its devices: the PCs boot from
// their disk through their own boot loader.
func TestExecListsDevices(t *testing.T) {
	t.Parallel()
	program := slashdevProgram(t)
	for machine, want := range map[string][]string{
		"pc":      {"vda", "vda4", "ttyS0", "eth0"},
		"pc-uefi": {"vda", "vda4", "ttyS0", "eth0"},
		"virt":    {"vda", "ttyAMA0", "eth0"},
		// SD card, USB keyboard, USB network, watchdog.
		"rpi3": {"mmcblk0", "mmcblk0p4", "input/event0", "usb0", "watchdog0", "ttyS0"},
	} {
		t.Run(machine, func(t *testing.T) {
			script := "dev ls --json"
			if machine == "rpi3" { // USB takes longer than init; a serial line has Bluetooth behind it
				script = "dev settle input/event0 && dev settle && grep '^hci_uart ' /proc/modules >/dev/null && " + script
			}
			names := deviceNames(t, runProgram(t, program, "run", "--machine", machine, "--exec", script))
			for _, name := range want {
				if !slices.Contains(names, name) {
					t.Errorf("no %s among %d devices", name, len(names))
				}
			}
		})
	}
}

// runProgram runs slashdev and returns its stdout.
func runProgram(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "SLASHDEV_ARTIFACTS="+t.ArtifactDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("slashdev %q: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

// TestReadyImageIsNeverWritten boots one image on both PCs, as it is and with
// more kernel words, and compares its bytes.
func TestReadyImageIsNeverWritten(t *testing.T) {
	t.Parallel()
	program := slashdevProgram(t)
	file := filepath.Join(t.TempDir(), "disk.img")
	runProgram(t, program, "build", "--target", "pc", "-o", file)
	before := hash(t, file)
	for _, machine := range []string{"pc", "pc-uefi"} {
		got := runProgram(t, program, "run", "--machine", machine, "--append", "marked=yes", "--exec", "cat /proc/cmdline", file)
		if !strings.Contains(got, " marked=yes") {
			t.Errorf("%s: --append did not reach the kernel: %s", machine, got)
		}
	}
	got := runProgram(t, program, "run", "--exec", "cat /proc/cmdline; cat /dev/zero | head -c 1024 > /dev/vda4", file)
	if strings.Contains(got, "marked") {
		t.Errorf("words of an earlier run stayed: %s", got)
	}
	if hash(t, file) != before {
		t.Error("the image was written")
	}
}

func hash(t *testing.T, file string) [sha256.Size]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// TestAddPutsAFileIntoTheImage also shows that output is byte-exact: what comes
// back is what went in.
func TestAddPutsAFileIntoTheImage(t *testing.T) {
	t.Parallel()
	program := slashdevProgram(t)
	want := make([]byte, 200_000)
	for i := range want {
		want[i] = byte(i * i >> 3)
	}
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, want, 0o644); err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, program, "run", "--direct", "--add", file+":/lib/data", "--exec", "cat /lib/data")
	if got != string(want) {
		t.Errorf("%d bytes came back, want %d", len(got), len(want))
	}
}

// deviceNames returns the nodes, and the last words of devpaths for devices
// that have none.
func deviceNames(t *testing.T, text string) []string {
	t.Helper()
	var devices []struct{ Devpath, Devname string }
	if err := json.Unmarshal([]byte(text), &devices); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	var names []string
	for _, d := range devices {
		if d.Devname == "" {
			d.Devname = filepath.Base(d.Devpath)
		}
		names = append(names, d.Devname)
	}
	return names
}
