package daemon_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/uevent"
	"slashdev/drivers/ask"
)

// answers is a node that answers by request, or by the first byte of a SCSI
// command.
type answers struct {
	name   string
	ioctls map[uint32]string
	scsi   map[byte]string
	note   func(line string)
}

func (a answers) Ioctl(request uint32, buf []byte) (int, error) {
	text, ok := a.ioctls[request]
	if !ok {
		return 0, errors.New("no such ioctl")
	}
	a.note(fmt.Sprintf("%s %x %x", a.name, request, buf[:min(len(buf), 8)]))
	return len(text) / 1000, copyTo(buf, text)
}

func copyTo(buf []byte, text string) error { copy(buf, text); return nil }

func (a answers) SCSI(command, answer []byte) (int, error) {
	text, ok := a.scsi[command[0]]
	if !ok {
		return 0, errors.New("refused")
	}
	return copy(answer, text), nil
}

func axis(most, perMillimetre uint32) string {
	b := make([]byte, 24)
	binary.NativeEndian.PutUint32(b[8:], most)
	binary.NativeEndian.PutUint32(b[20:], perMillimetre)
	return string(b)
}

// probeRules are what the stock rules ask the nodes of devices.
const probeRules = `
SUBSYSTEM=="input", IMPORT{builtin}="input_id"
KERNEL=="event1", ENV{KEYBOARD_KEY_a1}="!help"
KERNEL=="event1", IMPORT{builtin}="keyboard"
KERNEL=="event1", ENV{KEYBOARD_KEY_a2}="!f1", RUN{builtin}+="keyboard"
KERNEL=="video0", IMPORT{program}="v4l_id $devnode"
KERNEL=="sr0", IMPORT{program}="cdrom_id --lock-media $devnode"
KERNEL=="sr0", ENV{ID_SERIAL}=="", IMPORT{program}="ata_id --export $devnode"
KERNEL=="sr0", ENV{ID_SERIAL}!="?*", IMPORT{program}="scsi_id --export -d $devnode"
KERNEL=="sr0", ACTION=="change", RUN+="cdrom_id --eject-media $devnode"
KERNEL=="mtd0ro", IMPORT{program}="mtd_probe $devnode"
KERNEL=="vda", IMPORT{builtin}="btrfs ready $devnode"
SUBSYSTEM=="net", IMPORT{builtin}="net_driver"
KERNEL=="vda", RUN{builtin}+="uaccess"
`

// plugProbed adds devices whose nodes know more than sysfs does.
func (m *machine) plugProbed() {
	const pci = "/devices/pci0/0000:00:01.0/"
	add := func(devpath, subsystem, name string, minor int) {
		m.sys.Add(devpath, subsystem, "MAJOR=1", fmt.Sprint("MINOR=", minor), "DEVNAME="+name, "DEVTYPE=disk")
		m.node(name, map[bool]uint32{true: unix.S_IFBLK, false: unix.S_IFCHR}[subsystem == "block"], 1, uint32(minor))
	}
	m.sys.Add(pci+"serio0", "serio")
	for i, abs := range []string{"3", "0"} {
		input := fmt.Sprint(pci+"serio0/input", i)
		m.sys.Add(input, "input")
		m.sys.Attr(input[1:]+"/capabilities/ev", "b\n")
		m.sys.Attr(input[1:]+"/capabilities/abs", abs+"\n")
		add(fmt.Sprint(input, "/event", i), "input", fmt.Sprint("event", i), 10+i)
		m.sys.Attr(fmt.Sprint(input[1:], "/event", i, "/device/capabilities/abs"), abs+"\n")
	}
	m.sys.Attr(pci[1:]+"serio0/force_release", "7\n")
	add(pci+"video0", "video4linux", "video0", 20)
	m.sys.Add(pci+"0:0:0:0", "scsi", "DEVTYPE=scsi_device")
	for name, text := range map[string]string{"vendor": "QEMU    ", "model": "QEMU DVD-ROM    ", "rev": "2.5+", "type": "5"} {
		m.sys.Attr(pci[1:]+"0:0:0:0/"+name, text+"\n")
	}
	add(pci+"0:0:0:0/block/sr0", "block", "sr0", 30)
	add(pci+"mtd0ro", "mtd", "mtd0ro", 40)
	m.sys.Add("/devices/virtual/net/dummy0", "net", "INTERFACE=dummy0", "IFINDEX=7")
	m.writeSys()
}

