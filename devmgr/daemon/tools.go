package daemon

import (
	"io/fs"
	"strings"

	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/ident"
)

// tool is a builtin of udev's, or a program of udev's that is built in here.
type tool struct {
	builtin bool
	waits   bool               // reads the device or a disk
	idle    func(p probe) bool // there is nothing that it would have to wait for
	run     func(p probe) ([]udevrules.Property, error)
}

// probe is one question for a tool.
type probe struct {
	*host
	udevrules.Call
}

func tools() map[string]tool {
	return map[string]tool{
		"blkid":    {builtin: true, waits: true, idle: emptyDisk, run: blkid},
		"input_id": {builtin: true, run: identity(ident.Input)},
		"net_id":   {builtin: true, run: identity(ident.Net)},
		"path_id":  {builtin: true, run: identity(ident.Path)},
		"usb_id":   {builtin: true, run: usbID},

		"ata_id":  {run: identity(ident.ATA)}, // programs of udev's
		"fido_id": {run: identity(ident.FIDO)},
		"scsi_id": {run: identity(ident.SCSI)},
	}
}

// property is what every package of drivers has for its answers.
type property interface {
	~struct{ Key, Value string }
}

// converted makes properties of the rules of those of a driver.
func converted[P property](list []P) []udevrules.Property {
	all := make([]udevrules.Property, 0, len(list))
	for _, p := range list {
		all = append(all, udevrules.Property(struct{ Key, Value string }(p)))
	}
	return all
}

// identity is a tool that needs nothing but sysfs.
func identity(find func(fs.FS, string) ([]ident.Property, error)) func(p probe) ([]udevrules.Property, error) {
	return func(p probe) ([]udevrules.Property, error) {
		list, err := find(p.sys.Tree(), p.device.DevPath)
		return converted(list), err
	}
}

// usbID leaves the identity alone that a device has from another bus.
func usbID(p probe) ([]udevrules.Property, error) {
	list, err := ident.USB(p.sys.Tree(), p.device.DevPath)
	if bus := p.env("ID_BUS"); bus != "" && bus != "usb" {
		list = ident.USBOnly(list)
	}
	return converted(list), err
}

func (p probe) env(key string) string {
	for _, x := range p.Properties {
		if x.Key == key {
			return x.Value
		}
	}
	return ""
}

// attr returns an attribute of the device, "" if it has none.
func (p probe) attr(name string) string {
	value, _ := p.Attr(p.device.DevPath, name)
	return strings.TrimSpace(value)
}
