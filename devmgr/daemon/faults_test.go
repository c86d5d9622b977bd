package daemon_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
	"slashdev/drivers/blockid"
)

// A device that comes and goes without end takes no memory and leaves nothing
// undone; what others do meanwhile is done.
func TestU05_StormOfOneDeviceIsBounded(t *testing.T) {
	m := newMachine(t)
	m.start()
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	m.plug("vdz", 400) // and from now on it flickers
	dir, there := m.sysRoot+disks+"vdz", true
	toggle := func() {
		from, to, action := dir, m.root+"/unplugged", uevent.Remove
		if !there {
			from, to, action = to, from, uevent.Add
		}
		m.must(os.Rename(from, to))
		m.send(action, disks+"vdz", "block")
		there = !there
	}
	for range 5001 {
		toggle()
	}
	m.do("settle")
	m.is("block/254:400", "")
	m.is("disk/by-path/pci-0000:00:01.0", "-> ../../vda")
	toggle()
	m.do("settle")
	m.is("vdz", "0660 0:6")
	m.is("block/254:400", "-> ../vdz")
	m.plug("vdb", 16) // a fresh tree, which has vdz
	m.do("settle")
	m.is("vdb", "0660 0:6")
	if s := m.do("status")[0]; s.Get("pending") != "0" || s.Get("devices") != "6" {
		t.Errorf("status: %q", s)
	}
	if after := heap(); after > before+8<<20 {
		t.Errorf("the heap grew by %d KiB", (after-before)>>10)
	}
}

// What the kernel calls a node that would lie outside of /dev is no node.
func TestU09_NoNodeOutsideOfDev(t *testing.T) {
	m := newMachine(t)
	m.put("outside", "")
	m.must(os.Chmod(m.root+"/outside", 0o600))
	m.rule("50-test.rules", `SUBSYSTEM=="block", MODE="0666", SYMLINK+="evil-%k"`)
	for i, name := range []string{"../outside", "", ".", "/etc/passwd", "a/../../outside", "a//b"} {
		m.sys.Add(fmt.Sprint(disks, "evil", i), "block", "MAJOR=1", "MINOR=3", "DEVNAME="+name, "DEVTYPE=disk")
	}
	m.writeSys()
	m.start()
	m.is("vda", "0666 0:6")
	m.is("../outside", "0600 0:0")
	for i := range 6 {
		m.is(fmt.Sprint("evil-evil", i), "")
		if got := m.do("info", fmt.Sprint(disks, "evil", i))[0].Get("devname"); got != "" {
			t.Errorf("a node %q", got)
		}
	}
}

// A rule that writes what causes the very event that it is for is stopped, for
// a time, and told of; other devices get what is theirs.
func TestC04_WriteThatCausesItselfIsStopped(t *testing.T) {
	m := newMachine(t)
	var hour atomic.Int64
	m.clock = func() time.Time { return stopped().Add(time.Duration(hour.Load()) * time.Hour) }
	m.sys.Attr(disks[1:]+"vda/loop", "")
	m.writeSys()
	m.rule("50-test.rules", `KERNEL=="vda", ACTION=="change", ATTR{loop}="$env{N}"`+"\n"+`KERNEL=="vdb", ATTR{loop}="done"`+"\n")
	m.start()
	change := func(n int) {
		m.seq++
		m.src.items <- item{ev: uevent.Event{Action: uevent.Change, DevPath: disks + "vda", Subsystem: "block", SeqNum: m.seq, Env: uevent.Env(fmt.Sprintf("N=%d\x00", n))}}
	}
	for n := range 200 {
		change(n)
	}
	m.do("settle")
	m.waitFile(m.sysRoot+disks+"vda/loop", "49")
	m.waitLog("vda: more than 50 writes in 10s: the others are left out")
	m.plugDisk("vdb", 16)
	m.sys.Attr(disks[1:]+"vdb/loop", "")
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.writeSys()
	m.send(uevent.Add, disks+"vdb", "block")
	m.waitFile(m.sysRoot+disks+"vdb/loop", "done")
	hour.Store(1)
	change(1000)
	m.waitFile(m.sysRoot+disks+"vda/loop", "1000")
}

