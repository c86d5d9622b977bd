package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

const groupFile = `root:x:0:
tty:x:5:
disk:x:6:
lp:x:7:
kmem:x:15:
dialout:x:20:
cdrom:x:24:
tape:x:26:
audio:x:29:
video:x:44:
input:x:104:
kvm:x:105:
render:x:106:
`

func device(subsystem, name, extra string) *devtree.Device {
	base := name[strings.LastIndexByte(name, '/')+1:]
	return devtree.NewDevice(uevent.Event{DevPath: "/devices/x/" + base, Subsystem: subsystem,
		Env: uevent.Lines("MAJOR=1\nMINOR=2\nDEVNAME=" + name + "\n" + extra)})
}

func TestStock(t *testing.T) {
	p, err := Stock(groupFile)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ subsystem, name, env, attr, want string }{
		{"mem", "null", "DEVMODE=0666", "", "0666 root:root"},
		{"mem", "urandom", "", "", "0666 root:root"},
		{"mem", "mem", "", "", "0640 root:kmem"},
		{"mem", "port", "", "", "0640 root:kmem"},
		{"mem", "kmsg", "", "", "0644 root:root"},
		{"tty", "tty", "", "", "0666 root:tty"},
		{"tty", "ptmx", "", "", "0666 root:tty"},
		{"tty", "tty1", "", "", "0620 root:tty"},
		{"tty", "hvc0", "", "", "0620 root:tty"},
		{"tty", "ttyS0", "", "", "0660 root:dialout"},
		{"tty", "ttyAMA10", "", "", "0660 root:dialout"},
		{"tty", "ttyUSB3", "", "", "0660 root:dialout"},
		{"tty", "ttyACM0", "", "", "0660 root:dialout"},
		{"tty", "console", "", "", "0600 root:root kept"},
		{"vc", "vcs", "", "", "0660 root:tty"},
		{"vc", "vcsa1", "", "", "0660 root:tty"},
		{"block", "sda", "", "", "0660 root:disk"},
		{"block", "mmcblk0p2", "", "", "0660 root:disk"},
		{"block", "sr0", "", "", "0660 root:cdrom"},
		{"scsi_tape", "nst0", "", "", "0660 root:tape"},
		{"scsi_generic", "sg0", "", "device/type=0", "0660 root:disk"},
		{"scsi_generic", "sg1", "", "device/type=5", "0660 root:cdrom"},
		{"scsi_generic", "sg2", "", "device/type=1", "0660 root:tape"},
		{"scsi_generic", "sg3", "", "device/type=13", "0600 root:root kept"},
		{"misc", "loop-control", "", "", "0660 root:disk"},
		{"misc", "fuse", "", "", "0666 root:root"},
		{"misc", "net/tun", "", "", "0666 root:root"},
		{"misc", "kvm", "", "", "0660 root:kvm"},
		{"drm", "dri/card0", "", "", "0660 root:video"},
		{"drm", "dri/renderD128", "", "", "0660 root:render"},
		{"video4linux", "video0", "", "", "0660 root:video"},
		{"graphics", "fb0", "", "", "0660 root:video"},
		{"vchiq", "vchiq", "", "", "0660 root:video"},
		{"bcm2835-vcio", "vcio", "", "", "0660 root:video"},
		{"sound", "snd/pcmC0D0p", "", "", "0660 root:audio"},
		{"input", "input/event3", "", "", "0660 root:input"},
		{"input", "input/js0", "", "", "0664 root:input"},
		{"hidraw", "hidraw0", "", "", "0600 root:root kept"},
		{"printer", "lp0", "", "", "0660 root:lp"},
		{"usbmisc", "usb/lp0", "", "", "0660 root:lp"},
		{"usb", "bus/usb/001/002", "", "", "0664 root:root"},
		{"rtc", "rtc0", "", "hctosys=1", "0600 root:root rtc"},
		{"rtc", "rtc1", "", "hctosys=0", "0600 root:root"},
		{"virtio-ports", "vport1p1", "", "name=org.qemu.guest_agent.0", "0600 root:root virtio-ports/org.qemu.guest_agent.0"},
		{"virtio-ports", "vport1p2", "", "name=../../null", "0600 root:root kept"},
		{"virtio-ports", "vport1p2", "", "name=..", "0600 root:root"},
		{"virtio-ports", "vport1p2", "", "name=.hidden", "0600 root:root"},
		{"virtio-ports", "vport1p2", "", "name=a b", "0600 root:root"},
		{"watchdog", "watchdog0", "", "", "0600 root:root kept"},
		{"nosuch", "thing", "DEVMODE=0644", "", "0644 root:root kept"},
		{"nosuch", "thing", "DEVMODE=07777", "", "0777 root:root kept"},
	}
	for _, tt := range tests {
		attrs := func(name string) string {
			key, value, _ := strings.Cut(tt.attr, "=")
			if key != name {
				return ""
			}
			return value
		}
		if got := text(p.Decide(device(tt.subsystem, tt.name, tt.env), attrs)); got != tt.want {
			t.Errorf("%s %s %s: got %q, want %q", tt.subsystem, tt.name, tt.attr, got, tt.want)
		}
	}
}

func text(d Decision) string {
	s := fmt.Sprintf("%04o %s:%s", d.Mode, d.Owner, d.Group)
	if !d.Set {
		s += " kept"
	}
	return strings.Join(slices.Concat([]string{s}, d.Links), " ")
}

func TestE24_UnknownGroupKeepsTheKernelsMode(t *testing.T) {
	p, err := Stock(strings.ReplaceAll(strings.ReplaceAll(groupFile, "disk:x:6:\n", ""), "render:x:106:", "render:x:many:"))
	if err == nil || !strings.Contains(err.Error(), "group disk") || !strings.Contains(err.Error(), "group render") ||
		strings.Count(err.Error(), "group disk") != 1 {
		t.Errorf("error %v does not name each missing group once", err)
	}
	none := func(string) string { return "" }
	for want, d := range map[string]*devtree.Device{
		"0600 root:root kept": device("block", "sda", ""),
		"0660 root:cdrom":     device("block", "sr0", ""),
	} {
		if got := text(p.Decide(d, none)); got != want {
			t.Errorf("%s: got %q, want %q", d.DevName, got, want)
		}
	}
	if got := text(p.Decide(device("drm", "dri/renderD128", ""), none)); got != "0600 root:root kept" {
		t.Errorf("render node without group render: got %q", got)
	}
}

func TestGroupIdsComeFromTheFile(t *testing.T) {
	p, _ := Stock("root:x:0:\ndisk:x:600:\ndisk:x:0:\nbroken\n:x:1:\n")
	d := p.Decide(device("block", "sda", ""), func(string) string { return "" })
	if d.GID != 600 || d.UID != 0 {
		t.Errorf("got gid %d, want 600", d.GID)
	}
}
