package ident

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Property is one thing known of a device, such as ID_VENDOR=QEMU.
type Property struct{ Key, Value string }

// properties collects what is found, in the order in which udev says it.
type properties []Property

func (p *properties) add(key, value string) { *p = append(*p, Property{key, value}) }

// addSome leaves out what is not known.
func (p *properties) addSome(key, value string) {
	if value != "" {
		p.add(key, value)
	}
}

// device is a directory of sysfs.
type device struct {
	tree fs.FS
	dir  string // "devices/..."
}

func at(tree fs.FS, devpath string) device {
	return device{tree, strings.TrimPrefix(path.Clean(devpath), "/")}
}

func (d device) name() string { return path.Base(d.dir) }

// attr returns an attribute as the kernel shows it, but for ends of lines
// behind it.
func (d device) attr(name string) (string, bool) {
	b, err := fs.ReadFile(d.tree, d.dir+"/"+name)
	if err != nil {
		return "", false
	}
	return strings.TrimRight(upToZero(b), "\r\n"), true
}

// text returns an attribute that may be missing.
func (d device) text(name string) string {
	s, _ := d.attr(name)
	return s
}

func (d device) subsystem() string { return d.link("subsystem") }

func (d device) driver() string { return d.link("driver") }

// link returns the last element of what a link points to.
func (d device) link(name string) string {
	target, err := fs.ReadLink(d.tree, d.dir+"/"+name)
	if err != nil {
		return ""
	}
	return path.Base(target)
}

// is says whether the device is of a subsystem and, unless it is "", of a type.
func (d device) is(subsystem, devtype string) bool {
	return d.subsystem() == subsystem && (devtype == "" || attr(d.tree, d.dir, "uevent", "DEVTYPE="+devtype))
}

// parent returns the nearest device above d of a subsystem and, unless it is
// "", of a type.
func (d device) parent(subsystem, devtype string) (device, error) {
	for dir, n := path.Dir(d.dir), 0; strings.Contains(dir, "/") && n < maxDepth; dir, n = path.Dir(dir), n+1 {
		if up := (device{d.tree, dir}); up.is(subsystem, devtype) {
			return up, nil
		}
	}
	return device{}, fmt.Errorf("/%s: no parent %s: %w", d.dir, strings.TrimSpace(subsystem+" "+devtype), fs.ErrNotExist)
}

// need returns an attribute that must be there.
func (d device) need(name string) (string, error) {
	s, ok := d.attr(name)
	if !ok {
		return "", fmt.Errorf("/%s: no attribute %s: %w", d.dir, name, fs.ErrNotExist)
	}
	return s, nil
}

// raw returns a binary attribute, nil if it is missing.
func (d device) raw(name string) []byte {
	b, _ := fs.ReadFile(d.tree, d.dir+"/"+name)
	return b
}

var errShort = errors.New("cut short")

// upToZero is what is before a zero byte, as in strings of C.
func upToZero(b []byte) string {
	text, _, _ := strings.Cut(string(b), "\x00")
	return text
}
