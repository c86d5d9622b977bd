package udevdb

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Sweep removes what an earlier process left of devices that nobody has put in
// since Open, and returns of how many.
func (d *Dir) Sweep() int {
	removed := len(d.found)
	for id := range d.found {
		if !fileName(id) { // a file that was being written
			_ = unlink(d.data, id)
			delete(d.found, id)
			continue
		}
		_ = d.Remove(id)
	}
	clear(d.found)
	for _, dir := range []string{"tags", "links"} {
		groups, _ := fs.ReadDir(d.root, dir)
		for _, g := range groups {
			d.sweepGroup(dir, g.Name())
		}
	}
	return removed
}

func (d *Dir) sweepGroup(dir, group string) {
	parent := d.tags
	if dir == "links" {
		parent = d.links
	}
	entries, _ := fs.ReadDir(d.root, dir+"/"+group)
	for _, e := range entries {
		if d.known[e.Name()] == nil {
			_ = unlink(parent, group+"/"+e.Name())
		}
	}
	if dir == "links" {
		_ = unix.Unlinkat(parent, group, unix.AT_REMOVEDIR) // if it is empty now
	}
}
