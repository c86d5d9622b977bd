package daemon

import (
	"context"
	"errors"
	"slices"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/devtree"
	"slashdev/devmgr/naming"
	udevrules "slashdev/devmgr/rules/udev"
)

// known returns all devices with all their names.
func (d *daemon) known(ctx context.Context) ([]naming.Known, []row, error) {
	var all []naming.Known
	var rows []row
	err := d.do(ctx, func() {
		for _, dev := range d.pipe.tree.All() {
			r := d.pipe.row(dev)
			rows = append(rows, r)
			all = append(all, naming.Known{
				Device: dev, Names: d.pipe.namer.Look(dev, d.pipe.plugged(dev, naming.Place{})), Links: r.links,
				Identity: naming.IdentityOf(r.property),
			})
		}
	})
	return all, rows, err
}

// property returns what rules or the kernel said of a device.
func (r row) property(key string) string {
	if r.memory != nil {
		i := slices.IndexFunc(r.memory.stored, func(p udevrules.Property) bool { return p.Key == key })
		if i >= 0 {
			return r.memory.stored[i].Value
		}
	}
	return r.device.Env.Get(key)
}

// resolve finds the device of a request by any name; row is what else is known
// of it. Where no rules have looked at the media, they are looked at now, for
// root.
func (d *daemon) resolve(r *request, name string) (row, naming.Scheme, error) {
	all, rows, err := d.known(r.ctx)
	if err != nil {
		return row{}, "", err
	}
	dev, how, err := naming.NewResolver(all).Resolve(name)
	if err != nil && r.root && naming.ByContent(name) {
		d.probeAll(r.ctx, all, rows)
		dev, how, err = naming.NewResolver(all).Resolve(name)
	}
	if errors.Is(err, naming.ErrUnknown) {
		return row{}, "", ctl.Errorf(ctl.NotFound, "%v", err)
	}
	i := slices.IndexFunc(rows, func(r row) bool { return r.device == dev })
	return rows[i], how, nil
}

// probeAll reads what disks say of themselves that rules have not read. It may
// take time, and a disk that does not answer must not hold more than the one
// who asks.
func (d *daemon) probeAll(ctx context.Context, all []naming.Known, rows []row) {
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	done := make(chan struct{})
	found := slices.Clone(all)
	go func() {
		defer close(done)
		for i, r := range rows {
			if ctx.Err() == nil && r.device.Block && r.property("ID_FS_TYPE") == "" {
				found[i].Identity = d.probed(ctx, r)
			}
		}
	}()
	select {
	case <-done:
		copy(all, found)
	case <-ctx.Done():
	}
}

func (d *daemon) probed(ctx context.Context, r row) naming.Identity {
	h := &host{policy: r.policy, sys: d.sys, device: r.device, asked: true, ctx: ctx}
	list, _ := blkid(probe{h, udevrules.Call{Argv: []string{"blkid"}}})
	r.memory = &memory{stored: list}
	return naming.IdentityOf(r.property)
}

// resolveVerb prints the device that has a name, as ls does.
func (d *daemon) resolveVerb(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	found, how, err := d.resolve(r, r.args[0])
	if err != nil {
		return err
	}
	rows, err := d.snapshot(r.ctx)
	if err != nil {
		return err
	}
	f := newFormatter(d.sys, rows)
	return r.w.Record(append(f.pairs(found), "by", string(how))...)
}

// nameVerb prints all names of a device.
func (d *daemon) nameVerb(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	all, rows, err := d.known(r.ctx)
	if err != nil {
		return err
	}
	found, err := d.named(r, newFormatter(d.sys, rows), r.args[0])
	if err != nil {
		return err
	}
	dev := found.device
	i := slices.IndexFunc(all, func(k naming.Known) bool { return k.Device.DevPath == dev.DevPath })
	if i < 0 {
		return ctl.Errorf(ctl.NotFound, "%q has gone", r.args[0])
	}
	names := all[i].Names
	r.w.Record("devpath", dev.DevPath, "devname", dev.DevName, "number", numberOf(dev))
	for _, n := range names.List {
		r.w.Record("scheme", string(n.Scheme), "name", n.Text)
	}
	if through := naming.NewResolver(all).Through(names); through != "" {
		r.w.Record("scheme", string(naming.Devfs), "name", through)
	}
	for _, l := range found.links {
		r.w.Record("scheme", "link", "name", l)
	}
	return nil
}

func numberOf(dev *devtree.Device) string {
	if !dev.HasNode() {
		return ""
	}
	return dev.Number()
}

// named finds the device that a client means by any of its names.
func (d *daemon) named(r *request, f *formatter, name string) (row, error) {
	if found, ok := f.find(name); ok {
		return found, nil
	}
	found, _, err := d.resolve(r, name)
	if code := ctl.ExitCode(err); code == ctl.NotFound {
		return row{}, ctl.Errorf(ctl.NotFound, "no device %q", name)
	}
	return found, err
}
