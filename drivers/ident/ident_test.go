package ident

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// machine makes a tree of lines "DEVPATH SUBSYSTEM [FILE=TEXT]...".
func machine(lines string) fs.FS {
	m := fstest.MapFS{}
	for l := range strings.Lines(lines) {
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		dir := "devices/" + words[0]
		up := strings.Repeat("../", strings.Count(dir, "/")+1)
		if words[1] != "-" {
			m[dir+"/subsystem"] = &fstest.MapFile{Data: []byte(up + "class/" + words[1]), Mode: fs.ModeSymlink}
		}
		m[dir+"/uevent"] = &fstest.MapFile{}
		for _, w := range words[2:] {
			colon := strings.LastIndexByte(w, ':')
			file, text := w[:colon], w[colon+1:]
			m[path.Join(dir, file)] = &fstest.MapFile{Data: []byte(text + "\n")}
		}
	}
	m["devices/virtual/nvme-subsystem/nvme-subsys0/nvme0"] = &fstest.MapFile{
		Data: []byte("../../../pci0000:00/0000:00:1c.0/0000:02:00.0/nvme/nvme0"), Mode: fs.ModeSymlink}
	return m
}

const pc = `
pci0000:00/0000:00:1f.2 pci
pci0000:00/0000:00:1f.2/ata1 -
pci0000:00/0000:00:1f.2/ata1/ata_port/ata1 ata_port port_no:1
pci0000:00/0000:00:1f.2/ata1/host0 scsi uevent:DEVTYPE=scsi_host
pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0 scsi uevent:DEVTYPE=scsi_target
pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda block
pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1 block
pci0000:00/0000:00:1f.2/ata1/host0/target0:3:0/0:3:0:0 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:00:1f.2/ata1/host0/target0:3:0/0:3:0:0/block/sdm block
pci0000:00/0000:00:1c.0 pci
pci0000:00/0000:00:1c.0/0000:02:00.0 pci
pci0000:00/0000:00:1c.0/0000:02:00.0/nvme/nvme0 nvme
pci0000:00/0000:00:1c.0/0000:02:00.0/nvme/nvme0/nvme0n1 block nsid:1
pci0000:00/0000:00:1c.0/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p2 block
pci0000:00/0000:00:04.0 pci
pci0000:00/0000:00:04.0/usb1 usb
pci0000:00/0000:00:04.0/usb1/1-1 usb
pci0000:00/0000:00:04.0/usb1/1-1/1-1.3 usb
pci0000:00/0000:00:04.0/usb1/1-1/1-1.3/1-1.3:1.0 usb
pci0000:00/0000:00:04.0/usb1/1-1/1-1.3/1-1.3:1.0/host7 scsi
pci0000:00/0000:00:04.0/usb1/1-1/1-1.3/1-1.3:1.0/host7/target7:0:0/7:0:0:0 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:00:04.0/usb1/1-1/1-1.3/1-1.3:1.0/host7/target7:0:0/7:0:0:0/block/sdb block
pci0000:00/0000:00:05.0 pci
pci0000:00/0000:00:05.0/virtio2 virtio
pci0000:00/0000:00:05.0/virtio2/host3 scsi
pci0000:00/0000:00:05.0/virtio2/host4 scsi
pci0000:00/0000:00:05.0/virtio2/host4/target4:0:3/4:0:3:1 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:00:05.0/virtio2/host4/target4:0:3/4:0:3:1/block/sdc block
pci0000:00/0000:00:06.0 pci
pci0000:00/0000:00:06.0/virtio3 virtio
pci0000:00/0000:00:06.0/virtio3/block/vda block
pci0000:00/0000:00:07.0 pci
pci0000:00/0000:00:07.0/virtio4 virtio
pci0000:00/0000:00:07.0/virtio4/input/input9/event9 input
pci0000:00/0000:00:08.0 pci
pci0000:00/0000:00:08.0/block/odd block
platform/i8042 platform
platform/i8042/serio0 serio
platform/i8042/serio0/input/input0/event0 input
pci0000:00/0000:00:1f.0 pci
pci0000:00/0000:00:1f.0/PNP0B00:00 platform
pci0000:00/0000:00:1f.0/PNP0B00:00/rtc/rtc0 rtc
pci0000:00/0000:00:1f.0/PNP0B00:00/rtc/rtc0/alarmtimer.0.auto platform
pci0000:00/0000:03:00.0 pci
pci0000:00/0000:03:00.0/host8 scsi uevent:DEVTYPE=scsi_host
pci0000:00/0000:03:00.0/host8/port-8:0 - sas_port/port-8:0/num_phys:1
pci0000:00/0000:03:00.0/host8/port-8:0/end_device-8:0 - sas_device/end_device-8:0/phy_identifier:2
pci0000:00/0000:03:00.0/host8/port-8:0/end_device-8:0/target8:0:0/8:0:0:0 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:03:00.0/host8/port-8:0/end_device-8:0/target8:0:0/8:0:0:0/block/sde block
pci0000:00/0000:03:00.0/host8/port-8:1 - sas_port/port-8:1/num_phys:4
pci0000:00/0000:03:00.0/host8/port-8:1/end_device-8:1 - sas_device/end_device-8:1/sas_address:0x5000c50012345678
pci0000:00/0000:03:00.0/host8/port-8:1/end_device-8:1/target8:0:1/8:0:1:0 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:03:00.0/host8/port-8:1/end_device-8:1/target8:0:1/8:0:1:0/block/sdf block
pci0000:00/0000:03:00.0/host8/port-8:1/expander-8:0 - sas_device/expander-8:0/sas_address:0x500e004aaaaaaa1f
pci0000:00/0000:03:00.0/host8/port-8:1/expander-8:0/port-8:0:0 - sas_port/port-8:0:0/num_phys:1
pci0000:00/0000:03:00.0/host8/port-8:1/expander-8:0/port-8:0:0/end_device-8:2 - sas_device/end_device-8:2/phy_identifier:2
pci0000:00/0000:03:00.0/host8/port-8:1/expander-8:0/port-8:0:0/end_device-8:2/target8:0:2/8:0:2:3 scsi uevent:DEVTYPE=scsi_device
pci0000:00/0000:03:00.0/host8/port-8:1/expander-8:0/port-8:0:0/end_device-8:2/target8:0:2/8:0:2:3/block/sdg block
virtual/nvme-subsystem/nvme-subsys0 nvme-subsystem
virtual/nvme-subsystem/nvme-subsys0/nvme1n1 block nsid:1
virtual/block/loop0 block
virtual/input/mice input
`

