// Package rules decides what should happen to a device.
//
// A Decision is a value: owner, group and mode of the node and links to it.
// Nothing here touches the system. Stock is the table that a Linux without
// any rules of its own has; its groups are looked up once, in the image's own
// /etc/group, and a group that is not there is an error that leaves the node
// as the kernel made it: fewer rights, never more (E-24).
package rules

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

// Decision says how a device's node should be. The zero Decision leaves it as
// the kernel made it.
type Decision struct {
	Set    bool // Owner, Group and Mode are to be set
	Mode   uint32
	UID    uint32
	GID    uint32
	Owner  string
	Group  string
	Links  []string // below /dev
	Reason string   // which rule, for people

	LinkPriority int        // of the claims to Links
	Properties   uevent.Env // that rules and probes set; a name with a dot in front is not stored
	Tags         []string   // that this event set
	Persist      bool       // the record in the database outlasts a clean-up
}

// Attrs reads an attribute of the device, "" if it has none.
type Attrs func(name string) string

// Program is a set of rules whose names have been looked up.
type Program struct {
	rules  []rule
	groups map[string]uint32
}

// rule is one row. Of all rows that match a device the first decides.
type rule struct {
	subsystem string // "a|b"; "" matches any
	kernel    string // "pattern|pattern" on the kernel's name; "" matches any
	attr      string // "name=value|value"; "" matches any
	mode      uint32 // 0 keeps the kernel's
	group     string // "" means root
	links     string // separated by blanks; $kernel and $attr are replaced
}

// Stock returns the built-in rules with the groups of the text of a group
// file. The Program is usable even when there is an error.
func Stock(groupFile string) (*Program, error) {
	p := &Program{rules: stock, groups: IDs(groupFile)}
	var errs []error
	missing := map[string]bool{}
	for _, r := range p.rules {
		if _, ok := p.groups[r.groupName()]; !ok && !missing[r.groupName()] {
			missing[r.groupName()] = true
			errs = append(errs, fmt.Errorf("group %s is not in /etc/group: its devices stay with root", r.groupName()))
		}
	}
	return p, errors.Join(errs...)
}

func (r *rule) groupName() string {
	if r.group == "" {
		return "root"
	}
	return r.group
}

// Decide returns the decision for a device that has a node.
func (p *Program) Decide(d *devtree.Device, attrs Attrs) Decision {
	for i := range p.rules {
		if r := &p.rules[i]; r.matches(d, attrs) {
			return p.decision(r, d, attrs)
		}
	}
	return kernelDecision(d)
}

func (p *Program) decision(r *rule, d *devtree.Device, attrs Attrs) Decision {
	dec := kernelDecision(d)
	dec.Links = r.expandLinks(d, attrs)
	gid, ok := p.groups[r.groupName()]
	if !ok {
		dec.Reason = "kernel (group " + r.group + " is unknown)"
		return dec
	}
	dec.Set, dec.UID, dec.Owner = true, 0, "root"
	dec.GID, dec.Group = gid, r.groupName()
	if r.mode != 0 {
		dec.Mode = r.mode
	}
	dec.Reason = "stock " + r.String()
	return dec
}

// kernelDecision describes the node as devtmpfs makes it.
func kernelDecision(d *devtree.Device) Decision {
	dec := Decision{Mode: 0o600, Owner: "root", Group: "root", Reason: "kernel"}
	if m, err := strconv.ParseUint(d.Env.Get("DEVMODE"), 0, 12); err == nil && m != 0 {
		dec.Mode = uint32(m) & 0o777
	}
	return dec
}

func (r *rule) matches(d *devtree.Device, attrs Attrs) bool {
	return anyOf(r.subsystem, d.Subsystem) && anyOf(r.kernel, d.Name()) && r.attrMatches(attrs)
}

// anyOf matches s against patterns separated by "|".
func anyOf(patterns, s string) bool {
	if patterns == "" {
		return true
	}
	for rest, more := patterns, true; more; {
		var p string
		p, rest, more = strings.Cut(rest, "|")
		if p == s {
			return true
		}
		if strings.IndexByte(p, '*') >= 0 || strings.IndexByte(p, '[') >= 0 {
			if ok, _ := path.Match(p, s); ok {
				return true
			}
		}
	}
	return false
}

func (r *rule) attrMatches(attrs Attrs) bool {
	if r.attr == "" {
		return true
	}
	name, values, _ := strings.Cut(r.attr, "=")
	value := strings.TrimSpace(attrs(name))
	return value != "" && anyOf(values, value)
}

// expandLinks leaves a link out when what it is named after is missing or not
// fit for a file name: the strings are the hypervisor's.
func (r *rule) expandLinks(d *devtree.Device, attrs Attrs) []string {
	var links []string
	for link := range strings.FieldsSeq(r.links) {
		link = strings.ReplaceAll(link, "$kernel", d.Name())
		if strings.Contains(link, "$attr") {
			name, _, _ := strings.Cut(r.attr, "=")
			value := strings.TrimSpace(attrs(name))
			if !plain(value) {
				continue
			}
			link = strings.ReplaceAll(link, "$attr", value)
		}
		links = append(links, link)
	}
	return links
}

func plain(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("#+-.:=@_", c) {
			return false
		}
	}
	return s != "" && s[0] != '.'
}

// String prints the row for dev info.
func (r *rule) String() string {
	var words []string
	for _, w := range []struct{ key, value string }{{"subsystem", r.subsystem}, {"kernel", r.kernel}, {"attr", r.attr}} {
		if w.value != "" {
			words = append(words, w.key+"="+w.value)
		}
	}
	return strings.Join(words, " ")
}