func TestRulesAskNodes(t *testing.T) {
	m := newMachine(t)
	m.plugProbed()
	m.rule("50-probe.rules", probeRules)
	var mu sync.Mutex
	var notes []string
	note := func(line string) { mu.Lock(); notes = append(notes, line); mu.Unlock() }
	known := map[string]answers{
		"event0":        {ioctls: map[uint32]string{0x80184540: axis(2000, 10), 0x80184541: axis(900, 10)}},
		"event1":        {ioctls: map[uint32]string{0x40084504: ""}},
		"video0":        {ioctls: map[uint32]string{0x80685600: strings.Repeat("\x00", 16) + "Cam"}},
		"sr0":           {ioctls: map[uint32]string{0x5309: ""}, scsi: map[byte]string{0x46: "\x00\x00\x00\x04\x00\x00\x00\x08", 0x12: "\x05\x80\x00\x03abc"}},
		"mtd0ro":        {ioctls: map[uint32]string{0x80204d01: "\x04"}},
		"btrfs-control": {ioctls: map[uint32]string{0x90009427: ""}},
	}
	m.devices = func(devname string) (ask.Device, error) {
		a, ok := known[devname]
		if !ok {
			return nil, fs.ErrNotExist
		}
		a.name, a.note = devname, note
		return a, nil
	}
	m.start()
	for name, want := range map[string]string{
		"event0": "ID_INPUT_WIDTH_MM=200 ID_INPUT_HEIGHT_MM=90", "video0": "ID_V4L_PRODUCT=Cam", "vda": "ID_BTRFS_READY=1",
		"sr0": "ID_CDROM_MEDIA_CD=1 ID_SCSI=1 ID_SERIAL=SQEMU_QEMU_DVD-ROM_abc", "dummy0": "ID_NET_DRIVER=driver-of-dummy0",
	} {
		all := m.properties(name)
		for word := range strings.FieldsSeq(want) {
			if !slices.Contains(all, word) {
				t.Errorf("%s: no %s in %q", name, word, all)
			}
		}
	}
	m.send(uevent.Change, "/devices/pci0/0000:00:01.0/0:0:0:0/block/sr0", "block")
	m.do("settle")
	m.waitFile(m.sysRoot+"/devices/pci0/0000:00:01.0/serio0/force_release", "7,161,161,162")
	noted := func(want string) bool { mu.Lock(); defer mu.Unlock(); return slices.Contains(notes, want) }
	client := m.client("devmgr.sock")
	defer client.Close()
	for _, want := range []string{"event1 40084504 a10000008a000000", "event1 40084504 a20000003b000000", "sr0 5309 "} {
		for end := time.Now().Add(30 * time.Second); !noted(want) && time.Now().Before(end); { // in its own time, beside the event
			if _, err := client.Do("status"); err != nil {
				t.Fatal(err)
			}
		}
		if !noted(want) {
			t.Errorf("no %q in %q", want, notes)
		}
	}
	if len(m.log) > 0 && m.logged("probe.rules") {
		t.Errorf("log: %q", m.log)
	}
}

// properties returns KEY=VALUE of a device.
func (m *machine) properties(name string) (all []string) {
	m.t.Helper()
	info := m.do("info", name)
	keys, values := fields(info, "property"), fields(info, "value")
	for i := range keys {
		all = append(all, keys[i]+"="+values[i])
	}
	return all
}

// Without the driver no btrfs is ready; a node that has gone, or answers
// nothing, is no fault.
func TestNodesThatAnswerNothing(t *testing.T) {
	m := newMachine(t)
	m.plugProbed()
	m.rule("50-probe.rules", probeRules)
	m.devices = func(devname string) (ask.Device, error) {
		if devname == "sr0" || devname == "video0" {
			return answers{}, nil
		}
		return nil, os.ErrNotExist
	}
	m.start()
	if all := m.properties("vda"); !slices.Contains(all, "ID_BTRFS_READY=0") {
		t.Errorf("vda: %q", all)
	}
	if all := m.properties("event0"); !slices.Contains(all, "ID_INPUT=1") {
		t.Errorf("event0: %q", all)
	}
	if m.logged("v4l_id") || m.logged("cdrom_id") || m.logged("mtd_probe") {
		t.Errorf("log: %q", m.log)
	}
}