const pi = `
platform/soc platform
platform/soc/3f202000.mmc platform
platform/soc/3f202000.mmc/mmc_host/mmc0 mmc_host
platform/soc/3f202000.mmc/mmc_host/mmc0/mmc0:4567 mmc
platform/soc/3f202000.mmc/mmc_host/mmc0/mmc0:4567/block/mmcblk0/mmcblk0p2 block
platform/soc/3f980000.usb platform
platform/soc/3f980000.usb/usb1 usb
platform/soc/3f980000.usb/usb1/1-1 usb
platform/soc/3f980000.usb/usb1/1-1/1-1.2 usb
platform/soc/3f980000.usb/usb1/1-1/1-1.2/1-1.2:1.0 usb
platform/soc/3f980000.usb/usb1/1-1/1-1.2/1-1.2:1.0/0003:0627:0001.0001 hid
platform/soc/3f980000.usb/usb1/1-1/1-1.2/1-1.2:1.0/0003:0627:0001.0001/input/input0/event0 input
platform/a003e00.virtio_mmio platform
platform/a003e00.virtio_mmio/virtio1 virtio
platform/a003e00.virtio_mmio/virtio1/block/vda block
`

func TestPaths(t *testing.T) {
	tests := []struct{ machine, device, want string }{
		{pc, "sda", "pci-0000:00:1f.2-ata-1.0 pci-0000:00:1f.2-ata-1"},
		{pc, "sda1", "pci-0000:00:1f.2-ata-1.0 pci-0000:00:1f.2-ata-1"},
		{pc, "sdm", "pci-0000:00:1f.2-ata-1.3.0 pci-0000:00:1f.2-ata-1"},
		{pc, "nvme0n1", "pci-0000:02:00.0-nvme-1"},
		{pc, "nvme0n1p2", "pci-0000:02:00.0-nvme-1"},
		{pc, "sdb", "pci-0000:00:04.0-usb-0:1.3:1.0-scsi-0:0:0:0"},
		{pc, "sdc", "pci-0000:00:05.0-scsi-1:0:3:1"},
		{pc, "vda", "pci-0000:00:06.0 virtio-pci-0000:00:06.0"},
		{pc, "alarmtimer.0.auto", "pci-0000:00:1f.0-platform-PNP0B00:00-platform-alarmtimer.0.auto"},
		{pc, "event9", "pci-0000:00:07.0"},
		{pc, "event0", "platform-i8042-serio-0"},
		{pc, "odd", ""}, // a bus address alone does not tell disks apart
		{pc, "sde", "pci-0000:03:00.0-sas-phy2-lun-0"},
		{pc, "sdf", "pci-0000:03:00.0-sas-0x5000c50012345678-lun-0"},
		{pc, "sdg", "pci-0000:03:00.0-sas-exp0x500e004aaaaaaa1f-phy2-lun-3"},
		{pc, "nvme1n1", "pci-0000:02:00.0-nvme-1"}, // its subsystem has two ways, perhaps
		{pc, "loop0", ""},
		{pc, "mice", ""},
		{pi, "mmcblk0p2", "platform-3f202000.mmc"},
		{pi, "event0", "platform-3f980000.usb-usb-0:1.2:1.0"},
		{pi, "vda", "platform-a003e00.virtio_mmio"},
	}
	for _, tt := range tests {
		if got := strings.Join(Paths(machine(tt.machine), find(t, tt.machine, tt.device)), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.device, got, tt.want)
		}
	}
}

