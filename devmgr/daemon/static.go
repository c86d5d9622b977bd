package daemon

import (
	"os"
	"path"
	"strconv"
	"syscall"

	"slashdev/devmgr/namespace"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// staticNodes gives nodes that have no device yet what the rules give them:
// opening one makes the kernel load its module.
func (d *daemon) staticNodes() {
	set := d.pipe.policy.Udev
	if set == nil {
		return
	}
	for _, n := range set.StaticNodes() {
		if uevent.CheckName(n.Name) != nil {
			d.warnf("%s: static_node %q is no name below /dev", n.At, n.Name)
			continue
		}
		if _, owned := d.pipe.space.Owner(n.Name); owned { // there is a device
			d.tagStatic(n)
			continue
		}
		if op, ok := d.staticNode(n); ok {
			d.apply([]namespace.Op{op})
			d.showStatic(n.Name, *op.Node)
			d.tagStatic(n)
		}
	}
}

// moduleNodes makes nodes for devices whose modules are not loaded yet: opening
// one loads it. Rules say who else than root may do that.
func (d *daemon) moduleNodes() {
	nodes, err := d.modules.nodes()
	if err != nil {
		d.warnf("modules: %v", err)
	}
	for _, n := range nodes {
		node := namespace.Node{Block: n.Block, Major: n.Major, Minor: n.Minor}
		if _, owned := d.pipe.space.Owner(n.Name); owned || uevent.CheckName(n.Name) != nil {
			continue
		}
		if err := d.dir.Make(n.Name, node); err != nil {
			d.warnf("%v", err)
			continue
		}
		d.showStatic(n.Name, node)
	}
}

// staticNode says how a node should be; ok is false if there is none.
func (d *daemon) staticNode(n udevrules.StaticNode) (op namespace.Op, ok bool) {
	info, err := os.Lstat(path.Join(d.cfg.Dev, n.Name))
	if err != nil || info.Mode()&os.ModeDevice == 0 {
		return op, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return op, false
	}
	node := &namespace.Node{Block: info.Mode()&os.ModeCharDevice == 0, Set: true, Mode: st.Mode & 0o777, UID: st.Uid, GID: st.Gid, Owner: n.Owner, Group: n.Group}
	node.Major, node.Minor = numbers(st.Rdev)
	if id, ok := d.pipe.policy.Users[n.Owner]; ok {
		node.UID = id
	}
	if id, ok := d.pipe.policy.Groups[n.Group]; ok {
		if node.GID = id; n.Mode == "" {
			node.Mode = 0o660
		}
	}
	if mode, err := strconv.ParseUint(n.Mode, 8, 12); err == nil {
		node.Mode = uint32(mode)
	}
	return namespace.Op{Kind: namespace.SetAttr, Entry: namespace.Entry{Name: n.Name, Node: node}}, true
}

func (d *daemon) tagStatic(n udevrules.StaticNode) {
	for _, tag := range n.Tags {
		if d.udev.db == nil {
			return
		}
		if err := d.udev.db.TagStatic(tag, n.Name); err != nil {
			d.warnf("%v", err)
		}
	}
}
