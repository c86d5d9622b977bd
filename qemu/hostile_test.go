package qemu_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"slashdev/image"
	"slashdev/image/gpt"
	"slashdev/qemu"
	"slashdev/qemu/qmp"
)

// evil are the names that a medium gives itself: as label of a file system, as
// name of a partition and as serial number.
var evil = []string{
	`q"'$(reboot)` + "`", "a\nE:EVIL=1", "../../x", "\x1b[2J\x1b[31m", "\xff\xfe\x9b[5m", "%n%s%1$n", "null", "sdb",
	"  ", "..", "/etc/passwd", "\\x2e\\x2e", "-rf", strings.Repeat("L", 16),
}

// encoded are the names of the links that udev makes of evil labels.
const encoded = `-rf
..\x2f..\x2fx
LLLLLLLLLLLLLLLL
\x1b\x5b2J\x1b\x5b31m
\x25n\x25s\x251\x24n
\x2fetc\x2fpasswd
\x5cx2e\x5cx2e
\xff\xfe\x9b\x5b5m
a\x0aE:EVIL=1
null
q\x22\x27\x24\x28reboot\x29\x60
sdb
`

// careless are rules as people write them who trust what a device says of
// itself.
const careless = `SUBSYSTEM!="block", GOTO="end"
ENV{DEVTYPE}=="partition", IMPORT{builtin}="blkid"
ENV{ID_FS_LABEL}=="?*", SYMLINK+="$env{ID_FS_LABEL}", SYMLINK+="careless/$env{ID_FS_LABEL_ENC}"
ENV{ID_FS_LABEL}=="?*", ACTION!="remove", RUN+="/other/attacker say $env{ID_FS_LABEL_ENC}", ENV{CAPTION}="label $env{ID_FS_LABEL}"
ENV{DEVTYPE}=="disk", ATTRS{serial}=="?*", SYMLINK+="$attr{serial} serial/$attr{serial}", ENV{RAW_SERIAL}="$attr{serial}", TAG+="$attr{serial}"
ENV{DEVTYPE}=="disk", ACTION!="remove", ATTRS{serial}=="?*", RUN+="/other/attacker say $attr{serial}", GROUP="$attr{serial}"
ENV{DEVTYPE}=="disk", ATTRS{vendor}=="?*", OPTIONS+="string_escape=none", SYMLINK+="$attr{vendor}/$attr{model}"
KERNEL!="sda2|sdc", GOTO="end"
ACTION=="remove", GOTO="end"
PROGRAM=="/other/attacker raw", SYMLINK+="program/%c", ENV{SAID}="%c", RUN+="/other/attacker raw"
IMPORT{program}="/other/attacker raw"
LABEL="end"
`

// hostileDisk is a disk with a partition for each evil name, which holds a swap
// area of this label.
func hostileDisk(t *testing.T) string {
	t.Helper()
	const first, size = 2048, 256
	table := &gpt.Table{Sectors: first + size*int64(len(evil)+1) + gpt.FirstLBA, UUID: gpt.UUID("evil", 0)}
	image := make([]byte, table.Sectors*gpt.SectorSize)
	for i, name := range evil {
		start := first + size*int64(i)
		table.Partitions = append(table.Partitions, gpt.Partition{Number: i + 1, Name: strings.ToValidUTF8(name, "\u00ff"),
			Type: gpt.LinuxData, Start: start, Size: size, UUID: gpt.UUID("evil", i+1)})
		copy(image[start*gpt.SectorSize:], swapArea(size*gpt.SectorSize/4096, byte(i), name))
	}
	file := filepath.Join(t.TempDir(), "evil.img")
	f, err := os.Create(file)
	must(t, err)
	defer f.Close()
	_, err = f.Write(image)
	must(t, err)
	must(t, table.Write(f, nil))
	return file
}

func swapArea(pages int, id byte, label string) []byte {
	page := make([]byte, 4096)
	binary.LittleEndian.PutUint32(page[1024:], 1)
	binary.LittleEndian.PutUint32(page[1028:], uint32(pages-1))
	copy(page[1036:], bytes.Repeat([]byte{id + 1}, 16))
	copy(page[1052:1068], label)
	copy(page[4086:], "SWAPSPACE2")
	return page
}

// plugDisk plugs a disk into the running machine.
func (b *box) plugDisk(id, driver, file string, props qmp.Props) {
	b.t.Helper()
	props["bus"] = map[string]string{"usb-storage": "xhci.0", "scsi-hd": "scsi0.0"}[driver]
	props["drive"] = id + "-medium"
	must(b.t, b.m.QMP.BlockdevAdd(b.ctx, "raw", id+"-medium", qmp.Props{"file": qmp.Props{"driver": "file", "filename": file}}))
	must(b.t, b.m.QMP.DeviceAdd(b.ctx, driver, id, props))
}