func find(t *testing.T, lines, name string) string {
	t.Helper()
	for l := range strings.Lines(lines) {
		if words := strings.Fields(l); len(words) > 0 && path.Base(words[0]) == name {
			return "/devices/" + words[0]
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

func TestPathsOfNonsense(t *testing.T) {
	for _, p := range []string{"", "/", "/devices", "x", "/devices/nosuch/a/b", strings.Repeat("/a", 500)} {
		if got := Paths(machine(pc), p); got != nil {
			t.Errorf("%.20s: %q", p, got)
		}
	}
}

// Of devices without a class, only the bus says that there is one at a place.
func TestInputClassOnBuses(t *testing.T) {
	for _, tt := range []struct{ bus, driver, want string }{
		{"acpi", "button", " false"}, {"platform", "gpio", " true"}, {"usb", "usbhid", " true"}, {"platform", "pcspkr", "spkr true"},
	} {
		m := machine("a " + tt.bus + "\na/input/input3 input capabilities/ev:3").(fstest.MapFS)
		m["devices/a/driver"] = &fstest.MapFile{Data: []byte("../../bus/x/drivers/" + tt.driver), Mode: fs.ModeSymlink}
		class, ok := InputClass(m, "/devices/a/input/input3")
		if got := fmt.Sprint(class, " ", ok); got != tt.want {
			t.Errorf("%s on %s: got %q, want %q", tt.driver, tt.bus, got, tt.want)
		}
	}
}

func TestInputClass(t *testing.T) {
	tests := []struct{ name, files, want string }{
		{"keyboard", "capabilities/ev:120013 capabilities/key:1000000000007.ff9f207ac14057ff.febeffdfffefffff.fffffffffffffffe", "kbd"},
		{"power button", "capabilities/ev:3 capabilities/key:10000000000000.0", ""},
		{"mouse", "capabilities/ev:17 capabilities/rel:903 capabilities/key:1f0000.0.0.0.0", "mouse"},
		{"USB tablet of QEMU", "capabilities/ev:1f capabilities/abs:3 capabilities/rel:100 capabilities/key:70000.0.0.0.0", "mouse"},
		{"touch pad", "capabilities/ev:b capabilities/abs:660800011000003 capabilities/key:e520.10000.0.0.0.0 properties:5", "mouse"},
		{"touch screen", "capabilities/ev:b capabilities/abs:660800011000003 capabilities/key:400.0.0.0.0.0 properties:2", ""},
		{"pen", "capabilities/ev:b capabilities/abs:1000003 capabilities/key:1c03.0.0.0.0.0", "mouse"},
		{"joystick", "capabilities/ev:b capabilities/abs:3003f capabilities/key:7fdb000000000000.0.0.0.0", "joystick"},
		{"speaker", "capabilities/ev:40001", ""},
		{"nonsense", "capabilities/ev:zz capabilities/key:-1", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		files := strings.ReplaceAll(tt.files, ".", "·")
		m := machine("a/input/input3 input " + files + "\na/input/input3/event3 input").(fstest.MapFS)
		for _, f := range m {
			f.Data = []byte(strings.ReplaceAll(string(f.Data), "·", " "))
		}
		for _, dev := range []string{"/devices/a/input/input3", "/devices/a/input/input3/event3"} {
			if got, ok := InputClass(m, dev); got != tt.want || ok != (got != "") {
				t.Errorf("%s: got %q, %v, want %q", tt.name, got, ok, tt.want)
			}
		}
	}
}
