// Package naming gives a device its names, and finds a device by any of them.
//
// The node keeps the kernel's name. What else it is called follows from what
// is known about it: its number (char/1:3), and where it is plugged in
// (disk/by-path/..., input/by-path/...). Names are built from strings of
// drivers and devices, so every byte that is not plain becomes "_".
//
// A Namer gives the names of three older schemes besides: the tree of devfs,
// by topology; devfsd's short names for that; and the names from before. Most
// follow from the device alone. The disks, CD drives and tapes are counted as
// well (discs/disc0), by Numbers, whose text outlasts the process. A Resolver
// goes the other way, from a name to the device.
package naming

import (
	"strings"

	"slashdev/devmgr/devtree"
)

// Place is where a device is plugged in, in the words of udev's path_id.
type Place struct {
	Paths  []string // the path, then older spellings of it
	Input  string   // kbd, mouse, joystick ...: what an input device is
	Driver string   // of the SCSI host
	Port   string   // of an ATA disk: the port of its controller, from 0
	Media  string   // of an IDE drive: disk, cdrom, tape, floppy
}

// Links returns the links to the node of d below /dev, without duplicates.
func Links(d *devtree.Device, p Place) []string {
	if !d.HasNode() {
		return nil
	}
	links := []string{numberLink(d)}
	for _, path := range p.Paths {
		if name := pathLink(d, clean(path), p.Input); name != "" {
			links = append(links, name)
		}
	}
	return links
}

func numberLink(d *devtree.Device) string {
	if d.Block {
		return "block/" + d.Number()
	}
	return "char/" + d.Number()
}

func pathLink(d *devtree.Device, path, input string) string {
	switch d.Subsystem {
	case "block":
		return diskLink(d, path)
	case "input":
		return inputLink(d, path, input)
	case "scsi_tape":
		return tapeLink(d, path)
	}
	return ""
}

func diskLink(d *devtree.Device, path string) string {
	name := "disk/by-path/" + path
	switch {
	case d.DevType() == "partition":
		part := d.Env.Get("PARTN")
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return ""
		}
		return name + "-part" + part
	case strings.HasPrefix(d.Name(), "mmcblk"):
		if _, area, ok := strings.Cut(d.Name(), "boot"); ok {
			return name + "-boot" + area
		}
	}
	return name
}

func inputLink(d *devtree.Device, path, class string) string {
	name := "input/by-path/" + path
	kind := d.Name()
	switch {
	case strings.HasPrefix(kind, "event") && class == "":
		return name + "-event"
	case strings.HasPrefix(kind, "event"):
		return name + "-event-" + class
	case class != "" && (strings.HasPrefix(kind, "mouse") || strings.HasPrefix(kind, "js")):
		return name + "-" + class
	}
	return ""
}

// tapeLink names the plain device and the one that does not rewind.
func tapeLink(d *devtree.Device, path string) string {
	switch name := strings.TrimRight(d.Name(), "0123456789"); name {
	case "st":
		return "tape/by-path/" + path
	case "nst":
		return "tape/by-path/" + path + "-nst"
	}
	return ""
}

func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("#+-.:=@_", c) {
			return c
		}
		return '_'
	}, s)
}

// Fixed returns the links that every /dev has, name and target in turn.
func Fixed() [][2]string {
	return [][2]string{
		{"fd", "/proc/self/fd"},
		{"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"},
		{"stderr", "/proc/self/fd/2"},
		{"core", "/proc/kcore"},
	}
}

// Target returns the text of a link called name that leads to node, both
// below /dev: the same tree may be mounted elsewhere.
func Target(name, node string) string {
	return strings.Repeat("../", strings.Count(name, "/")) + node
}
