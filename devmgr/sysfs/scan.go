package sysfs

import (
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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
		for ev := range s.readAll(devices) {
			ev.Action = uevent.Add
			if !yield(ev, nil) {
				return
			}
		}
	}
}

// readAll yields the devices that are still there, in order. The kernel takes
// most of the time, so on the machine two goroutines read, each its part.
func (s FS) readAll(devices []found) iter.Seq[uevent.Event] {
	return func(yield func(uevent.Event) bool) {
		read := s.readOne
		if _, ok := s.tree.(host); ok {
			events := s.readParallel(devices)
			read = func(i int, _ found) uevent.Event { return events[i] }
		}
		for i, f := range devices {
			if ev := read(i, f); ev.DevPath != "" && !yield(ev) {
				return
			}
		}
	}
}

// readOne returns the zero Event for what has vanished.
func (s FS) readOne(_ int, f found) uevent.Event {
	ev, err := s.read(f.devpath, f.subsystem)
	if err != nil {
		return uevent.Event{}
	}
	return ev
}

func (s FS) readParallel(devices []found) []uevent.Event {
	events := make([]uevent.Event, len(devices))
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(devices)); i = next.Add(1) - 1 {
			events[i] = s.readOne(0, devices[i])
		}
	}
	var wg sync.WaitGroup
	wg.Go(work)
	work()
	wg.Wait()
	return events
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
// attribute files too (net/bonding_masters, firmware/timeout). Most devices of
// a PC are virtual ones, and a name is in a class only once, so those are found
// by one listing instead of a readlink each.
func (s FS) appendLinks(all []found, dir, subsystem string) []found {
	entries, _ := fs.ReadDir(s.tree, dir)
	virtual := map[string]bool{}
	if len(entries) > 4 && strings.HasPrefix(dir, "class/") {
		below, _ := fs.ReadDir(s.tree, "devices/virtual/"+subsystem)
		for _, e := range below {
			virtual[e.Name()] = e.IsDir()
		}
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		devpath := "/devices/virtual/" + subsystem + "/" + e.Name()
		if !virtual[e.Name()] {
			target, err := fs.ReadLink(s.tree, dir+"/"+e.Name())
			if err != nil {
				continue
			}
			devpath = path.Join("/", dir, target)
		}
		if strings.HasPrefix(devpath, "/devices/") && uevent.CheckDevPath(devpath) == nil {
			all = append(all, found{devpath, subsystem})
		}
	}
	return all
}
