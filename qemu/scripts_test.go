package qemu_test

import (
	"bytes"
	"encoding/json"
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

// TestScripts runs the boot stories of testdata/script/*.txtar, one at a time:
// a machine has enough to do with two cores.
func TestScripts(t *testing.T) {
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
			if machine == "rpi3" { // USB takes longer than init
				script = "dev settle input/event0 && dev settle && " + script
			}
			cmd := exec.CommandContext(t.Context(), program, "run", "--machine", machine, "--exec", script)
			cmd.Env = append(os.Environ(), "SLASHDEV_ARTIFACTS="+t.ArtifactDir())
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			names := deviceNames(t, out)
			for _, name := range want {
				if !slices.Contains(names, name) {
					t.Errorf("no %s among %d devices", name, len(names))
				}
			}
		})
	}
}

// deviceNames returns the nodes, and the last words of devpaths for devices
// that have none.
func deviceNames(t *testing.T, text []byte) []string {
	t.Helper()
	var devices []struct{ Devpath, Devname string }
	if err := json.Unmarshal(text, &devices); err != nil {
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
