package daemon

import (
	"io/fs"
	"path/filepath"
	"strings"

	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/ident"
)

// tool is a builtin of udev's, or a program of udev's that is built in here.
type tool struct {
	builtin bool
	device  bool                 // is of no use without the device, which may take its time
	when    func(p probe) moment // nil: later if it needs the device, else at once
	run     func(p probe) ([]udevrules.Property, error)
}

// moment says when a tool can be run.
type moment byte

const (
	atOnce moment = iota
	later         // where it may take time
	never         // it would find nothing
)

func (t tool) moment(p probe) moment {
	switch {
	case t.when != nil:
		return t.when(p)
	case t.device:
		return later
	}
	return atOnce
}

// probe is one question for a tool.
type probe struct {
	*host
	udevrules.Call
}

func tools() map[string]tool {
	return map[string]tool{
		"blkid":      {builtin: true, device: true, when: unlessEmpty, run: blkid},
		"btrfs":      {builtin: true, device: true, run: btrfs},
		"input_id":   {builtin: true, when: laterIfPlane, run: inputID},
		"keyboard":   {builtin: true, device: true, when: ifKeyed, run: keyboard},
		"net_driver": {builtin: true, when: laterIfVirtual, run: netDriver},
		"net_id":     {builtin: true, run: identity(ident.Net)},
		"path_id":    {builtin: true, run: identity(ident.Path)},
		"uaccess":    {builtin: true, when: func(probe) moment { return never }}, // nobody sits here
		"usb_id":     {builtin: true, run: usbID},

		"ata_id": {when: laterUnlessIdentified, run: ataID}, // programs of udev's
		"dmi_memory_id": {run: func(p probe) ([]udevrules.Property, error) {
			list, err := ident.Memory(p.sys.Tree())
			return converted(list), err
		}},
		"cdrom_id":  {device: true, run: cdromID},
		"fido_id":   {run: identity(ident.FIDO)},
		"mtd_probe": {device: true, run: smartMedia},
		"scsi_id":   {when: laterUnlessPages, run: scsiID},
		"v4l_id":    {device: true, run: v4lID},
	}
}

// tool returns the one that a rule means by a word.
func (p *Policy) tool(builtin bool, word string) (tool, bool) {
	name := filepath.Base(word)
	t, ok := p.tools[name]
	ours := builtin || name == word || strings.HasPrefix(word, "/usr/lib/udev/") || strings.HasPrefix(word, "/lib/udev/")
	return t, ok && ours && t.builtin == builtin
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
