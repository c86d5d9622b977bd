// Package teardown takes away swap, file systems and the devices below them when
// the machine goes down. First, Plan and Last read the tables of /proc and /sys
// and return steps, which print themselves; Run does them.
package teardown

import (
	"io/fs"
	"slices"
	"strings"
)

// Step is one thing to do; it prints itself as the command one would type.
type Step struct {
	Verb   string
	Target string
}

// The verbs.
const (
	Kill    = "kill -KILL"
	Sync    = "sync"
	Swapoff = "swapoff"
	Lazy    = "umount -l"
	Unmount = "umount"
	Loop    = "losetup -d"
	Mapper  = "dmsetup remove"
	Array   = "mdadm --stop"
	Remount = "mount -o remount,ro"
)

func (s Step) String() string { return strings.TrimSpace(s.Verb + " " + s.Target) }

// First is what comes before all else: nobody writes any more, and what has
// been written is safe even if a later step hangs. Swap files and views of /dev
// lie on top of the rest.
func First(root fs.FS) []Step {
	steps := []Step{{Kill, "-1"}, {Sync, ""}}
	for _, path := range swaps(root) {
		steps = append(steps, Step{Swapoff, path})
	}
	for _, m := range slices.Backward(mounts(root, view)) {
		steps = append(steps, Step{Lazy, m.target})
	}
	return steps
}

// Plan is what can be taken away now: file systems in reverse order, then the
// devices that carry none. It is made anew until nothing is left to do: a loop
// device can go when its file system has gone, and the disk below it after that.
func Plan(root fs.FS) []Step {
	var steps []Step
	for _, m := range slices.Backward(mounts(root, disk)) {
		if m.target != "/" {
			steps = append(steps, Step{Unmount, m.target})
		}
	}
	return append(steps, devices(root)...)
}

// Last makes read-only what stayed mounted, the root for one.
func Last(root fs.FS) []Step {
	var steps []Step
	for _, m := range slices.Backward(mounts(root, disk)) {
		steps = append(steps, Step{Remount, m.target})
	}
	return append(steps, Step{Sync, ""})
}

// devices are the loop devices, mapped devices and arrays that nothing stands
// on.
func devices(root fs.FS) []Step {
	var steps []Step
	used := map[string]bool{}
	for _, m := range mounts(root, disk) {
		used[m.device] = true
	}
	names, _ := fs.ReadDir(root, "sys/block")
	for _, e := range names {
		name := e.Name()
		file := func(path string) string {
			text, _ := fs.ReadFile(root, "sys/block/"+name+"/"+path)
			return strings.TrimSpace(string(text))
		}
		holders, _ := fs.ReadDir(root, "sys/block/"+name+"/holders")
		if len(holders) > 0 || used[file("dev")] {
			continue
		}
		if file("loop/backing_file") != "" {
			steps = append(steps, Step{Loop, name})
		}
		if mapped := file("dm/name"); mapped != "" {
			steps = append(steps, Step{Mapper, mapped})
		}
		if state := file("md/array_state"); state != "" && state != "clear" {
			steps = append(steps, Step{Array, name})
		}
	}
	return steps
}