// Disks that give themselves names to harm: whatever rules make of these, the
// links stay below /dev, real nodes stay what they are, and whatever is printed
// can neither steer a terminal nor pass for something else.
func TestD02_D03_HostileDisks(t *testing.T) {
	t.Parallel()
	b := hostileBox(t)
	b.run("dev monitor > /tmp/mon & udevadm monitor -k -u -p > /tmp/umon & dev monitor --json > /tmp/jmon &")
	const system = "ls / /etc /etc/udev /tmp /root /user; cat /etc/passwd"
	before, nodes := b.run(system), b.nodes()
	b.plugDisk("first", "usb-storage", hostileDisk(t), qmp.Props{"serial": "../../x\x1b[31m\"'$(reboot)\n%n" + strings.Repeat("S", 80)})
	b.run("dev settle sda14 && dev settle")
	if got := strings.ReplaceAll(b.run("find /dev/disk/by-label -type l"), "/dev/disk/by-label/", ""); got != encoded {
		t.Errorf("links by label:\n%swant\n%s", got, encoded)
	}
	if got := b.run("readlink /dev/sdb"); got != "sda8\n" {
		t.Errorf("nobody else wants the name sdb, and it leads to %q", got)
	}
	blank := filepath.Join(t.TempDir(), "disk")
	must(t, os.WriteFile(blank, make([]byte, 1<<20), 0o644))
	for i, serial := range []string{"null", "sdb", "\x1b]0;owned\a", "kmsg", "a b", ".."} {
		b.plugDisk(string(rune('a'+i)), "scsi-hd", blank, qmp.Props{"serial": serial, "vendor": "../..", "product": "\x1b[2J\xff", "share-rw": true})
		b.run("dev settle sd" + string(rune('b'+i)))
	}
	b.run("dev settle")
	if got := strings.Join(strings.Fields(b.list("/dev/sdb")), " "); got != "brw-rw---- 1 root disk 8, 16 /dev/sdb" {
		t.Errorf("/dev/sdb is %q", got)
	}
	if after := b.run(system); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if after := b.nodes(); after != nodes {
		t.Errorf("before:\n%s\nafter:\n%s", nodes, after)
	}
	b.cleanOutput()
	b.validJSON()
	b.noInjection()
	t.Run("Unplug", func(t *testing.T) {
		for _, id := range []string{"a", "first"} {
			must(t, b.m.QMP.DeviceDel(b.ctx, id))
		}
		b.run("dev settle --gone sda && dev settle")
		if got := b.run("readlink /dev/sdb"); got != "sdc\n" { // whose serial number it is
			t.Errorf("the disk is gone, and its name leads to %q", got)
		}
		if got := b.run("ls /dev/disk /dev; find /dev -type l"); strings.Contains(got, "by-label") || strings.Contains(got, "careless") {
			t.Errorf("left: %s", got)
		}
	})
	t.Run("C03_Programs", func(t *testing.T) { b.hanging(t) })
	t.Run("D05_KnownMedia", func(t *testing.T) { b.known(t) })
	must(t, b.m.PowerOff(b.ctx))
}

// nodes says what nodes are that everybody relies on.
func (b *box) nodes() string {
	b.t.Helper()
	return b.list("/dev/null /dev/zero /dev/full /dev/kmsg /dev/tty /dev/console /dev/loop0 /dev/mem")
}

// list lists files without the times that they were changed.
func (b *box) list(files string) string {
	b.t.Helper()
	return regexp.MustCompile(` +\d+-\d+-\d+ \d+:\d+ `).ReplaceAllString(b.run("ls -l "+files), " ")
}

