package daemon

import (
	"io/fs"
	"os"
	"strings"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/udevdb"
	"slashdev/devmgr/uevent"
)

// foreign does what rules say about a module, driver or bus.
func (d *daemon) foreign(ev uevent.Event) (s Step) {
	if strings.HasPrefix(ev.DevPath, "/devices/") || d.pipe.policy.Udev == nil {
		return s
	}
	if s = d.pipe.foreign(ev); s.ask != nil {
		d.ask(s.ask, nil)
	}
	d.after(s)
	return s
}

// coldModules does what rules say about the modules that are there.
func (d *daemon) coldModules() {
	if d.pipe.policy.Udev == nil {
		return
	}
	modules, _ := fs.ReadDir(d.sys.Tree(), "module")
	for _, m := range modules {
		if path := "/module/" + m.Name(); uevent.CheckDevPath(path) == nil {
			d.programs.Add(d.runs(d.foreign(uevent.Event{Action: uevent.Add, DevPath: path, Subsystem: "module"}))...)
		}
	}
}

// recall returns what an earlier process kept in the database of a device.
func (d *daemon) recall(dev *devtree.Device) *memory {
	if d.udev.fresh {
		return nil
	}
	r, err := udevdb.Read(os.DirFS(d.cfg.Udev), deviceID(dev))
	if err != nil {
		return nil
	}
	m := &memory{tags: r.Tags}
	for key, value := range r.Properties.All() {
		m.stored = append(m.stored, udevrules.Property{Key: key, Value: value})
	}
	return m
}
