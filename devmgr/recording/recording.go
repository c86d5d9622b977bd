// Package recording writes the devices of a machine as text, and reads it.
//
// The text is umockdev's format for devices: a block of lines for each,
//
//	P: /devices/pci0000:00/0000:00:01.0/net/eth0   its path below /sys
//	N: input/event0          its node below /dev
//	E: INTERFACE=eth0        a line of its uevent file, and SUBSYSTEM
//	L: driver=../../bus/x    a link in its folder
//	A: address=52:54:00:...  an attribute; \n and \\ stand for themselves
//	H: descriptors=1201...   an attribute that is not text, in hex
//
// and a blank line behind it. What umockdev has no letter for stands in
// comments: "# uevent: ACTION DEVPATH" says that what follows happened later,
// "# E: KEY=VALUE" what the event said beyond the device itself. The block of
// the device as it was then follows, unless it is gone.
package recording

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"slashdev/devmgr/uevent"
)

// Recording is a machine: what was there, and what happened then.
type Recording struct {
	Devices []Device
	Events  []Event
}

// Device is one device.
type Device struct {
	DevPath   string
	Subsystem string
	Node      string // below /dev, "" if it has none
	Env       uevent.Env
	Attrs     []Pair // by their paths below the device
	Links     []Pair
}

// Pair is an attribute and what it says, or a link and where it leads.
type Pair struct{ Name, Value string }

// Event is something that happened. Device is nil if the device was gone when
// it was looked at.
type Event struct {
	uevent.Event
	Device *Device
}

// link returns where a link leads, "" if there is none.
func (d *Device) link(name string) string {
	for _, l := range d.Links {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// OnBus says whether the device belongs to a bus, and known whether the
// recording says so.
func (d *Device) OnBus() (is, known bool) {
	target := d.link("subsystem")
	return strings.Contains("/"+target, "/bus/"), target != ""
}

// String returns the recording as text.
func (r *Recording) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d devices, %d events\n", len(r.Devices), len(r.Events))
	for i := range r.Devices {
		r.Devices[i].format(&b)
	}
	for _, e := range r.Events {
		fmt.Fprintf(&b, "\n# uevent: %s %s\n", e.Action, e.DevPath)
		for key, value := range e.Env.All() {
			fmt.Fprintf(&b, "# E: %s=%s\n", key, escape(value))
		}
		if e.Device != nil {
			e.Device.format(&b)
		}
	}
	return b.String()
}

func (d *Device) format(b *strings.Builder) {
	fmt.Fprintf(b, "\nP: %s\n", d.DevPath)
	if d.Node != "" {
		fmt.Fprintf(b, "N: %s\n", d.Node)
	}
	fmt.Fprintf(b, "E: SUBSYSTEM=%s\n", escape(d.Subsystem))
	for key, value := range d.Env.All() {
		fmt.Fprintf(b, "E: %s=%s\n", key, escape(value))
	}
	for _, l := range d.Links {
		fmt.Fprintf(b, "L: %s=%s\n", l.Name, escape(l.Value))
	}
	for _, a := range d.Attrs {
		if isText(a.Value) {
			fmt.Fprintf(b, "A: %s=%s\n", a.Name, escape(a.Value))
		} else {
			fmt.Fprintf(b, "H: %s=%s\n", a.Name, hex.EncodeToString([]byte(a.Value)))
		}
	}
}

// escape keeps a value on its line, and the text UTF-8.
func escape(s string) string {
	var b strings.Builder
	valid := utf8.ValidString(s)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t' || c >= ' ' && c < 0x7f || c > 0x7f && valid:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return b.String()
}
