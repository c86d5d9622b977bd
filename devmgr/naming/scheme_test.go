package naming

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

// device makes one of a line: DEVPATH SUBSYSTEM DEVNAME [KEY=VALUE]...
func device(line string) *devtree.Device {
	words := strings.Fields(line)
	env := []string{"MAJOR=7", "MINOR=1", "DEVNAME=" + words[2]}
	if words[2] == "-" {
		env = nil
	}
	for _, w := range words[3:] {
		if key, _, _ := strings.Cut(w, "="); key == "MAJOR" || key == "MINOR" {
			env = append([]string{w}, env...)
			continue
		}
		env = append(env, w)
	}
	return devtree.NewDevice(uevent.Event{DevPath: words[0], Subsystem: words[1], Env: uevent.Lines(strings.Join(env, "\n") + "\n")})
}

const (
	scsi = "/devices/pci0000:00/0000:00:05.0/virtio2/host0/target0:0:1/0:0:1:4099"
	sata = "/devices/pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0"
	nvme = "/devices/pci0000:00/0000:00:06.0/nvme/nvme0"
	card = "/devices/platform/3f202000.mmc/mmc_host/mmc0/mmc0:aaaa"
	vda  = "/devices/pci0000:00/0000:00:04.0/virtio1/block/vda"
	part = " DEVTYPE=partition PARTN="
)

