package daemon

import (
	"context"
	"path"
	"strconv"
	"strings"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/sysfs"
)

// row is a device as it was at one moment, for clients.
type row struct {
	device *devtree.Device
	node   *namespace.Node
	links  []string // that it has, not those that another one won
	memory *memory  // what rules said, nil for nothing
	policy *Policy
}

// snapshot copies what clients see out of the loop; the text is made outside.
func (d *daemon) snapshot(ctx context.Context) ([]row, error) {
	var rows []row
	err := d.do(ctx, func() { rows = d.pipe.rows() })
	return rows, err
}

func (p *Pipeline) rows() (rows []row) {
	for _, dev := range p.tree.All() {
		rows = append(rows, p.row(dev))
	}
	return rows
}

func (p *Pipeline) row(dev *devtree.Device) row {
	r := row{device: dev, memory: p.memory[dev.DevPath], policy: p.policy}
	for _, e := range p.space.Entries(dev.DevPath) {
		switch {
		case e.Node != nil:
			r.node = e.Node
		case p.space.Wins(dev.DevPath, e.Name):
			r.links = append(r.links, e.Name)
		}
	}
	return r
}

// formatter answers questions about a set of rows.
type formatter struct {
	sys    sysfs.FS
	rows   []row
	byPath map[string]*devtree.Device
	buses  map[string]bool
}

func newFormatter(sys sysfs.FS, rows []row) *formatter {
	f := &formatter{sys: sys, rows: rows, byPath: make(map[string]*devtree.Device, len(rows)), buses: map[string]bool{}}
	for _, r := range rows {
		f.byPath[r.device.DevPath] = r.device
	}
	return f
}

// pairs returns the record of a device: the same keys for every device.
func (f *formatter) pairs(r row) []string {
	d := r.device
	pairs := []string{"devpath", d.DevPath, "subsystem", d.Subsystem, "devtype", d.DevType(), "devname", d.DevName}
	if r.node != nil {
		mode := strconv.FormatUint(uint64(r.node.Mode), 8)
		pairs = append(pairs,
			"major", strconv.FormatUint(uint64(d.Major), 10), "minor", strconv.FormatUint(uint64(d.Minor), 10),
			"mode", strings.Repeat("0", max(0, 4-len(mode)))+mode, "owner", r.node.Owner, "group", r.node.Group)
	}
	pairs = append(pairs, "driver", f.driver(d), "modalias", d.Env.Get("MODALIAS"))
	if own := d.Env.Get("DRIVER"); own != "" {
		pairs = append(pairs, "own_driver", own)
	}
	for _, l := range r.links {
		pairs = append(pairs, "link", l)
	}
	return pairs
}

// driver returns the driver that serves a device. Devices of a class have none
// of their own; it is that of the device on a bus that they belong to.
func (f *formatter) driver(d *devtree.Device) string {
	for ; d != nil; d = f.parent(d) {
		if drv := d.Env.Get("DRIVER"); drv != "" || f.isBus(d.Subsystem) {
			return drv
		}
	}
	return ""
}

func (f *formatter) isBus(subsystem string) bool {
	is, known := f.buses[subsystem]
	if !known {
		is = f.sys.IsBus(subsystem)
		f.buses[subsystem] = is
	}
	return is
}

// parent returns the next device above d, or nil.
func (f *formatter) parent(d *devtree.Device) *devtree.Device {
	for dir := path.Dir(d.DevPath); len(dir) > len("/devices"); dir = path.Dir(dir) {
		if p := f.byPath[dir]; p != nil {
			return p
		}
	}
	return nil
}

// find looks a device up by what people call it: its devpath, its node or a
// link below /dev, or the kernel's name if only one device has it.
func (f *formatter) find(what string) (row, bool) {
	devpath, name := strings.TrimPrefix(what, "/sys"), devName(what)
	var called []row
	for _, r := range f.rows {
		if r.device.DevPath == devpath || r.device.DevName == name && name != "" {
			return r, true
		}
		for _, l := range r.links {
			if l == name {
				return r, true
			}
		}
		if r.device.Name() == what {
			called = append(called, r)
		}
	}
	if len(called) == 1 {
		return called[0], true
	}
	return row{}, false
}

// devName takes the directory off the path of a node.
func devName(s string) string {
	for _, dir := range []string{"/dev/", "/devices/"} {
		if name, ok := strings.CutPrefix(s, dir); ok {
			return name
		}
	}
	return s
}
