package devd

import (
	"strings"

	"slashdev/devmgr/uevent"
)

// Device is what Events needs to know of a device and what became of it.
type Device struct {
	Event  uevent.Event // its Env is that of the device, not only of the event
	Driver string       // that serves it, "" if none does
	Block  bool
	Bus    bool                     // it is on a bus, where drivers take devices
	Cold   bool                     // it was there before anybody listened
	Attr   func(name string) string // of sysfs; may be nil
	Parent *Device                  // the next one above, or nil
}

// Events says in devd's words what happened. One uevent is several events: a
// new disk is a node (DEVFS), a disk (GEOM) and a device that was attached.
func Events(d Device) []Event {
	var events []Event
	vars := d.vars()
	notify := func(system, subsystem, kind string) {
		own := []Var{{"system", system}, {"subsystem", subsystem}, {"type", kind}}
		if node := d.node(); node != "" {
			own = append(own, Var{"cdev", node})
		}
		events = append(events, Event{Notify, append(own, without(vars, own)...)})
	}
	come, gone := d.Event.Action == uevent.Add, d.Event.Action == uevent.Remove
	if d.node() != "" && (come || gone) {
		notify("DEVFS", "CDEV", pick(come, "CREATE", "DESTROY"))
	}
	switch {
	case d.Block && (come || gone):
		notify("GEOM", "DEV", pick(come, "CREATE", "DESTROY"))
	case d.Block && d.env("DISK_MEDIA_CHANGE") == "1":
		notify("GEOM", "DEV", "MEDIACHANGE")
	case d.Event.Subsystem == "net" && (come || gone):
		notify("IFNET", d.name(), pick(come, "ATTACH", "DETACH"))
	case d.Event.Subsystem == "usb" && (come || gone):
		notify("USB", pick(d.env("DEVTYPE") == "usb_interface", "INTERFACE", "DEVICE"), pick(come, "ATTACH", "DETACH"))
	case d.Event.Subsystem == "power_supply" && d.Event.Action == uevent.Change:
		notify("ACPI", pick(d.attr("type") == "Mains", "ACAD", "CMBAT"), "CHANGE")
	}
	if kind, ok := d.kind(); ok {
		events = append(events, Event{kind, vars})
	}
	return events
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// kind says whether somebody took the device or lost it. On a bus that is when
// a driver is bound; a device of a class has none of its own.
func (d Device) kind() (Kind, bool) {
	a := d.Event.Action
	switch {
	case !d.Bus:
		return Attach + Kind(b2i(a == uevent.Remove)), a == uevent.Add || a == uevent.Remove
	case a == uevent.Bind, a == uevent.Add && d.Cold && d.Driver != "":
		return Attach, true
	case a == uevent.Unbind:
		return Detach, true
	case a == uevent.Add && d.Driver == "" && d.env("MODALIAS") != "":
		return NoMatch, true
	}
	return 0, false
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (d Device) env(key string) string { return d.Event.Env.Get(key) }

func (d Device) attr(name string) string {
	if d.Attr == nil {
		return ""
	}
	return strings.TrimSpace(d.Attr(name))
}

func (d Device) name() string {
	return d.Event.DevPath[strings.LastIndexByte(d.Event.DevPath, '/')+1:]
}

// node returns the name of the node below /dev.
func (d Device) node() string {
	if d.env("MAJOR") == "" {
		return ""
	}
	return d.env("DEVNAME")
}

// vars are the variables of every event of a device. What a device of a class
// does not say itself, the device that it belongs to does.
func (d Device) vars() []Var {
	v := []Var{{"device-name", d.name()}}
	add := func(name, value string) {
		if value != "" {
			v = append(v, Var{name, value})
		}
	}
	add("cdev", d.node())
	if d.Parent != nil {
		add("bus", d.Parent.name())
		add("parent", d.Parent.name())
	}
	add("subsystem", d.Event.Subsystem)
	add("driver", d.Driver)
	add("modalias", d.env("MODALIAS"))
	add("media-type", d.mediaType())
	for up, i := &d, 0; up != nil && i < maxParents; up, i = up.Parent, i+1 {
		v = append(v, without(up.identity(), v)...)
	}
	return v
}

const maxParents = 16

func (d Device) mediaType() string {
	if d.Event.Subsystem != "net" {
		return ""
	}
	if d.env("DEVTYPE") == "wlan" || d.attr("phy80211/name") != "" {
		return "802.11"
	}
	switch d.attr("type") { // ARPHRD_ of if_arp.h
	case "1":
		return "Ethernet"
	case "19":
		return "ATM"
	case "774":
		return "FDDI"
	case "800":
		return "Tokenring"
	}
	return ""
}

// identity is what a device on a bus says it is.
func (d Device) identity() (v []Var) {
	for _, row := range identities {
		if row.subsystem != d.Event.Subsystem || row.devtype != "" && row.devtype != d.env("DEVTYPE") {
			continue
		}
		value := d.attr(row.attr)
		if value == "" {
			continue
		}
		if row.hex && !strings.HasPrefix(value, "0x") {
			value = "0x" + value
		}
		v = append(v, Var{row.name, value})
	}
	return v
}

// identities says which attribute of which device gives a variable.
var identities = []struct {
	subsystem, devtype, name, attr string
	hex                            bool
}{
	{"usb", "usb_interface", "interface", "bInterfaceNumber", true},
	{"usb", "usb_interface", "intclass", "bInterfaceClass", true},
	{"usb", "usb_interface", "intsubclass", "bInterfaceSubClass", true},
	{"usb", "usb_interface", "intprotocol", "bInterfaceProtocol", true},
	{"usb", "usb_device", "vendor", "idVendor", true},
	{"usb", "usb_device", "product", "idProduct", true},
	{"usb", "usb_device", "release", "bcdDevice", true},
	{"usb", "usb_device", "sernum", "serial", false},
	{"usb", "usb_device", "devclass", "bDeviceClass", true},
	{"usb", "usb_device", "devsubclass", "bDeviceSubClass", true},
	{"usb", "usb_device", "port", "devpath", false},
	{"pci", "", "vendor", "vendor", true},
	{"pci", "", "device", "device", true},
	{"pci", "", "subvendor", "subsystem_vendor", true},
	{"pci", "", "subdevice", "subsystem_device", true},
	{"pci", "", "class", "class", true},
}

// without returns those of vars that have no namesake in others.
func without(vars, others []Var) (kept []Var) {
	set := Event{Vars: others}
	for _, v := range vars {
		if set.Get(v.Name) == "" {
			kept = append(kept, v)
		}
	}
	return kept
}
