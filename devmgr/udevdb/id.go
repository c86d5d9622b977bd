package udevdb

import (
	"path"
	"strings"

	"slashdev/devmgr/uevent"
)

// ID returns the name that a device has everywhere below /run/udev: b8:0 or
// c1:3 for its number, n2 for the index of a network interface, else
// +SUBSYSTEM:NAME. It takes the uevent of a device as sysfs or the kernel
// gives it, and returns "" for what has no place in the database.
func ID(ev uevent.Event) string {
	name := path.Base(ev.DevPath)
	major, minor := ev.Env.Get("MAJOR"), ev.Env.Get("MINOR")
	id := ""
	switch {
	case ev.Subsystem == "":
		return ""
	case isNumber(major) && isNumber(minor) && major != "0":
		id = "c" + major + ":" + minor
		if ev.Subsystem == "block" {
			id = "b" + major + ":" + minor
		}
	case ev.Subsystem == "net" && isNumber(ev.Env.Get("IFINDEX")):
		id = "n" + ev.Env.Get("IFINDEX")
	case ev.Subsystem == "drivers":
		id = "+drivers:" + driverBus(ev.DevPath) + ":" + name
	default:
		id = "+" + ev.Subsystem + ":" + name
	}
	if !fileName(id) {
		return ""
	}
	return id
}

// driverBus returns usb of /bus/usb/drivers/hub.
func driverBus(devpath string) string {
	bus, ok := strings.CutPrefix(devpath, "/bus/")
	if !ok {
		return ""
	}
	bus, _, _ = strings.Cut(bus, "/")
	return bus
}

func isNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 10
}

// numbered says whether readers take the file of id for the sign that the
// device is ready to be used.
func numbered(id string) bool { return id != "" && id[0] != '+' }

// Escape makes one name of the path of a link.
func Escape(link string) string {
	link = strings.ReplaceAll(link, `\`, `\x5c`)
	return strings.ReplaceAll(link, "/", `\x2f`)
}