// Labels of a disk are names of links with every odd byte encoded.
func TestD03_HostileLabelsMakeEncodedLinks(t *testing.T) {
	m := newMachine(t)
	labels := map[string]string{"vdb": "../../../etc/passwd", "vdc": "a\nE:b\x1b[31m", "vdd": "%n$env{x}`id`", "vde": "\xff\"'\\x", "vdf": "null"}
	m.blkid = func(devpath string) []udevrules.Property {
		info := blockid.Info{Label: labels[devpath[strings.LastIndexByte(devpath, '/')+1:]]}
		var all []udevrules.Property
		for _, p := range info.Properties() {
			all = append(all, udevrules.Property(p))
		}
		return all
	}
	m.rule("60-storage.rules", `SUBSYSTEM=="block", IMPORT{builtin}="blkid"`+"\n"+`ENV{ID_FS_LABEL_ENC}=="?*", SYMLINK+="disk/by-label/$env{ID_FS_LABEL_ENC}"`+"\n")
	m.start()
	for i := range len(labels) {
		m.plug(fmt.Sprintf("vd%c", 'b'+i), 16*(i+1))
	}
	m.do("settle")
	entries, err := os.ReadDir(m.dev + "/disk/by-label")
	m.must(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name()+m.stat("disk/by-label/" + e.Name())[2:])
	}
	want := `..\x2f..\x2f..\x2fetc\x2fpasswd ../../vdb|\x25n\x24env\x7bx\x7d\x60id\x60 ../../vdd|\xff\x22\x27\x5cx ../../vde|a\x0aE:b\x1b\x5b31m ../../vdc|null ../../vdf`
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	m.is("null", "0666 0:0")
}

// A driver that asks for firmware which is not there is told so at once.
func TestU14_MissingFirmwareIsRefusedAtOnce(t *testing.T) {
	m := newMachine(t)
	m.sys.Add("/devices/pci0/0000:00:01.0/firmware/wifi.bin", "firmware", "FIRMWARE=wifi.bin", "TIMEOUT=60")
	m.sys.Attr("devices/pci0/0000:00:01.0/firmware/wifi.bin/loading", "0")
	m.start()
	m.src.items <- item{ev: uevent.Event{Action: uevent.Add, DevPath: "/devices/pci0/0000:00:01.0/firmware/wifi.bin",
		Subsystem: "firmware", SeqNum: 1, Env: "FIRMWARE=wifi.bin\x00"}}
	loading := m.sysRoot + "/devices/pci0/0000:00:01.0/firmware/wifi.bin/loading"
	m.writeSys()
	m.must(os.WriteFile(loading, []byte("0"), 0o644))
	m.src.items <- item{ev: uevent.Event{Action: uevent.Add, DevPath: "/devices/pci0/0000:00:01.0/firmware/wifi.bin",
		Subsystem: "firmware", SeqNum: 2, Env: "FIRMWARE=wifi.bin\x00"}}
	m.do("settle")
	if text, _ := os.ReadFile(loading); string(text) != "-1" {
		t.Errorf("loading is %q", text)
	}
	if !m.logged(`firmware "wifi.bin" is not in this image`) {
		t.Errorf("log: %q", m.log)
	}
}

// A rule refuses keyboards that come after the start: the kernel is told not
// to use the interface.
func TestD01_RuleRefusesANewKeyboard(t *testing.T) {
	m := newMachine(t)
	m.rule("10-hid.rules", `ACTION=="add", SUBSYSTEM=="usb", ATTR{bInterfaceClass}=="03", ATTR{authorized}="0"`)
	m.start()
	plug := func(name, class string) string {
		devpath := "/devices/pci0/usb1/1-1/" + name
		m.sys.Add(devpath, "usb", "DEVTYPE=usb_interface")
		m.sys.Attr(devpath[1:]+"/bInterfaceClass", class+"\n")
		m.sys.Attr(devpath[1:]+"/authorized", "1")
		m.writeSys()
		m.send(uevent.Add, devpath, "usb")
		return devpath + "/authorized"
	}
	plug("1-1:1.1", "08")
	keyboard := plug("1-1:1.0", "03")
	m.waitFile(m.sysRoot+keyboard, "0")
	if text, _ := os.ReadFile(m.sysRoot + "/devices/pci0/usb1/1-1/1-1:1.1/authorized"); string(text) != "1" {
		t.Errorf("the disk beside it: %q", text)
	}
}

