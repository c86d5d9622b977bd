package sysfs

import (
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"slashdev/devmgr/uevent"
)

// maxDevices bounds a scan. A machine with more would need another design.
const maxDevices = 1 << 18

type found struct{ devpath, subsystem string }

// Scan yields an add event for every device, parents before children. It goes
// by the links in /sys/bus and /sys/class, which lead to exactly the devices
// that the kernel announces, with half the system calls of a walk of
// /sys/devices: most directories there are not devices.
func (s FS) Scan() iter.Seq2[uevent.Event, error] {
	return func(yield func(uevent.Event, error) bool) {
		devices, err := s.find()
		if err != nil {
			yield(uevent.Event{}, err)
			return
		}
		for _, f := range devices {
			ev, err := s.read(f.devpath, f.subsystem)
			if err != nil {
				continue // vanished since
			}
			ev.Action = uevent.Add
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func (s FS) find() ([]found, error) {
	var all []found
	for _, group := range []struct{ dir, sub string }{{"bus", "/devices"}, {"class", ""}} {
		entries, err := fs.ReadDir(s.tree, group.dir)
		if err != nil && group.dir == "class" {
			return nil, fmt.Errorf("scan devices: is sysfs mounted? %w", err)
		}
		for _, e := range entries {
			all = s.appendLinks(all, group.dir+"/"+e.Name()+group.sub, e.Name())
		}
		if len(all) > maxDevices {
			return nil, fmt.Errorf("scan devices: more than %d", maxDevices)
		}
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.devpath, b.devpath) })
	return slices.CompactFunc(all, func(a, b found) bool { return a.devpath == b.devpath }), nil
}

// appendLinks collects the devices that the links in dir lead to. Classes hold
// attribute files too (net/bonding_masters, firmware/timeout).
func (s FS) appendLinks(all []found, dir, subsystem string) []found {
	entries, _ := fs.ReadDir(s.tree, dir)
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		target, err := fs.ReadLink(s.tree, dir+"/"+e.Name())
		if err != nil {
			continue
		}
		devpath := path.Join("/", dir, target)
		if strings.HasPrefix(devpath, "/devices/") && uevent.CheckDevPath(devpath) == nil {
			all = append(all, found{devpath, subsystem})
		}
	}
	return all
}