// TestS3_65_Names has a row for each class that had a driver in devfs, and for
// those of today.
func TestS3_65_Names(t *testing.T) {
	tests := []struct {
		device string
		want   string // devfs, new-compat, old-compat, and what is counted
	}{
		{scsi + "/block/sda block sda DEVTYPE=disk", "scsi/host0/bus0/target1/lun4099/disc sd/c0b0t1u4099 sda disc:scsi/host0/bus0/target1/lun4099"},
		{scsi + "/block/sda/sda12 block sda12" + part + "12", "scsi/host0/bus0/target1/lun4099/part12 sd/c0b0t1u4099p12 sda12"},
		{sata + "/block/sr0 block sr0 DEVTYPE=disk", "scsi/host2/bus0/target0/lun0/cd sr/c2b0t0u0 sr0 scd0 cdrom:scsi/host2/bus0/target0/lun0/cd"},
		{scsi + "/scsi_tape/st0 scsi_tape st0", "scsi/host0/bus0/target1/lun4099/mt st/c0b0t1u4099m0 st0 tape:scsi/host0/bus0/target1/lun4099"},
		{scsi + "/scsi_tape/st0l scsi_tape st0l", "scsi/host0/bus0/target1/lun4099/mtl st/c0b0t1u4099m1 st0l"},
		{scsi + "/scsi_tape/st0m scsi_tape st0m", "scsi/host0/bus0/target1/lun4099/mtm st/c0b0t1u4099m2 st0m"},
		{scsi + "/scsi_tape/st0a scsi_tape st0a", "scsi/host0/bus0/target1/lun4099/mta st/c0b0t1u4099m3 st0a"},
		{scsi + "/scsi_tape/nst0 scsi_tape nst0", "scsi/host0/bus0/target1/lun4099/mtn st/c0b0t1u4099m0n nst0"},
		{scsi + "/scsi_tape/nst0a scsi_tape nst0a", "scsi/host0/bus0/target1/lun4099/mtan st/c0b0t1u4099m3n nst0a"},
		{scsi + "/scsi_generic/sg3 scsi_generic sg3", "scsi/host0/bus0/target1/lun4099/generic sg/c0b0t1u4099 sg3"},
		{scsi + "/bsg/0:0:1:4099 bsg bsg/0:0:1:4099", "scsi/host0/bus0/target1/lun4099/bsg bsg/0:0:1:4099"},
		{nvme + " nvme nvme0", "nvme/ctrl0/ctl nvme0"},
		{nvme + "/nvme0n2 block nvme0n2 DEVTYPE=disk", "nvme/ctrl0/ns2/disc nvme/c0n2 nvme0n2 disc:nvme/ctrl0/ns2"},
		{nvme + "/nvme0n2/nvme0n2p1 block nvme0n2p1" + part + "1", "nvme/ctrl0/ns2/part1 nvme/c0n2p1 nvme0n2p1"},
		{nvme + "/ng0n2 nvme-generic ng0n2", "nvme/ctrl0/ns2/generic ng0n2"},
		{vda + " block vda DEVTYPE=disk", "virtio/1/disc vd/v1 vda disc:virtio/1"},
		{vda + "/vda3 block vda3" + part + "3", "virtio/1/part3 vd/v1p3 vda3"},
		{"/devices/vbd-51712/block/xvda block xvda DEVTYPE=disk", "xen/51712/disc xvda disc:xen/51712"},
		{card + "/block/mmcblk1 block mmcblk1 DEVTYPE=disk", "mmc/host0/aaaa/disc mmc/h0 mmcblk1 disc:mmc/host0/aaaa"},
		{card + "/block/mmcblk1/mmcblk1p2 block mmcblk1p2" + part + "2", "mmc/host0/aaaa/part2 mmc/h0p2 mmcblk1p2"},
		{card + "/block/mmcblk1/mmcblk1boot0 block mmcblk1boot0 DEVTYPE=disk", "mmc/host0/aaaa/boot0 mmcblk1boot0"},
		{card + "/mmcblk1rpmb mmc_rpmb mmcblk1rpmb", "mmc/host0/aaaa/rpmb mmcblk1rpmb"},
		{"/devices/pci0/ide0/0.0/block/hda block hda DEVTYPE=disk", "ide/host0/bus0/target0/lun0/disc ide/hd/c0b0t0u0 hda disc:ide/host0/bus0/target0/lun0"},
		{"/devices/pci0/ide1/1.1/block/hdd/hdd1 block hdd1" + part + "1", "ide/host0/bus1/target1/lun0/part1 ide/hd/c0b1t1u0p1 hdd1"},
		{"/devices/pci0/c/block/cciss!c0d1 block cciss/c0d1 DEVTYPE=disk", "cciss/host0/target1/disc cciss/c0d1 disc:cciss/host0/target1"},
		{"/devices/pci0/c/block/cciss!c0d1/cciss!c0d1p1 block cciss/c0d1p1" + part + "1", "cciss/host0/target1/part1 cciss/c0d1p1"},
		{"/devices/virtual/block/loop3 block loop3 DEVTYPE=disk", "loop/3 loop3"},
		{"/devices/virtual/block/loop3/loop3p2 block loop3p2" + part + "2", "loop/3p2 loop3p2"},
		{"/devices/virtual/block/ram0 block ram0 DEVTYPE=disk", "rd/0 ram0"},
		{"/devices/virtual/block/zram0 block zram0 DEVTYPE=disk", "zram/0 zram0"},
		{"/devices/virtual/block/nbd0 block nbd0 DEVTYPE=disk", "nbd/0 nbd0"},
		{"/devices/virtual/block/md0 block md0 DEVTYPE=disk", "md/0 md0"},
		{"/devices/virtual/block/md_d1 block md_d1 DEVTYPE=disk", "md/d1 md_d1"},
		{"/devices/virtual/block/dm-1 block dm-1 DEVTYPE=disk", "dm/1 dm-1"},
		{"/devices/platform/floppy.0/block/fd0 block fd0 DEVTYPE=disk", "floppy/0 fd0"},
		{"/devices/platform/floppy.0/block/fd0u1440 block fd0u1440 DEVTYPE=disk", "floppy/0u1440 fd0u1440"},
		{"/devices/virtual/mtd/mtd0 mtd mtd0", "mtd/0 mtd0"},
		{"/devices/virtual/mtd/mtd0ro mtd mtd0ro", "mtd/0ro mtd0ro"},
		{"/devices/virtual/block/mtdblock0 block mtdblock0 DEVTYPE=disk", "mtdblock/0 mtdblock0"},
		{"/devices/virtual/ubi/ubi0_1 ubi ubi0_1", "ubi/0_1 ubi0_1"},
		{"/devices/x/pmem1 block pmem1 DEVTYPE=disk", "block/pmem/1/disc pmem1 disc:block/pmem/1"},
		{"/devices/x/pmem1/pmem1p2 block pmem1p2" + part + "2", "block/pmem/1/part2 pmem1p2"},
		{"/devices/x/rssda block rssda DEVTYPE=disk", "block/rssda/disc rssda disc:block/rssda"},
		{"/devices/virtual/tty/tty tty tty", "tty"},
		{"/devices/virtual/tty/tty0 tty tty0", "vc/0 tty0"},
		{"/devices/virtual/tty/tty12 tty tty12", "vc/12 tty12"},
		{"/devices/virtual/tty/console tty console", "console"},
		{"/devices/virtual/tty/ptmx tty ptmx", "ptmx"},
		{"/devices/virtual/vc/vcs vc vcs", "vcc/0 vcs"},
		{"/devices/virtual/vc/vcs2 vc vcs2", "vcc/2 vcs2"},
		{"/devices/virtual/vc/vcsa vc vcsa", "vcc/a0 vcsa"},
		{"/devices/virtual/vc/vcsa2 vc vcsa2", "vcc/a2 vcsa2"},
		{"/devices/virtual/vc/vcsu7 vc vcsu7", "vcc/u7 vcsu7"},
		{"/devices/pnp0/00:04/tty/ttyS0 tty ttyS0", "tts/0 ttyS0"},
		{"/devices/platform/x/tty/ttyAMA0 tty ttyAMA0", "tts/AMA0 ttyAMA0"},
		{"/devices/x/tty/ttyR3 tty ttyR3", "tts/R3 ttyR3"},
		{"/devices/x/tty/hvc0 tty hvc0", "tts/hvc0 hvc0"},
		{"/devices/x/usb1/tty/ttyUSB0 tty ttyUSB0", "usb/tts/0 ttyUSB0"},
		{"/devices/x/usb1/tty/ttyACM1 tty ttyACM1", "usb/acm/1 ttyACM1"},
		{"/devices/virtual/tty/ptyq3 tty ptyq3 MAJOR=2", "pty/m19 ptyq3"},
		{"/devices/virtual/tty/ttyef tty ttyef MAJOR=3", "pty/s255 ttyef"},
		{"/devices/virtual/mem/null mem null", "null"},
		{"/devices/virtual/mem/kmsg mem kmsg", "kmsg"},
		{"/devices/virtual/misc/rfkill misc rfkill", "misc/rfkill rfkill"},
		{"/devices/virtual/misc/psaux misc psaux", "misc/psaux psaux"},
		{"/devices/virtual/misc/tun misc net/tun", "misc/net/tun net/tun"},
		{"/devices/virtual/misc/device-mapper misc mapper/control", "mapper/control"},
		{"/devices/x/printer/lp0 printer lp0", "printers/0 lp0"},
		{"/devices/x/ppdev/parport0 ppdev parport0", "parports/0 parport0"},
		{"/devices/x/usbmisc/lp0 usbmisc usb/lp0", "usb/lp0"},
		{"/devices/x/usbmisc/hiddev0 usbmisc usb/hiddev0", "usb/hid/hiddev0 usb/hiddev0"},
		{"/devices/x/hidraw/hidraw1 hidraw hidraw1", "hid/raw1 hidraw1"},
		{"/devices/x/input1/event1 input input/event1", "input/event1"},
		{"/devices/x/input1/js0 input input/js0", "input/js0 js0"},
		{"/devices/x/sound/dsp sound dsp", "sound/dsp dsp"},
		{"/devices/x/sound/mixer1 sound mixer1", "sound/mixer1 mixer1"},
		{"/devices/x/sound/pcmC0D0p sound snd/pcmC0D0p", "snd/pcmC0D0p"},
		{"/devices/x/video4linux/video0 video4linux video0", "v4l/video0 video0"},
		{"/devices/x/video4linux/vbi0 video4linux vbi0", "v4l/vbi0 vbi0"},
		{"/devices/x/media0 media media0", "media/0 media0"},
		{"/devices/x/cec0 cec cec0", "cec/0 cec0"},
		{"/devices/x/dvb0.frontend0 dvb dvb/adapter0/frontend0", "dvb/adapter0/frontend0"},
		{"/devices/x/graphics/fb0 graphics fb0", "fb/0 fb0"},
		{"/devices/x/drm/card0 drm dri/card0", "dri/card0"},
		{"/devices/x/rtc/rtc0 rtc rtc0", "misc/rtc0 rtc0"},
		{"/devices/x/watchdog/watchdog0 watchdog watchdog0", "misc/watchdog0 watchdog0"},
		{"/devices/x/tpm/tpm0 tpm tpm0", "misc/tpm0 tpm0"},
		{"/devices/x/i2c-dev/i2c-7 i2c-dev i2c-7", "i2c/7 i2c-7"},
		{"/devices/x/spidev/spidev0.1 spidev spidev0.1", "spi/0.1 spidev0.1"},
		{"/devices/x/gpiochip0 gpio gpiochip0", "gpio/0 gpiochip0"},
		{"/devices/x/iio:device0 iio iio:device0", "iio/0 iio:device0"},
		{"/devices/x/fw0 firewire fw0", "fw/0 fw0"},
		{"/devices/system/cpu/cpu0/msr msr cpu/0/msr", "cpu/0/msr"},
		{"/devices/x/pg0 pg pg0", "pg/0 pg0"},
		{"/devices/virtual/raw/raw1 raw raw/raw1", "raw/raw1"},
		{"/devices/x/net/eth0 net -", "net/eth0"},
		{"/devices/x/usb1/1-1 usb bus/usb/001/002", "bus/usb/001/002"},
	}
	for _, tt := range tests {
		d := device(tt.device)
		if got := describe(NewNamer(Options{}, nil).Names(d, Place{})); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", d.DevPath, got, tt.want)
		}
	}
}