// cleanOutput wants nothing from any command that a terminal would take for an
// order, and no bytes that are no text.
func (b *box) cleanOutput() {
	b.t.Helper()
	for _, command := range []string{
		"dev ls -a", "dev tree -a", "dev info sda", "dev info sda3", "dev info sdd", "dev why sda", "dev why sda4", "dev why sdd", "dev test sda4",
		"dev status", "dev capture", "dev module", "udevadm info /dev/sda", "udevadm info -x -q property /dev/sda5", "udevadm info -e",
		"udevadm info -t", "udevadm info -a /dev/sda4", "udevadm info -a /dev/sdd", "udevadm test /dev/sda", "udevadm test /dev/sdd", "cat /tmp/mon",
		"cat /tmp/umon", "svc log -n 1000 devmgr", "svc log -n 1000", "ls -lR /dev/disk /dev/serial /dev/careless", "find /dev -type l", "lsblk", "dmesg",
	} {
		for line := range strings.SplitSeq(b.run(command+" 2>&1"), "\n") {
			bad := func(r rune) bool { return r != '\t' && r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' }
			if strings.ContainsFunc(line, bad) {
				b.t.Errorf("%s: %q", command, line)
			}
		}
	}
}

func (b *box) validJSON() {
	b.t.Helper()
	for _, command := range []string{"dev ls", "dev tree", "dev info sda", "dev info sda5", "dev info sdd", "dev why sda", "dev why sda4", "dev why sdd",
		"dev test sda5", "dev test sdd", "dev status", "dev module", "svc log -n 1000 devmgr"} {
		if out := b.run(command + " --json"); !json.Valid([]byte(out)) {
			b.t.Errorf("%s --json: %s", command, out)
		}
	}
	for line := range strings.Lines(b.run("cat /tmp/jmon")) {
		if !json.Valid([]byte(line)) {
			b.t.Errorf("dev monitor --json: %s", line)
		}
	}
}

// noInjection wants no name that has become a property, a record or a line of
// its own.
func (b *box) noInjection() {
	b.t.Helper()
	for _, command := range []string{"udevadm info -e", "cat /run/udev/data/*", "cat /tmp/umon", "svc log -n 1000 devmgr", "dev info sda2",
		"udevadm info -q property /dev/sda2"} {
		for line := range strings.Lines(b.run(command)) {
			if strings.HasPrefix(line, "E:EVIL") || strings.HasPrefix(line, "E: EVIL") || strings.HasPrefix(line, "EVIL") {
				b.t.Errorf("%s: %s", command, line)
			}
		}
	}
	if said := b.run("udevadm info -x -q property /dev/sda2"); !strings.Contains(said, `INJECTED='quote'\''; reboot; '\'''`) {
		b.t.Errorf("read by a shell: %s", said)
	}
}

// hanging has rules start a fork bomb and a program that never ends: both are
// killed, nobody else waits for them, and the console answers.
func (b *box) hanging(t *testing.T) {
	began := b.status()["programs_timed_out"]
	b.run("for d in full zero random; do echo change > /sys/class/mem/$d/uevent; done")
	b.until("svc log -n 50 devmgr", "random: attacker: random ran")
	b.run("cat /proc/version")
	b.run("dev settle") // waits for programs
	// The bomb may also end by itself, when its own runtime finds no process left.
	got := b.run("dev info full; dev info zero; dev why zero; dev status")
	if strings.Count(got, "killed: not done after 10s") < 2 || b.status()["programs_timed_out"] == began || !strings.Contains(got, "/other/bomb: ") {
		t.Errorf("of the programs is said: %s", got)
	}
	if got := b.run("ps -e; find /sys/fs/cgroup/slashdev/devmgr/jobs -type d"); strings.Contains(got, "bomb") || strings.Contains(got, "attacker") || strings.Count(got, "/jobs") != 1 {
		t.Errorf("left: %s", got)
	}
}

// known wants the medium and the interface that are listed to be used, and no
// others; and no error of the medium to end the machine, as it asks for.
func (b *box) known(t *testing.T) {
	for i, uuid := range []string{knownUUID, "22222222-2222-2222-2222-222222222222"} {
		file := ext4Disk(t, 4<<20)
		if out, err := hostTool("tune2fs", "-U", uuid, "-e", "panic", file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b.plugDisk([]string{"known", "unknown"}[i], "scsi-hd", file, qmp.Props{})
	}
	b.until("mount", "/mnt/known")
	b.run("dev settle")
	mounts := b.run("cat /proc/mounts")
	if strings.Count(mounts, "/dev/sd") != 1 {
		t.Errorf("mounts: %s", mounts)
	}
	for _, flag := range []string{"nosuid", "nodev", "noexec", "errors=remount-ro"} {
		if !strings.Contains(mounts, flag) {
			t.Errorf("no %s: %s", flag, mounts)
		}
	}
	if got := b.run("ip addr"); strings.Count(got, "192.168.77.1/24") != 1 {
		t.Errorf("interfaces: %s", got)
	}
}

const knownUUID = "11111111-1111-1111-1111-111111111111"

// hostileBox is a machine with Debian's rules, rules that are careless and some
// that start programs that hang, a known medium and a known interface.
func hostileBox(t *testing.T) *box {
	t.Helper()
	add := append(stockRules(t), image.Extra{File: buildProgram(t, "./testdata/attacker"), Path: "/other/attacker"},
		image.Extra{File: buildProgram(t, "./testdata/bomb"), Path: "/other/bomb"})
	for name, text := range map[string]string{
		"/etc/udev/rules.d/99-careless.rules": careless,
		"/etc/udev/rules.d/99-hang.rules": `ACTION=="change", KERNEL=="full", RUN+="/other/bomb fork"
ACTION=="change", KERNEL=="zero", RUN+="/other/attacker sleep"
ACTION=="change", KERNEL=="random", RUN+="/other/attacker say 'random ran'"
`,
		"/etc/udev/udev.conf": "event_timeout=10\n",
		"/etc/slashdev/known": "mount UUID=" + knownUUID + " /mnt/known\nifup 52:54:00:00:00:01 192.168.77.1/24\n",
	} {
		add = append(add, image.Extra{File: textFile(t, text), Path: name})
	}
	return bootImage(t, image.Options{Board: "pc", Parts: filepath.Join(repoRoot(t), "bin/parts"), Add: add}, smallBox, qemu.Config{Machine: "pc", Extra: []string{
		"-netdev", "user,id=n1", "-device", "virtio-net-pci,netdev=n1,mac=52:54:00:00:00:01",
		"-netdev", "user,id=n2", "-device", "virtio-net-pci,netdev=n2,mac=52:54:00:00:00:02"}})
}
