package daemon_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/uevent"
)

const (
	sdaPath = "/devices/pci0/0000:00:02.0/host3/target3:0:1/3:0:1:7/block/sda"
	sdbPath = "/devices/pci0/0000:00:03.0/host4/target4:0:0/4:0:0:0/block/sdb"
)

// withSCSI adds a disk with a partition, a terminal and an interface.
func withSCSI(t *testing.T) *machine {
	m := newMachine(t)
	m.sys.Add("/devices/pci0/0000:00:02.0", "pci", "DRIVER=x")
	m.sys.Add(sdaPath, "block", "MAJOR=8", "MINOR=0", "DEVNAME=sda", "DEVTYPE=disk")
	m.sys.Add(sdaPath+"/sda1", "block", "MAJOR=8", "MINOR=1", "DEVNAME=sda1", "DEVTYPE=partition", "PARTN=1", "PARTUUID=0b0b-01", "PARTNAME=the root")
	m.sys.Add("/devices/virtual/tty/tty1", "tty", "MAJOR=4", "MINOR=1", "DEVNAME=tty1")
	m.sys.Add("/devices/pci0/0000:00:04.0/net/eth0", "net", "INTERFACE=eth0", "IFINDEX=2")
	m.node("sda", unix.S_IFBLK, 8, 0)
	m.node("sda1", unix.S_IFBLK, 8, 1)
	m.node("tty1", unix.S_IFCHR, 4, 1)
	m.writeSys()
	return m
}

func (m *machine) plugSDB() {
	m.t.Helper()
	m.sys.Add(sdbPath, "block", "MAJOR=8", "MINOR=16", "DEVNAME=sdb", "DEVTYPE=disk")
	m.node("sdb", unix.S_IFBLK, 8, 16)
	m.writeSys()
	m.send(uevent.Add, sdbPath, "block")
	m.do("settle")
}

func (m *machine) pull(devpath string, nodes ...string) {
	m.t.Helper()
	m.sys.Remove(devpath)
	for _, n := range nodes {
		m.must(os.Remove(filepath.Join(m.dev, n)))
		at := devpath
		if !strings.HasSuffix(devpath, "/"+n) {
			at += "/" + n
		}
		defer m.send(uevent.Remove, at, "block")
	}
	m.writeSys()
}

func TestS3_57_SchemesAsLinks(t *testing.T) {
	m := withSCSI(t)
	m.devfs = "names:devfs:new-compat:old-compat"
	m.must(os.MkdirAll(m.dev+"/scsi/host9/bus0", 0o755))
	m.must(os.Symlink("../../../sdz", m.dev+"/scsi/host9/bus0/left-behind"))
	m.start()
	m.is("scsi/host3/bus0/target1/lun7/disc", "-> ../../../../../sda")
	m.is("scsi/host3/bus0/target1/lun7/part1", "-> ../../../../../sda1")
	m.is("sd/c3b0t1u7p1", "-> ../sda1")
	m.is("virtio/1/disc", "-> ../../vda")
	m.is("vc/1", "-> ../tty1")
	m.is("net/eth0", "-> /sys/class/net/eth0")
	m.is("scsi/host9", "")
	if got, _ := os.Readlink(m.dev + "/discs/disc1"); got != "../scsi/host3/bus0/target1/lun7" {
		t.Errorf("discs/disc1 leads to %q", got)
	}
	if info, err := os.Stat(m.dev + "/discs/disc1/part1"); err != nil || info.Mode()&os.ModeDevice == 0 {
		t.Errorf("discs/disc1/part1: %v %v", info, err)
	}
	m.plugSDB()
	m.is("discs/disc2", "-> ../scsi/host4/bus0/target0/lun0")
	m.pull(sdaPath, "sda", "sda1")
	m.do("settle")
	m.is("scsi/host3", "")
	m.is("sd/c3b0t1u7", "")
	m.is("discs/disc1", "")
	m.is("discs/disc2", "-> ../scsi/host4/bus0/target0/lun0")
}

func TestS3_46_NoNamesUnasked(t *testing.T) {
	m := withSCSI(t)
	m.start()
	for _, name := range []string{"discs", "scsi", "sd", "vc", "net", "mouse", "modem"} {
		m.is(name, "")
	}
	if got := m.namesOf("sda1"); !slices.Contains(got, "devfs discs/disc1/part1") || !slices.Contains(got, "new-compat sd/c3b0t1u7p1") {
		t.Errorf("names of sda1: %q", got)
	}
}

