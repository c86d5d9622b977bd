package naming

import (
	"strings"
	"testing"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

func TestLinks(t *testing.T) {
	const pci = "pci-0000:00:1f.2-ata-1"
	tests := []struct {
		subsystem, name, env string
		place                Place
		want                 string
	}{
		{"mem", "null", "", Place{}, "char/1:2"},
		{"block", "sda", "DEVTYPE=disk", Place{Paths: []string{pci}}, "block/1:2 disk/by-path/" + pci},
		{"block", "sda", "DEVTYPE=disk", Place{Paths: []string{pci + ".0", pci}}, "block/1:2 disk/by-path/" + pci + ".0 disk/by-path/" + pci},
		{"block", "sda3", "DEVTYPE=partition\nPARTN=3", Place{Paths: []string{pci}}, "block/1:2 disk/by-path/" + pci + "-part3"},
		{"block", "sda3", "DEVTYPE=partition\nPARTN=../3", Place{Paths: []string{pci}}, "block/1:2"},
		{"block", "mmcblk0boot1", "DEVTYPE=disk", Place{Paths: []string{"platform-a.mmc"}}, "block/1:2 disk/by-path/platform-a.mmc-boot1"},
		{"input", "input/event3", "", Place{Paths: []string{"pci-x"}, Input: "kbd"}, "char/1:2 input/by-path/pci-x-event-kbd"},
		{"input", "input/event3", "", Place{Paths: []string{"pci-x"}, Input: ""}, "char/1:2 input/by-path/pci-x-event"},
		{"input", "input/mouse0", "", Place{Paths: []string{"pci-x"}, Input: "mouse"}, "char/1:2 input/by-path/pci-x-mouse"},
		{"input", "input/js0", "", Place{Paths: []string{"pci-x"}, Input: "joystick"}, "char/1:2 input/by-path/pci-x-joystick"},
		{"input", "input/mouse1", "", Place{Paths: []string{"pci-x"}, Input: ""}, "char/1:2"},
		{"input", "input/mice", "", Place{}, "char/1:2"},
		{"scsi_tape", "nst0", "", Place{Paths: []string{pci}}, "char/1:2 tape/by-path/" + pci + "-nst"},
		{"tty", "ttyS0", "", Place{Paths: []string{"platform-x"}}, "char/1:2"},
		{"block", "sdb", "DEVTYPE=disk", Place{Paths: []string{"a/../b c\x1b"}}, "block/1:2 disk/by-path/a_.._b_c_"},
	}
	for _, tt := range tests {
		base := tt.name[strings.LastIndexByte(tt.name, '/')+1:]
		d := devtree.NewDevice(uevent.Event{DevPath: "/devices/x/" + base, Subsystem: tt.subsystem,
			Env: uevent.Lines("MAJOR=1\nMINOR=2\nDEVNAME=" + tt.name + "\n" + tt.env)})
		if got := strings.Join(Links(d, tt.place), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := Links(&devtree.Device{DevPath: "/devices/x", Subsystem: "net"}, Place{Paths: []string{"x"}}); got != nil {
		t.Errorf("a device without a node has links %q", got)
	}
}

func TestTarget(t *testing.T) {
	for name, want := range map[string]string{"rtc": "sda", "char/1:3": "../sda", "disk/by-path/x": "../../sda"} {
		if got := Target(name, "sda"); got != want {
			t.Errorf("Target(%s) = %s, want %s", name, got, want)
		}
	}
	for _, l := range Fixed() {
		if strings.Contains(l[0], "/") || !strings.HasPrefix(l[1], "/proc/") {
			t.Errorf("fixed link %v", l)
		}
	}
}
