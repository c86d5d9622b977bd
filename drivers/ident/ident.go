// Package ident derives the identity of a device from sysfs, in the words of
// the programs and built-ins that udev's rules call.
//
// [USB] is usb_id, [Path] is path_id, [Input] is input_id, [Net] is net_id,
// [SCSI] is scsi_id, [ATA] is ata_id, [FIDO] is fido_id and [Memory] is
// dmi_memory_id. Each takes the tree of sysfs and the path of a device in it ("/devices/pci0000:00/...") and
// returns properties in the order in which udev 252 says them, with the values
// that it gives them. What a device says of itself is taken for hostile: it
// comes out bounded, with every byte replaced or written as \xNN that has no
// place in the name of a file or on a terminal.
//
// [LinkRules] are net_setup_link, [Keyboard] makes a plan of what the builtin
// keyboard does, [Identify], [InputSize] and [V4L] take what a device answered
// to an ioctl, [Cdrom] what a CD drive answered; package ask asks them. There is
// no equivalent of uaccess, which gives the devices of a seat to who sits there:
// nobody sits at an appliance.
//
// Paths says where a device is plugged in, in the words of udev's ID_PATH,
// which people have in their fstab: pci-0000:00:1f.2-ata-1,
// pci-0000:00:04.0-usb-0:1:1.0-scsi-0:0:0:0, platform-3f202000.mmc. Everything
// is read from a tree given as fs.FS and nothing is opened but attributes.
package ident

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxDepth bounds the walk from a device to the root.
const maxDepth = 64

// Path says what udev's path_id says of a device, where it is plugged in:
//
//	ID_PATH=pci-0000:00:1f.2-ata-1.0
//	ID_PATH_TAG=pci-0000_00_1f_2-ata-1_0
//	ID_PATH_ATA_COMPAT=pci-0000:00:1f.2-ata-1
//
// The last one only of disks at an ATA port, as older versions named them. The
// source is the chain of devices above it.
func Path(tree fs.FS, devpath string) ([]Property, error) {
	w := climb(tree, devpath)
	if w == nil {
		return nil, fmt.Errorf("path_id: %s: no bus with stable addresses: %w", devpath, fs.ErrNotExist)
	}
	return w.properties(), nil
}

func (w *walk) properties() []Property {
	main := join(w.parts)
	all := properties{{"ID_PATH", main}, {"ID_PATH_TAG", tag(main)}}
	if w.older != "" {
		all.add("ID_PATH_ATA_COMPAT", w.spelled(w.older))
	}
	return all
}

// walk is the way from a device up to the root of the machine.
type walk struct {
	tree  fs.FS
	parts []string // nearest to the device first
	// older holds the last part in an older spelling of udev, "" if the same.
	older     string
	transport bool // a bus that says which of several devices it is
	parent    bool // a bus with stable addresses
	virtio    bool
	nsid      string // of an NVMe namespace
	disk      bool   // block device or tape
}

// Paths returns the path of the device at devpath, and behind it the older
// spellings by which it is known too. It returns nothing for devices that are
// not plugged in anywhere, or whose place has no stable address.
func Paths(tree fs.FS, devpath string) []string {
	w := climb(tree, devpath)
	if w == nil {
		return nil
	}
	all := []string{join(w.parts)}
	if w.older != "" {
		all = append(all, w.spelled(w.older))
	}
	if w.virtio && w.disk && strings.HasPrefix(all[0], "pci-") {
		all = append(all, "virtio-"+all[0])
	}
	return all
}

// climb walks from a device to the root, and returns nil if its place has no
// stable address.
func climb(tree fs.FS, devpath string) *walk {
	kind := subsystem(tree, strings.TrimPrefix(devpath, "/"))
	w := &walk{tree: tree, disk: kind == "block" || kind == "scsi_tape"}
	for dir, n := strings.TrimPrefix(devpath, "/"), 0; strings.Contains(dir, "/") && n < maxDepth; n++ {
		dir = w.visit(dir)
	}
	if !w.stable() {
		return nil
	}
	return w
}