func describe(n Names) string {
	var words []string
	for _, name := range n.List {
		words = append(words, name.Text)
	}
	if n.Class != "" {
		words = append(words, n.Class+":"+n.Leads)
	}
	return strings.Join(words, " ")
}

// Old leads back from the tree, where the kernel still has the old name.
func TestS3_65_OldNames(t *testing.T) {
	for devfs, want := range map[string]string{
		"sound/dsp": "dsp", "printers/0": "lp0", "v4l/video0": "video0", "vc/1": "tty1", "vc/0": "tty0", "tts/0": "ttyS0",
		"tts/E1": "ttyE1", "cua/E1": "cue1", "cua/R1": "cur1", "cua/F1": "cuf1", "tts/C1": "ttyC1", "cua/C1": "cub1", "cua/0": "cua0",
		"vcc/0": "vcs", "vcc/a": "vcsa", "vcc/a0": "vcsa", "vcc/a3": "vcsa3", "vcc/u3": "vcsu3", "vcc/x": "",
		"pty/m0": "ptyp0", "pty/s255": "ttyef", "pty/s256": "", "pty/m": "", "i2c/3": "i2c-3", "rd/1": "ram1", "floppy/0u1440": "fd0u1440",
		"netlink/route": "route", "isdn/isdn0": "isdn0", "ip2/0": "ip20", "staliomem/1": "staliomem1", "misc/rtc": "rtc",
		"input/js0": "js0", "input/event0": "", "null": "", "scsi": "", "tts/AMA0": "ttyAMA0",
	} {
		if got := Old(devfs); got != want {
			t.Errorf("%s: got %q, want %q", devfs, got, want)
		}
	}
}

