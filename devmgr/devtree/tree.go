package devtree

import (
	"iter"
	"maps"
	"slices"

	"slashdev/devmgr/uevent"
)

// Tree is the set of devices that are present. One goroutine owns it.
type Tree struct{ devices map[string]*Device }

// New returns an empty tree.
func New() *Tree { return &Tree{devices: map[string]*Device{}} }

// Change says what became of a device. Old is nil for one that is new, Device
// is nil for one that is gone; neither is nil when it was seen again, with or
// without a difference.
type Change struct {
	Old, Device *Device
}

// DevPath returns the path of the device that changed.
func (c Change) DevPath() string {
	if c.Device != nil {
		return c.Device.DevPath
	}
	return c.Old.DevPath
}

// Put takes in what sysfs says about a device that is present.
func (t *Tree) Put(truth uevent.Event) Change {
	c := Change{Old: t.devices[truth.DevPath], Device: NewDevice(truth)}
	if c.Old != nil && c.Old.Equal(c.Device) {
		c.Device = c.Old // one copy of the strings
	}
	t.devices[truth.DevPath] = c.Device
	return c
}

// Delete takes a device out; ok is false if it was not known.
func (t *Tree) Delete(devpath string) (c Change, ok bool) {
	d, ok := t.devices[devpath]
	delete(t.devices, devpath)
	return Change{Old: d}, ok
}

// Apply takes in the truth about the device of an event: present is what
// sysfs.Read returned, and nil if there is no such device. A removed device
// that is present is a new one of the same name, and gives two changes.
func (t *Tree) Apply(hint uevent.Event, present *uevent.Event) []Change {
	var changes []Change
	if present == nil || hint.Action == uevent.Remove {
		if c, ok := t.Delete(hint.DevPath); ok {
			changes = append(changes, c)
		}
	}
	if present != nil {
		changes = append(changes, t.Put(*present))
	}
	return changes
}

// Sync compares the tree with a scan and yields the differences, removals
// last, deepest first.
func (t *Tree) Sync(scan iter.Seq[uevent.Event]) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		seen := make(map[string]bool, len(t.devices))
		for truth := range scan {
			seen[truth.DevPath] = true
			c := t.Put(truth)
			if c.Old != c.Device && !yield(c) {
				return
			}
		}
		for _, devpath := range t.unseen(seen) {
			c, _ := t.Delete(devpath)
			if !yield(c) {
				return
			}
		}
	}
}

func (t *Tree) unseen(seen map[string]bool) []string {
	var gone []string
	for devpath := range t.devices {
		if !seen[devpath] {
			gone = append(gone, devpath)
		}
	}
	slices.Sort(gone)
	slices.Reverse(gone)
	return gone
}

// Get returns the device at devpath, or nil.
func (t *Tree) Get(devpath string) *Device { return t.devices[devpath] }

// Len returns the number of devices.
func (t *Tree) Len() int { return len(t.devices) }

// All returns the devices in the order of their paths, parents first.
func (t *Tree) All() []*Device {
	all := make([]*Device, 0, len(t.devices))
	for _, devpath := range slices.Sorted(maps.Keys(t.devices)) {
		all = append(all, t.devices[devpath])
	}
	return all
}