// stable says whether the place is one of its own: a bus address alone does not
// tell the disks behind one controller apart.
func (w *walk) stable() bool {
	return len(w.parts) > 0 && w.parent && (w.transport || !w.disk)
}

// spelled returns the path with another word for the place nearest to the
// device.
func (w *walk) spelled(nearest string) string {
	parts := append([]string{}, w.parts...)
	parts[0] = nearest
	return join(parts)
}

func join(nearestFirst []string) string {
	var b strings.Builder
	for i := len(nearestFirst) - 1; i >= 0; i-- {
		b.WriteString(nearestFirst[i])
		if i > 0 {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// visit looks at one directory and returns the next one above it.
func (w *walk) visit(dir string) string {
	name, up := path.Base(dir), path.Dir(dir)
	switch subsystem(w.tree, dir) {
	case "block":
		if w.nsid == "" && strings.HasPrefix(name, "nvme") {
			w.nsid = readAttr(w.tree, dir+"/nsid")
		}
	case "scsi":
		if attr(w.tree, dir, "uevent", "DEVTYPE=scsi_device") {
			return w.scsi(dir)
		}
	case "nvme":
		return w.nvme(dir)
	case "nvme-subsystem":
		return w.nvmeController(dir)
	case "usb":
		return w.usb(dir)
	case "serio":
		w.add("serio-" + strings.TrimPrefix(name, "serio"))
		return w.above(dir, "serio")
	case "pci":
		w.add("pci-" + name)
		w.parent = true
		return w.above(dir, "pci")
	case "platform":
		w.add("platform-" + name)
		w.parent, w.transport = true, true
		return w.above(dir, "platform")
	case "acpi":
		w.add("acpi-" + name)
		w.parent = true
		return w.above(dir, "acpi")
	case "xen":
		w.add("xen-" + name)
		w.parent = true
		return w.above(dir, "xen")
	case "virtio":
		w.transport, w.virtio = true, len(w.parts) == 0
		return w.above(dir, "virtio")
	case "spi":
		w.add("cs-" + name[strings.LastIndexByte(name, '.')+1:])
	}
	return up
}

func (w *walk) add(part string) { w.parts = append(w.parts, part) }

// above skips the devices right over dir that belong to the same bus.
func (w *walk) above(dir, bus string) string {
	top := dir
	for up := path.Dir(dir); strings.Contains(up, "/"); up = path.Dir(up) {
		switch subsystem(w.tree, up) {
		case bus:
			top = up
		case "": // no device
		default:
			return path.Dir(top)
		}
	}
	return path.Dir(top)
}

// usb names the port of an interface or device: "1-1.4:1.0" is port 1.4 of bus
// 1, whose own number depends on the order of discovery and is left out.
func (w *walk) usb(dir string) string {
	name := path.Base(dir)
	_, port, ok := strings.Cut(name, "-")
	if !ok { // a root hub
		return path.Dir(dir)
	}
	w.add("usb-0:" + port)
	w.transport = true
	return w.above(dir, "usb")
}

func (w *walk) nvme(dir string) string {
	w.transport = true
	if w.nsid != "" {
		w.add("nvme-" + w.nsid)
	}
	return w.above(dir, "nvme")
}

func subsystem(tree fs.FS, dir string) string {
	target, err := fs.ReadLink(tree, dir+"/subsystem")
	if err != nil {
		return ""
	}
	return path.Base(target)
}

func readAttr(tree fs.FS, name string) string {
	b, err := fs.ReadFile(tree, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// attr says whether an attribute has the line want.
func attr(tree fs.FS, dir, name, want string) bool {
	for l := range strings.Lines(readAttr(tree, dir+"/"+name)) {
		if strings.TrimSpace(l) == want {
			return true
		}
	}
	return false
}
