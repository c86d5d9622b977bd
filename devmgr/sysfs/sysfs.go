// Package sysfs answers questions about a sysfs tree given as fs.FS.
//
// Sysfs is the truth about devices; an event only says where to look. Read
// returns what the kernel says now about one device, Scan the same for all
// devices, as the same event values that the socket delivers. What vanishes
// while it is read is passed over: its remove event is on the way.
//
// On the machine the tree is Host("/sys"), which needs three system calls to
// read an attribute; tests use any fs.FS that can read links.
package sysfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"slashdev/devmgr/uevent"
)

// FS is a sysfs tree.
type FS struct{ tree fs.FS }

// New returns the sysfs tree in tree, whose root is what is mounted on /sys.
func New(tree fs.FS) FS { return FS{tree} }

// ErrNoDevice means that there is no device at a devpath (any more).
var ErrNoDevice = fmt.Errorf("no device: %w", fs.ErrNotExist)

// Read returns the state of the device at devpath as an event without action.
// Only what has a subsystem is a device: nothing else is announced either.
func (s FS) Read(devpath string) (uevent.Event, error) {
	if err := uevent.CheckDevPath(devpath); err != nil {
		return uevent.Event{}, err
	}
	subsystem, err := s.Link(devpath, "subsystem")
	if err != nil {
		return uevent.Event{}, gone("subsystem", devpath, err)
	}
	return s.read(devpath, path.Base(subsystem))
}

func (s FS) read(devpath, subsystem string) (uevent.Event, error) {
	text, err := s.readFile(devpath[1:] + "/uevent")
	if err != nil {
		return uevent.Event{}, gone("uevent", devpath, err)
	}
	ev := uevent.Event{DevPath: devpath, Subsystem: subsystem, Env: uevent.Lines(text)}
	owns := strings.HasPrefix(text, coreKeys) && uevent.CheckName(ev.Env.Get("DEVNAME")) == nil
	if !owns && ev.Env.Get("MAJOR") != "" {
		ev.Env = ev.Env.Without("MAJOR", "MINOR", "DEVNAME", "DEVMODE", "DEVUID", "DEVGID")
	}
	return ev, nil
}

// coreKeys is how the uevent file of a device with a number begins, see
// dev_uevent in drivers/base/core.c. What a bus or driver adds stands behind,
// and may hold strings of the device: a keyboard whose name has a newline and
// "MAJOR=8" in it does not own a disk.
const coreKeys = "MAJOR="

// gone makes one error of the many ways in which a vanishing device fails.
func gone(what, devpath string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("read %s of %s: %w", what, devpath, err)
	}
	return fmt.Errorf("read %s of %s: %w", what, devpath, ErrNoDevice)
}

// Attr returns an attribute of the device without the newline at its end.
func (s FS) Attr(devpath, name string) (string, error) {
	if uevent.CheckDevPath(devpath) != nil || uevent.CheckName(name) != nil {
		return "", &fs.PathError{Op: "read", Path: devpath + "/" + name, Err: fs.ErrInvalid}
	}
	text, err := s.readFile(devpath[1:] + "/" + name)
	return strings.TrimRight(text, "\n"), err
}

// Value returns an attribute as rules see it: name may lead to another
// directory below /sys, and of the links driver, module and subsystem it is
// the last part of the target.
func (s FS) Value(devpath, name string) (string, error) {
	full := devpath + "/" + name
	if strings.Contains(full, "..") {
		full = path.Join(devpath, name)
	}
	if err := uevent.CheckDevPath(full); err != nil {
		return "", err
	}
	switch path.Base(name) {
	case "driver", "module", "subsystem":
		target, err := fs.ReadLink(s.tree, full[1:])
		if err == nil {
			return path.Base(target), nil
		}
	}
	text, err := s.readFile(full[1:])
	return strings.TrimRight(text, "\n"), err
}

// Link returns where a link in the device's directory leads, as a path below
// /sys with a leading slash.
func (s FS) Link(devpath, name string) (string, error) {
	target, err := fs.ReadLink(s.tree, devpath[1:]+"/"+name)
	if err != nil {
		return "", err
	}
	return path.Join(devpath, target), nil
}

// IsBus says whether subsystem is a bus, whose devices have drivers, and not a
// class.
func (s FS) IsBus(subsystem string) bool {
	_, err := fs.Stat(s.tree, "bus/"+subsystem)
	return err == nil
}

// Tree returns the tree itself, for probes that walk it.
func (s FS) Tree() fs.FS { return s.tree }

func (s FS) readFile(name string) (string, error) {
	if h, ok := s.tree.(host); ok {
		return h.readString(name)
	}
	b, err := fs.ReadFile(s.tree, name)
	return string(b), err
}