func (m *machine) namesOf(name string) []string {
	m.t.Helper()
	var names []string
	for _, r := range m.do("name", name)[1:] {
		names = append(names, r.Get("scheme")+" "+r.Get("name"))
	}
	return names
}

// A daemon that is restarted gives the disks the numbers that they had.
func TestS3_1_NumbersSurviveARestart(t *testing.T) {
	m := withSCSI(t)
	m.devfs = "names:devfs"
	stop := m.start()
	m.plugSDB()
	m.pull(sdaPath, "sda", "sda1")
	m.do("settle")
	m.waitNumbers(func(text string) bool { return strings.Contains(text, "disc 2 ") && !strings.Contains(text, "disc 1 ") })
	stop()
	m.src = &source{items: make(chan item, 1000)}
	m.start()
	m.is("discs/disc2", "-> ../scsi/host4/bus0/target0/lun0")
	m.is("discs/disc1", "")
}

// waitNumbers waits until the state says what it should.
func (m *machine) waitNumbers(good func(text string) bool) {
	m.t.Helper()
	client := m.client("devmgr.sock")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		_, err := client.Do("settle")
		m.must(err)
		if text, _ := os.ReadFile(m.root + "/run/numbers"); good(string(text)) {
			return
		}
	}
	m.t.Fatal("the numbers were not written")
}

func TestS3_51_ResolveByEverything(t *testing.T) {
	m := withSCSI(t)
	m.rule("10-test.rules", `KERNEL=="sda1", ENV{ID_FS_LABEL_ENC}="the\x20root", ENV{ID_FS_UUID_ENC}="AB-CD", SYMLINK+="wanted"`)
	m.start()
	for name, by := range map[string]string{
		"sda1": "kernel", "/dev/discs/disc1/part1": "devfs", "scsi/host3/bus0/target1/lun7/part1": "devfs", "sd/c3b0t1u7p1": "new-compat",
		"LABEL=the root": "LABEL", "UUID=ab-cd": "UUID", "PARTUUID=0B0B-01": "PARTUUID", "PARTLABEL=the root": "PARTLABEL",
		"8:1": "number", "block/8:1": "link", "/dev/wanted": "link",
	} {
		r := m.do("resolve", name)
		if len(r) != 1 || r[0].Get("devname") != "sda1" || r[0].Get("by") != by {
			t.Errorf("%s: %q, want sda1 by %s", name, r, by)
		}
		if sent := m.do("trigger", name); sent[0].Get("triggered") != "1" {
			t.Errorf("trigger %s: %q", name, sent)
		}
		if why := m.do("why", name); why[0].Get("devname") != "sda1" {
			t.Errorf("why %s: %q", name, why[0])
		}
		if info := m.do("info", name); info[0].Get("devname") != "sda1" {
			t.Errorf("info %s: %q", name, info[0])
		}
	}
	_, err := m.client("devmgr-ro.sock").Do("resolve", "LABEL=other")
	if ctl.ExitCode(err) != ctl.NotFound {
		t.Errorf("an unknown label: %v", err)
	}
}

// A rule may ask for a name of the tree; the tree keeps it.
func TestS3_65_SchemesBeforeRules(t *testing.T) {
	m := withSCSI(t)
	m.devfs = "names:devfs"
	m.rule("10-test.rules", `KERNEL=="sda", SYMLINK+="discs/disc0 vc/1", OPTIONS+="link_priority=99999"`)
	m.start()
	m.is("vc/1", "-> ../tty1")
	m.is("discs/disc0", "-> ../virtio/1")
	for _, r := range m.do("why", "sda") {
		if r.Get("claim") == "vc/1" && r.Get("owner") != "tty1" {
			t.Errorf("why does not say whose vc/1 is: %q", r)
		}
	}
	text, _ := os.ReadFile(m.root + "/udev/data/b8:0")
	if strings.Contains(string(text), "S:discs/disc1\n") || !strings.Contains(string(text), "S:scsi/host3/bus0/target1/lun7/disc\n") {
		t.Errorf("database: %s", text)
	}
}
