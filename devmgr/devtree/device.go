// Package devtree keeps the current set of devices and says what an event
// changed.
//
// A Device is an immutable value read from sysfs. The Tree is keyed by
// devpath, belongs to one goroutine, and costs nothing per event that grows
// with the number of devices. Events may come twice, late or not at all: Apply
// takes what sysfs says now, so that any order of hints ends in the same set,
// and Sync makes good what was lost. Sequence notices the loss.
package devtree

import (
	"path"
	"strconv"

	"slashdev/devmgr/uevent"
)

// Device is what sysfs said about a device when it was last looked at.
type Device struct {
	DevPath   string
	Subsystem string
	Env       uevent.Env // its uevent file
	DevName   string     // node below /dev, "" if it has none
	Block     bool
	Major     uint32
	Minor     uint32
}

// NewDevice makes a Device of what sysfs.Read or sysfs.Scan returned.
func NewDevice(ev uevent.Event) *Device {
	d := &Device{DevPath: ev.DevPath, Subsystem: ev.Subsystem, Env: ev.Env}
	major, err1 := strconv.ParseUint(ev.Env.Get("MAJOR"), 10, 12)
	minor, err2 := strconv.ParseUint(ev.Env.Get("MINOR"), 10, 20)
	name := ev.Env.Get("DEVNAME")
	if err1 != nil || err2 != nil || uevent.CheckName(name) != nil {
		return d
	}
	d.DevName, d.Block = name, ev.Subsystem == "block"
	d.Major, d.Minor = uint32(major), uint32(minor)
	return d
}

// Name returns the kernel's name of the device, the last part of its devpath.
func (d *Device) Name() string { return path.Base(d.DevPath) }

// DevType returns DEVTYPE, such as disk or usb_device.
func (d *Device) DevType() string { return d.Env.Get("DEVTYPE") }

// HasNode says whether the kernel makes a node for the device.
func (d *Device) HasNode() bool { return d.DevName != "" }

// Number returns "MAJOR:MINOR".
func (d *Device) Number() string {
	b := strconv.AppendUint(nil, uint64(d.Major), 10)
	return string(strconv.AppendUint(append(b, ':'), uint64(d.Minor), 10))
}

// Equal says whether nothing was seen to change between the two.
func (d *Device) Equal(o *Device) bool { return *d == *o }