func TestS3_51_IDEOfToday(t *testing.T) {
	n := NewNamer(Options{ATAAsIDE: true}, nil)
	for _, tt := range [][2]string{
		{"2 /block/sda block sda DEVTYPE=disk", "ide/host0/bus2/target0/lun0/disc ide/hd/c0b2t0u0 sda disc:ide/host0/bus2/target0/lun0"},
		{"2 /block/sda/sda1 block sda1" + part + "1", "ide/host0/bus2/target0/lun0/part1 ide/hd/c0b2t0u0p1 sda1"},
		{"3 /block/sr0 block sr0 DEVTYPE=disk", "ide/host0/bus3/target0/lun0/cd ide/cd/c0b3t0u0 sr0 scd0 cdrom:ide/host0/bus3/target0/lun0/cd"},
	} {
		port, rest, _ := strings.Cut(tt[0], " ")
		if got := describe(n.Names(device(sata+rest), Place{Port: port})); got != tt[1] {
			t.Errorf("got %s, want %s", got, tt[1])
		}
	}
	d := device("/devices/pci0/ide1/1.0/block/hdc block hdc DEVTYPE=disk")
	for media, want := range map[string]string{
		"cdrom":  "ide/host0/bus1/target0/lun0/cd ide/cd/c0b1t0u0 hdc cdrom:ide/host0/bus1/target0/lun0/cd",
		"floppy": "ide/host0/bus1/target0/lun0/disc ide/fd/c0b1t0u0 hdc disc:ide/host0/bus1/target0/lun0",
	} {
		if got := describe(n.Names(d, Place{Media: media})); got != want {
			t.Errorf("%s: got %s, want %s", media, got, want)
		}
	}
}

