package daemon

import (
	"fmt"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/naming"
	"slashdev/devmgr/rules"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// inquiry is a decision that has to be made where it may take time.
type inquiry struct {
	change devtree.Change
	device udevrules.Device
	host   *host
}

// step decides about a change that ev told of.
func (p *Pipeline) step(c devtree.Change, ev uevent.Event) Step {
	switch {
	case c.Device == nil:
		return p.gone(c)
	case p.policy.Udev == nil:
		return p.decided(c, p.base(c.Device))
	case p.hold != nil && p.hold(c.Device.DevPath):
		return Step{Change: c, held: true}
	}
	q := p.inquire(c, ev)
	res := p.policy.decide(q.device, q.host)
	if !res.Later {
		return p.answered(q, &res)
	}
	q.host.Parents() // while we are on the loop
	s := Step{Change: c, ask: q}
	if len(p.space.Entries(c.Device.DevPath)) == 0 { // until then a new one has what the stock table gives
		s = p.decided(c, p.base(c.Device))
		s.ask = q
	}
	return s
}

// inquire prepares a decision.
func (p *Pipeline) inquire(c devtree.Change, ev uevent.Event) *inquiry {
	action, dev := string(ev.Action), c.Device
	switch {
	case dev == nil:
		action, dev = string(uevent.Remove), c.Old
	case ev.Action == uevent.Remove: // it is back
		action = string(uevent.Add)
	}
	q := &inquiry{change: c, device: udevrules.Device{Action: action, Device: dev, Extra: ev.Env + p.global}}
	q.host = &host{policy: p.policy, sys: p.sys, device: dev, gone: c.Device == nil, above: func() []udevrules.Parent { return p.above(dev.DevPath) }}
	m := p.memory[dev.DevPath]
	if m == nil && c.Old == nil && p.recall != nil && p.policy.Udev.ReadsDB() {
		m = p.recall(dev)
	}
	if m != nil {
		q.device.Stored, q.device.Tags = m.stored, m.tags
	}
	return q
}

// above returns the devices above a devpath, the nearest first.
func (p *Pipeline) above(devpath string) []udevrules.Parent {
	var all []udevrules.Parent
	for dir := parentPath(devpath); dir != ""; dir = parentPath(dir) {
		d := p.deviceAt(dir)
		if d == nil {
			continue
		}
		up := udevrules.Parent{Device: d}
		if m := p.memory[dir]; m != nil {
			up.Stored, up.Tags = m.stored, m.tags
		}
		all = append(all, up)
	}
	return all
}

// maxPlain bounds the directories that are known to be no devices.
const maxPlain = 4096

// deviceAt returns the device at a path, from sysfs if its own event has not
// come yet.
func (p *Pipeline) deviceAt(dir string) *devtree.Device {
	if d := p.tree.Get(dir); d != nil {
		return d
	}
	if p.plain[dir] {
		return nil
	}
	truth, err := p.sys.Read(dir)
	if err == nil {
		return devtree.NewDevice(truth)
	}
	if len(p.plain) >= maxPlain {
		clear(p.plain)
	}
	p.plain[dir] = true
	return nil
}

// parentPath returns the directory of a devpath, "" at the end.
func parentPath(devpath string) string {
	i := lastSlash(devpath)
	if i <= len("/devices") {
		return ""
	}
	return devpath[:i]
}

// answered makes a step of what the rules decided.
func (p *Pipeline) answered(q *inquiry, res *udevrules.Result) Step {
	c := q.change
	var s Step
	if c.Device != nil {
		devpath := c.Device.DevPath
		base := p.base(c.Device)
		dec := overlay(base, res, q.device.Action, p.memory[devpath])
		p.remember(devpath, samePerms(&dec, &base), &dec, res)
		s = p.decided(c, dec)
		s.Watch = res.Watch
		if q.device.Action == string(uevent.Add) && res.Name != c.Device.Name() {
			s.Name = res.Name
		}
	}
	s.Change = c
	s.Runs, s.Env, s.Writes, s.Faults = res.Runs, res.Env, res.Writes, res.Faults
	return s
}

// remember keeps what later events, and devices below, may ask for: nothing
// for most devices.
func (p *Pipeline) remember(devpath string, stock bool, dec *rules.Decision, res *udevrules.Result) {
	m := memory{stored: res.Properties, tags: res.Tags}
	if dec.Set && !stock {
		m.perms = &rules.Decision{Set: true, Reason: dec.Reason, Mode: dec.Mode,
			UID: dec.UID, Owner: dec.Owner, GID: dec.GID, Group: dec.Group}
	}
	if len(m.stored) == 0 && len(m.tags) == 0 && m.perms == nil {
		delete(p.memory, devpath)
		return
	}
	p.memory[devpath] = &m
}

// samePerms says whether two decisions give a node the same owner and mode.
func samePerms(a, b *rules.Decision) bool {
	return a.Set == b.Set && a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID
}

// decided puts a decision into the space.
func (p *Pipeline) decided(c devtree.Change, dec rules.Decision) Step {
	s := Step{Change: c, Decision: dec}
	switch had := c.Old != nil && c.Old.HasNode(); {
	case c.Device.HasNode():
		s.Ops = p.space.Put(c.Device.DevPath, p.entries(c.Device, dec))
	case c.Device.Subsystem == "net":
		s.Ops = p.space.Put(c.Device.DevPath, p.oldNames(c.Device, naming.Place{}))
	case had:
		p.namer.Drop(c.Device.DevPath)
		s.Ops = p.space.Put(c.Device.DevPath, nil)
	}
	return s
}

// gone takes the names of a device away, and asks the rules what else is to be
// done.
func (p *Pipeline) gone(c devtree.Change) Step {
	devpath := c.Old.DevPath
	s := Step{Change: c}
	p.namer.Drop(devpath)
	if p.policy.Udev == nil {
		s.Ops = p.space.Drop(devpath)
		return s
	}
	q := p.inquire(c, uevent.Event{Action: uevent.Remove})
	for _, e := range p.space.Entries(devpath) {
		if ownLink(e, c.Old) {
			q.device.Links = append(q.device.Links, e.Name)
		}
	}
	res := p.policy.decide(q.device, q.host)
	if res.Later {
		q.host.Parents()
		s.ask = q
	} else {
		s = p.answered(q, &res)
	}
	delete(p.memory, devpath)
	s.Ops = p.space.Drop(devpath)
	return s
}

// foreign asks the rules about what is no device: modules, drivers, buses. They
// may have files written and programs run.
func (p *Pipeline) foreign(ev uevent.Event) Step {
	dev := &devtree.Device{DevPath: ev.DevPath, Subsystem: ev.Subsystem, Env: ev.Env}
	q := &inquiry{change: devtree.Change{Device: dev}, device: udevrules.Device{Action: string(ev.Action), Device: dev}}
	q.host = &host{policy: p.policy, sys: p.sys, device: dev, asked: true}
	res := p.policy.decide(q.device, q.host)
	s := Step{Change: q.change, Runs: res.Runs, Env: res.Env, Writes: res.Writes, Faults: res.Faults}
	if res.Later {
		s.ask = q
	}
	return s
}

// decide applies the rules. No fault of ours may end the device manager: the
// device that brings it about would be there at its next start too.
func (p *Policy) decide(dev udevrules.Device, h *host) (res udevrules.Result) {
	defer func() {
		if x := recover(); x != nil {
			res = udevrules.Result{Faults: []udevrules.Problem{{Position: udevrules.Position{File: "devmgr"}, Text: fmt.Sprintf("internal error: %v", x)}}}
		}
	}()
	return p.Udev.Decide(dev, h)
}
