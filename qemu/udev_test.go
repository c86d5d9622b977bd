package qemu_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slashdev/image"
	"slashdev/qemu"
)

// testRules give devices what no probe would find, so that a program that says
// it has it from our database.
const testRules = `SUBSYSTEM=="block", KERNEL=="vda", ENV{ID_FS_TYPE}="ext4", ENV{ID_FS_LABEL}="of-the-database", ENV{ID_FS_LABEL_ENC}="of-the-database"
SUBSYSTEM=="block", KERNEL=="vda", SYMLINK+="disk/by-label/of-the-database", TAG+="systemd"
SUBSYSTEM=="input", KERNEL=="event*", ENV{ID_INPUT}="1", ENV{ID_INPUT_KEY}="1", ENV{ID_INPUT_KEYBOARD}="1"
`

// monitorScript ends the monitor as a user would: it writes what it has heard
// when it ends.
const monitorScript = `/other/udevadm monitor -u -p > /tmp/heard & sleep 2; udevadm trigger --settle -c change /dev/vda; sleep 2; ` +
	`for f in /proc/[0-9]*/comm; do if grep udevadm $f > /dev/null; then p=${f%/comm}; kill ${p#/proc/}; fi; done; wait; cat /tmp/heard`

// Debian's own programs that use libudev and sd-device see the machine as
// devmgr does, unmodified.
func TestUdevPrograms(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	config := udevMachine(t)
	config.Extra = []string{"-drive", "if=virtio,format=raw,file=" + ext4Disk(t, 8<<20), "-device", "usb-kbd"}
	config.Cmdline, config.Artifacts = "console=ttyS0 quiet panic=1", t.ArtifactDir()
	m, ctx := talkTo(t, config)
	say(t, ctx, m, "dev settle")
	tests := []struct {
		command string
		has     []string // lines, or parts of lines
	}{
		{"/other/udevadm info /dev/vda", []string{"N: vda", "S: disk/by-label/of-the-database", "E: ID_FS_TYPE=ext4", "E: TAGS=:systemd:",
			"E: USEC_INITIALIZED="}},
		{"/other/udevadm info -q path -n disk/by-label/of-the-database", []string{"/block/vda"}},
		{"/other/udevadm trigger --verbose --settle --action=change --tag-match=systemd", []string{"/block/vda"}},
		{"/other/udevadm trigger --settle && /other/udevadm settle && echo settled", []string{"settled"}},
		{"/other/udevadm control --ping && /other/udevadm control --reload && echo answered", []string{"answered"}},
		{"/other/udevadm wait --timeout=20 --settle /dev/disk/by-label/of-the-database && echo there", []string{"there"}},
		{"/other/udevadm trigger --dry-run --verbose --initialized-match --subsystem-match=block", []string{"/block/vda"}},
		{"/other/udevadm control --stop-exec-queue && echo change > /sys/class/block/vda/uevent && /other/udevadm settle -t 1 || echo waits", []string{"waits"}},
		{"/other/udevadm control --start-exec-queue && /other/udevadm settle && echo settled", []string{"settled"}},
		{"/other/udevadm lock --device=/dev/vda /other/udevadm --version", []string{"252"}},
		{"udevadm lock --timeout=20 --device=/dev/vda /other/lsblk -n -o NAME /dev/vda", []string{"vda"}},
		{"/other/lsblk -n -o NAME,FSTYPE,LABEL /dev/vda", []string{"vda  ext4   of-the-database"}},
		{"/other/lsusb", []string{"QEMU USB Keyboard"}},
		{"/other/libinput-list-devices", []string{"Device: ", "Capabilities:     keyboard", "Seat:             seat0"}},
	}
	for _, tt := range tests {
		out := say(t, ctx, m, tt.command)
		for _, want := range tt.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tt.command, want, out)
			}
		}
	}
	hears(t, say(t, ctx, m, monitorScript))
	agree(t, say(t, ctx, m, "/other/udevadm info -e"), say(t, ctx, m, "udevadm info -e"))
}

// hears checks what a monitor of libudev printed.
func hears(t *testing.T, out string) {
	t.Helper()
	for _, want := range []string{"change   /devices/", "\nDEVNAME=/dev/vda\n", "\nID_FS_TYPE=ext4\n", "\nDEVLINKS=", "\nTAGS=:systemd:\n",
		"\nUSEC_INITIALIZED="} {
		if !strings.Contains(out, want) {
			t.Errorf("monitor: no %q in\n%s", want, out)
		}
	}
}

// agree compares the records that two programs print of each device, whatever
// the order of the lines.
func agree(t *testing.T, theirs, ours string) {
	t.Helper()
	a, b := recordsOf(theirs), recordsOf(ours)
	if len(a) < 50 {
		t.Errorf("only %d devices", len(a))
	}
	for path, record := range a {
		if b[path] != record {
			t.Errorf("theirs:\n%s\nours:\n%s", record, b[path])
		}
	}
	if len(a) != len(b) {
		t.Errorf("they see %d devices, we %d", len(a), len(b))
	}
}

func recordsOf(text string) map[string]string {
	all := map[string]string{}
	for record := range strings.SplitSeq(strings.ReplaceAll(text, "\r", ""), "\n\n") {
		lines := strings.Split(strings.TrimSpace(record), "\n")
		for i, l := range lines {
			if key, links, ok := strings.Cut(l, "=/dev/"); ok && key == "E: DEVLINKS" {
				words := strings.Fields("/dev/" + links)
				slices.Sort(words)
				lines[i] = key + "=" + strings.Join(words, " ")
			}
		}
		if path := lines[0]; path != "" {
			slices.Sort(lines)
			all[path] = strings.Join(lines, "\n")
		}
	}
	return all
}

// udevMachine builds an appliance with Debian's programs in /other.
func udevMachine(t *testing.T) qemu.Config {
	t.Helper()
	from := filepath.Join(repoRoot(t), "bin/parts/udev")
	if _, err := os.Stat(from); err != nil {
		t.Skipf("needs bin/parts: %v", err)
	}
	rules := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(rules, []byte(testRules), 0o644); err != nil {
		t.Fatal(err)
	}
	libraries := librariesIn(t, from)
	add := []image.Extra{{File: rules, Path: "/etc/udev/rules.d/50-test.rules"}}
	for _, file := range []string{"bin/udevadm", "bin/lsblk", "usr/bin/lsusb", "usr/libexec/libinput/libinput-list-devices"} {
		program := filepath.Join(from, file)
		add = append(add, image.Extra{File: program, Path: "/other/" + filepath.Base(file)})
		add = needed(t, libraries, program, add)
	}
	return appliance(t, add)
}
