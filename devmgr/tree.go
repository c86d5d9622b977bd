package main

import (
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
)

const treeHelp = `usage: dev tree [--all] [--json]

Draws the devices as they are plugged into each other, with the names of their
nodes and their drivers. Devices that only group others, and those without node
and driver, are left out; so are devices of software only (virtual).
  --all, -a  leave nothing out
  --json     the same as dev ls --json
`

// branch is a device in the tree. name is what stands between it and its
// parent in the picture.
type branch struct {
	name     string
	record   ctl.Record // nil: a directory that is not a device
	children []*branch
}

func (c *command) tree() error {
	if c.has("json") {
		return c.ls()
	}
	if err := c.noArgs(); err != nil {
		return err
	}
	records, err := c.do("ls")
	if err != nil {
		return err
	}
	root := grow(records)
	if !c.has("all") {
		root.prune()
	}
	c.draw(root, "")
	return nil
}

// grow makes a tree of devpaths; the first directory, devices, is left out.
func grow(records []ctl.Record) *branch {
	root := &branch{}
	byPath := map[string]*branch{"/devices": root}
	for _, r := range records {
		place(byPath, r.Get("devpath")).record = r
	}
	return root
}

func place(byPath map[string]*branch, devpath string) *branch {
	if b := byPath[devpath]; b != nil {
		return b
	}
	i := strings.LastIndexByte(devpath, '/')
	if i < 0 {
		return byPath["/devices"]
	}
	parent := place(byPath, devpath[:i])
	b := &branch{name: devpath[i+1:]}
	parent.children = append(parent.children, b)
	byPath[devpath] = b
	return b
}

// prune leaves out what says nothing: a branch is kept if it has a node, a
// network interface or a driver, or leads to one; a directory with a single
// branch is drawn as part of it.
func (b *branch) prune() {
	var kept []*branch
	for _, child := range b.children {
		if b.name == "" && child.name == "virtual" {
			continue
		}
		child.prune()
		switch {
		case child.interesting():
			kept = append(kept, child)
		case len(child.children) > 0:
			kept = append(kept, child.children...)
		}
	}
	b.children = kept
}

func (b *branch) interesting() bool {
	r := b.record
	if r == nil {
		return false
	}
	return r.Get("devname") != "" || r.Get("subsystem") == "net" || b.ownDriver()
}

// ownDriver is false for devices of a class, whose driver is their parent's,
// and for those that every serial port consists of.
func (b *branch) ownDriver() bool {
	return b.record.Get("own_driver") != "" && b.record.Get("subsystem") != "serial-base"
}

func (c *command) draw(b *branch, indent string) {
	tee, end, bar := "|-- ", "`-- ", "|   "
	if c.env.utf8Terminal() {
		tee, end, bar = "├── ", "└── ", "│   "
	}
	slices.SortStableFunc(b.children, func(x, y *branch) int { return compareNatural(x.name, y.name) })
	for i, child := range b.children {
		mark, next := tee, bar
		if i == len(b.children)-1 {
			mark, next = end, "    "
		}
		if b.name == "" { // the top level has no lines
			mark, next = "", ""
		}
		c.printf("%s\n", clipLine(indent+mark+child.label(), c.env.width))
		c.draw(child, indent+next)
	}
}

// label is "name [driver]  /dev names", as far as there are any.
func (b *branch) label() string {
	label := printable(b.name)
	r := b.record
	if r == nil {
		return label
	}
	if d := r.Get("driver"); d != "" && b.ownDriver() {
		label += " [" + printable(d) + "]"
	}
	switch name := shownName(r); {
	case r.Get("subsystem") == "net":
		label += "  network interface"
	case r.Get("devname") != "":
		label += "  /dev/" + name + "  " + r.Get("mode") + " " + r.Get("owner") + ":" + r.Get("group")
	}
	return label
}

// clipLine cuts a line of runes, each one column wide.
func clipLine(s string, width int) string {
	n := 0
	for i := range s {
		if n++; n > width {
			return s[:i]
		}
	}
	return s
}