func TestS3_61_HostsByDriver(t *testing.T) {
	n := NewNamer(Options{Hosts: []string{"ahci", "qla", "ahci"}}, nil)
	disk := func(pci string, host int, driver string) string {
		d := device(fmt.Sprintf("/devices/pci0/%s/host%d/target%d:0:0/%d:0:0:0/block/sdb block sdb DEVTYPE=disk", pci, host, host, host))
		return n.Names(d, Place{Driver: driver}).First(NewCompat)
	}
	for _, tt := range []struct {
		pci, driver, want string
		host              int
	}{
		{"a", "usb", "sd/c3b0t0u0", 0}, {"b", "ahci", "sd/c0b0t0u0", 1}, {"c", "ahci", "sd/c2b0t0u0", 2},
		{"d", "qla", "sd/c1b0t0u0", 3}, {"e", "qla", "sd/c4b0t0u0", 4}, {"a", "usb", "sd/c3b0t0u0", 9},
	} {
		if got := disk(tt.pci, tt.host, tt.driver); got != tt.want {
			t.Errorf("host%d of %s at %s: got %s, want %s", tt.host, tt.driver, tt.pci, got, tt.want)
		}
	}
}

func TestLinksOfSchemes(t *testing.T) {
	n := NewNamer(Options{}, nil).Names(device(vda+" block vda DEVTYPE=disk"), Place{})
	var got strings.Builder
	for _, l := range n.Links("vda", Devfs, NewCompat, OldCompat) {
		got.WriteString(l.Name + " -> " + l.Target + "\n")
	}
	want := "virtio/1/disc -> ../../vda\ndiscs/disc0 -> ../virtio/1\nvd/v1 -> ../vda\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// machine is a random set of devices as a kernel could have them.
func machine(r *rand.Rand) []*devtree.Device {
	var lines []string
	add := func(format string, a ...any) { lines = append(lines, fmt.Sprintf(format, a...)) }
	disk := func(path, name, p string) {
		add("%s/%s block %s DEVTYPE=disk", path, name, name)
		for i := range r.IntN(3) {
			add("%s/%s/%s%s%d block %s%s%d%s%d", path, name, name, p, i+1, name, p, i+1, part, i+1)
		}
	}
	for i := range r.IntN(30) {
		h, u := r.IntN(3), i // the kernel has one device at an address
		at := fmt.Sprintf("/devices/pci0/%d/host%d/target%d:0:1/%d:0:1:%d", h, h, h, h, u)
		switch r.IntN(3) {
		case 0:
			disk(at+"/block", "sd"+string(rune('a'+i)), "")
			add("%s/scsi_generic/sg%d scsi_generic sg%d", at, i, i)
		case 1:
			disk(at+"/block", fmt.Sprintf("sr%d", i), "")
		default:
			for _, mode := range []string{"st%d", "nst%d", "st%dl", "nst%dl", "st%dm", "st%da", "nst%da"} {
				name := fmt.Sprintf(mode, i)
				add("%s/scsi_tape/%s scsi_tape %s", at, name, name)
			}
		}
		disk(fmt.Sprintf("/devices/pci0/virtio%d/block", i), "vd"+string(rune('a'+i)), "")
		disk(fmt.Sprintf("/devices/pci0/nvme/nvme%d", i), fmt.Sprintf("nvme%dn1", i), "p")
		disk("/devices/virtual/block", fmt.Sprintf("loop%d", i), "p")
		disk("/devices/virtual/block", fmt.Sprintf("pmem%d", i), "p")
		add("/devices/virtual/tty/tty%d tty tty%d", i, i)
		add("/devices/x/tty/ttyS%d tty ttyS%d", i, i)
		add("/devices/x/tty/ttyAMA%d tty ttyAMA%d", i, i)
		add("/devices/x/misc/m%d misc m%d", i, i)
		add("/devices/x/net/eth%d net -", i)
	}
	var all []*devtree.Device
	for i, l := range lines {
		if strings.Contains(l, "/sr") && strings.Contains(l, "partition") {
			continue // a CD drive has no partitions
		}
		all = append(all, device(fmt.Sprintf("%s MAJOR=%d MINOR=%d", l, 100+i%7, i/7)))
	}
	return all
}

// Names and devices belong to each other one to one, whatever is plugged in,
// and a number in a class is one device's.
func TestS3_65_NamesAreABijection(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := NewNamer(Options{Stable: seed%2 == 0}, nil)
		all := machine(r)
		for range 4 {
			present, known := r.Perm(len(all))[:r.IntN(len(all)+1)], []Known(nil)
			owner := map[string]string{}
			for _, i := range present {
				names := n.Names(all[i], Place{})
				known = append(known, Known{Device: all[i], Names: names})
				for _, name := range append(names.List, Name{Devfs, names.Counted()}) {
					key := string(name.Scheme) + " " + name.Text
					if other := owner[key]; other != "" && name.Text != "" {
						t.Fatalf("seed %d: %s is both %s and %s", seed, key, other, all[i].DevPath)
					}
					owner[key] = all[i].DevPath
				}
			}
			resolveAll(t, NewResolver(known), known)
			for _, i := range present {
				n.Drop(all[i].DevPath)
			}
		}
	}
}