// What a USB device says of itself stays encoded in names and one word to
// programs; nothing of it steers a terminal.
func TestD02_HostileUSBStrings(t *testing.T) {
	m := newMachine(t)
	hostile := "$(reboot)`id`;\x1b[31m%n..x\u202egpj '\"" + strings.Repeat("A", 60)
	say := m.program("say", `printf '%s|%s|' "$#" "$1" >>$OUT; echo "$1"`)
	m.rule("50-usb.rules", `
SUBSYSTEM=="block", ATTR{serial}=="?*", SYMLINK+="disk/by-id/usb-$attr{serial}", RUN+="`+say+` '$attr{serial}'"
`)
	m.start()
	m.plugDisk("vdb", 16)
	m.sys.Attr(disks[1:]+"vdb/serial", hostile+"\n")
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.writeSys()
	m.send(uevent.Add, disks+"vdb", "block")
	m.plugDisk("vdc", 32)
	m.sys.Attr(disks[1:]+"vdc/serial", "/../../../../etc/evil\n")
	m.node("vdc", unix.S_IFBLK, 254, 32)
	m.writeSys()
	out := m.out()
	entries, err := os.ReadDir(m.dev + "/disk/by-id")
	if err != nil || len(entries) != 1 {
		t.Fatalf("links: %v, %v", entries, err)
	}
	for _, c := range []byte(entries[0].Name()) {
		if c <= ' ' || strings.IndexByte("$`;%'\"()/\x7f", c) >= 0 {
			t.Errorf("%q in the name of the link %q", c, entries[0].Name())
		}
	}
	m.send(uevent.Add, disks+"vdc", "block")
	m.do("settle", "vdc")
	if _, err := os.Lstat(m.root + "/etc/evil"); err == nil {
		t.Error("a link outside of /dev")
	}
	if !strings.HasPrefix(out, "1|") || strings.ContainsAny(out, "\x1b`") {
		t.Errorf("the program got %q", out)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.log {
		if strings.ContainsAny(line, "\x1b\n") {
			t.Errorf("the log line %q", line)
		}
	}
}

// A rule keeps a PCI device that came over a cable from being used.
func TestD08_RuleRefusesADeviceBehindThunderbolt(t *testing.T) {
	m := newMachine(t)
	m.rule("10-bolt.rules", `ACTION=="add", SUBSYSTEM=="thunderbolt", ATTR{unique_id}!="trusted", ATTR{authorized}="0"`)
	m.start()
	const devpath = "/devices/pci0/domain0/0-0/0-1"
	m.sys.Add(devpath, "thunderbolt", "DEVTYPE=thunderbolt_device")
	m.sys.Attr(devpath[1:]+"/unique_id", "stranger\n")
	m.sys.Attr(devpath[1:]+"/authorized", "1")
	m.writeSys()
	m.send(uevent.Add, devpath, "thunderbolt")
	m.waitFile(m.sysRoot+devpath+"/authorized", "0")
}

// Two adapters swap their numbers; the names by their places stay.
func TestD10_SerialAdaptersAreNamedByTheirPlace(t *testing.T) {
	m := newMachine(t)
	m.rule("60-serial.rules", `SUBSYSTEM=="tty", SUBSYSTEMS=="pci", IMPORT{builtin}="path_id", SYMLINK+="serial/by-path/$env{ID_PATH}"`)
	m.start()
	m.sys.Add("/devices/pci0/0000:00:02.0", "pci")
	plug := func(slot, name string, minor int) {
		devpath := "/devices/pci0/" + slot + "/tty/" + name
		m.sys.Add(devpath, "tty", "MAJOR=188", fmt.Sprintf("MINOR=%d", minor), "DEVNAME="+name)
		m.node(name, unix.S_IFCHR, 188, uint32(minor))
		m.writeSys()
		m.send(uevent.Add, devpath, "tty")
		m.do("settle")
	}
	pull := func(slot, name string) {
		m.sys.Remove("/devices/pci0/" + slot + "/tty/" + name)
		m.must(os.Remove(m.dev + "/" + name))
		m.writeSys()
		m.send(uevent.Remove, "/devices/pci0/"+slot+"/tty/"+name, "tty")
		m.do("settle")
	}
	plug("0000:00:01.0", "ttyUSB0", 0)
	plug("0000:00:02.0", "ttyUSB1", 1)
	m.leads("serial/by-path/pci-0000:00:01.0", "../../ttyUSB0")
	pull("0000:00:01.0", "ttyUSB0")
	pull("0000:00:02.0", "ttyUSB1")
	plug("0000:00:02.0", "ttyUSB0", 0)
	plug("0000:00:01.0", "ttyUSB1", 1)
	m.leads("serial/by-path/pci-0000:00:01.0", "../../ttyUSB1")
	m.leads("serial/by-path/pci-0000:00:02.0", "../../ttyUSB0")
}

// Two interfaces are to swap their names: the kernel refuses each, because the
// name is taken, and both stay as they are and are told of.
func TestU12_SwapOfTwoNamesLosesNoInterface(t *testing.T) {
	m := newMachine(t)
	names := map[int]string{}
	for i, address := range []string{"02:00:00:00:00:01", "02:00:00:00:00:02"} {
		name := fmt.Sprintf("eth%d", i)
		names[i+2] = name
		devpath := "/devices/pci0/0000:00:01.0/net/" + name
		m.sys.Add(devpath, "net", "INTERFACE="+name, fmt.Sprintf("IFINDEX=%d", i+2))
		m.sys.Attr(devpath[1:]+"/address", address+"\n")
	}
	m.writeSys()
	m.rule("50-swap.rules", `
SUBSYSTEM=="net", ATTR{address}=="02:00:00:00:00:01", NAME="eth1"
SUBSYSTEM=="net", ATTR{address}=="02:00:00:00:00:02", NAME="eth0"
`)
	asked := make(chan bool, 10)
	m.rename = func(index int, name string) error {
		defer func() { asked <- true }()
		for other, taken := range names {
			if taken == name && other != index {
				return fmt.Errorf("rename interface %d to %s: %w", index, name, unix.EEXIST)
			}
		}
		names[index] = name
		return nil
	}
	m.start()
	<-asked
	<-asked
	m.do("settle")
	if names[2] != "eth0" || names[3] != "eth1" {
		t.Errorf("names: %v", names)
	}
	for i := range 2 {
		name := fmt.Sprintf("eth%d", i)
		if got := m.do("info", name)[0].Get("devpath"); got != "/devices/pci0/0000:00:01.0/net/"+name {
			t.Errorf("%s is %q", name, got)
		}
	}
	m.waitLog("rename interface 2 to eth1: file exists")
	m.waitLog("rename interface 3 to eth0: file exists")
}

// waitLog waits for a line in the log.
func (m *machine) waitLog(part string) {
	m.t.Helper()
	for range 20000 {
		if m.logged(part) {
			return
		}
		m.do("status")
	}
	m.t.Errorf("no %q in the log: %q", part, m.log)
}

// A device that makes a probe fail in a way that nobody thought of is a device
// without rules, and the machine goes on.
func TestD02_PanicOfAProbeEndsNothing(t *testing.T) {
	m := newMachine(t)
	m.rule("50-probe.rules", `KERNEL=="vdb", IMPORT{builtin}="blkid", SYMLINK+="disk/mine"`)
	m.blkid = func(string) []udevrules.Property { panic("evil superblock") }
	m.start()
	m.plug("vdb", 16)
	m.do("settle", "vdb")
	m.is("vdb", "0660 0:6")
	m.plug("vdc", 32)
	m.do("settle", "vdc")
	if !m.logged("internal error: evil superblock") {
		t.Errorf("log: %q", m.log)
	}
}
