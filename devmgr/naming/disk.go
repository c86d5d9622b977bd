package naming

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"slashdev/devmgr/devtree"
)

// drive is a disk or partition on its way to its names.
type drive struct {
	device *devtree.Device
	disk   string // the kernel's name of the whole disk
	part   string // number of the partition, "" for the disk
}

func newDrive(d *devtree.Device) drive {
	v := drive{device: d, disk: d.DevName}
	if d.DevType() == "partition" {
		v.disk = strings.ReplaceAll(path.Base(path.Dir(d.DevPath)), "!", "/")
		v.part = d.Env.Get("PARTN")
		if !isNumber(v.part) {
			v.part = strings.TrimLeft(strings.TrimPrefix(d.DevName, v.disk), "p")
		}
	}
	return v
}

// inDir are the names of a disk that has a directory of its own.
func (v drive) inDir(dir, short string) Names {
	if v.part == "" {
		return Names{List: list(dir+"/disc", short, v.device.DevName), Class: "disc", Leads: dir}
	}
	if short != "" {
		short += "p" + v.part
	}
	return Names{List: list(dir+"/part"+v.part, short, v.device.DevName)}
}

var (
	nvmeDisk = regexp.MustCompile(`^nvme([0-9]+)n([0-9]+)$`)
	virtio   = regexp.MustCompile(`/virtio([0-9]+)/`)
	xenDisk  = regexp.MustCompile(`/vbd-([0-9]+)/`)
	mmcCard  = regexp.MustCompile(`/mmc([0-9]+):([0-9a-f]{4})/`)
	raidDisk = regexp.MustCompile(`^(cciss|rd)/c([0-9]+)d([0-9]+)$`)
	ideDisk  = regexp.MustCompile(`^hd([a-t])$`)
)

// block names what is in the class block.
func (n *Namer) block(d *devtree.Device, p Place) Names {
	if names, ok := n.onSCSI(d, p); ok {
		return names
	}
	v := newDrive(d)
	if names, ok := v.byBus(p); ok {
		return names
	}
	if devfs := charName(d); devfs != d.DevName {
		return named(d.DevName, devfs)
	}
	return v.other()
}

// byBus names disks of buses that have a directory for each.
func (v drive) byBus(p Place) (Names, bool) {
	at := v.device.DevPath
	if m := nvmeDisk.FindStringSubmatch(v.disk); m != nil {
		return v.inDir("nvme/ctrl"+m[1]+"/ns"+m[2], "nvme/c"+m[1]+"n"+m[2]), true
	}
	if m := virtio.FindStringSubmatch(at); m != nil && strings.HasPrefix(v.disk, "vd") {
		return v.inDir("virtio/"+m[1], "vd/v"+m[1]), true
	}
	if m := xenDisk.FindStringSubmatch(at); m != nil && strings.HasPrefix(v.disk, "xvd") {
		return v.inDir("xen/"+m[1], ""), true
	}
	if m := mmcCard.FindStringSubmatch(at); m != nil && strings.HasPrefix(v.disk, "mmcblk") {
		return v.card("mmc/host"+m[1]+"/"+m[2], "mmc/h"+m[1]), true
	}
	if m := raidDisk.FindStringSubmatch(v.disk); m != nil {
		return v.inDir(m[1]+"/host"+m[2]+"/target"+m[3], ""), true
	}
	if m := ideDisk.FindStringSubmatch(v.disk); m != nil {
		return v.onIDE(ideByLetter(m[1][0]), p.Media), true
	}
	return Names{}, false
}

// card names the areas of an MMC card: the medium, and what it boots from.
func (v drive) card(dir, short string) Names {
	_, area, ok := strings.Cut(v.disk, "boot")
	switch {
	case ok && v.part == "":
		return named(v.device.DevName, dir+"/boot"+area)
	case ok:
		return named(v.device.DevName, dir+"/boot"+area+"part"+v.part)
	}
	return v.inDir(dir, short)
}

// other makes sure that every disk is counted, whatever its driver.
func (v drive) other() Names {
	name := strings.TrimRight(v.disk, "0123456789")
	switch index := v.disk[len(name):]; {
	case strings.Contains(v.disk, "/"), name == "", index == "":
		return v.inDir("block/"+v.disk, "")
	default:
		return v.inDir("block/"+name+"/"+index, "")
	}
}

// address is where a device is on a bus of disks.
type address struct{ host, bus, target, lun string }

func (a address) dir(bus string) string {
	return bus + "/host" + a.host + "/bus" + a.bus + "/target" + a.target + "/lun" + a.lun
}

func (a address) short(class string) string {
	return class + "/c" + a.host + "b" + a.bus + "t" + a.target + "u" + a.lun
}

// ideByLetter: two drives on a channel, two channels on a controller.
func ideByLetter(c byte) address {
	i := int(c - 'a')
	return address{strconv.Itoa(i / 4), strconv.Itoa(i / 2 % 2), strconv.Itoa(i % 2), "0"}
}

func (v drive) onIDE(a address, media string) Names {
	dir, node := a.dir("ide"), v.device.DevName
	switch media {
	case "cdrom":
		return Names{List: list(dir+"/cd", a.short("ide/cd"), node), Class: "cdrom", Leads: dir + "/cd"}
	case "floppy":
		return v.inDir(dir, a.short("ide/fd"))
	}
	return v.inDir(dir, a.short("ide/hd"))
}