// resolveAll finds each device by each of its names.
func resolveAll(t *testing.T, r *Resolver, known []Known) {
	t.Helper()
	find := func(name string, want *devtree.Device) {
		t.Helper()
		if d, _, err := r.Resolve(name); d != want {
			t.Fatalf("%s leads to %v, not to %s: %v", name, d, want.DevPath, err)
		}
	}
	for _, k := range known {
		for _, name := range k.Names.List {
			find(name.Text, k.Device)
			find("/dev/"+name.Text, k.Device)
		}
		if c := k.Names.Counted(); c != "" {
			find(c+strings.TrimPrefix(k.Names.First(Devfs), k.Names.Leads), k.Device)
		}
		if k.Device.HasNode() {
			find(k.Device.DevName, k.Device)
			find(k.Device.Number(), k.Device)
		}
	}
}

func BenchmarkNames(b *testing.B) {
	n := NewNamer(Options{}, nil)
	all := []*devtree.Device{
		device(scsi + "/block/sda block sda DEVTYPE=disk"), device(scsi + "/block/sda/sda12 block sda12" + part + "12"),
		device("/devices/virtual/tty/tty12 tty tty12"), device("/devices/virtual/misc/rfkill misc rfkill"), device("/devices/x/usb1/1-1 usb bus/usb/001/002"),
	}
	for i := 0; b.Loop(); i++ {
		n.Names(all[i%len(all)], Place{})
	}
}

// BenchmarkCount gives 10,000 disks a number and takes them back, one after the other.
func BenchmarkCount(b *testing.B) {
	var n Numbers
	names := make([]string, 10000)
	for i := range names {
		names[i] = fmt.Sprint("/devices/", i)
		n.Take("disc", names[i], names[i])
	}
	for i := 0; b.Loop(); i++ {
		name := names[i%len(names)]
		n.Drop(name)
		n.Take("disc", name, name)
	}
}

func BenchmarkResolver(b *testing.B) {
	n := NewNamer(Options{}, nil)
	var all []Known
	for i := range 10000 {
		d := device(fmt.Sprintf("/devices/pci0/virtio%d/block/vd%d block vd%d DEVTYPE=disk MAJOR=254 MINOR=%d", i, i, i, i))
		all = append(all, Known{Device: d, Names: n.Names(d, Place{})})
	}
	for b.Loop() {
		if _, _, err := NewResolver(all).Resolve("discs/disc9999/disc"); err != nil {
			b.Fatal(err)
		}
	}
}
