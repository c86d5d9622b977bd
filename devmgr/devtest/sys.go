// Package devtest tells stories about devices without a machine.
//
// Sys is a sysfs tree in memory that devices are put into and taken out of as
// the kernel would. A scenario is a txtar file: a script in its comment, the
// first devices in sys.tree, and in want.1, want.2 ... the steps that each
// "show" of the script must print. Model is a /dev in memory that performs
// steps, to compare where two ways lead.
package devtest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"slashdev/devmgr/recording"
	"slashdev/devmgr/sysfs"
)

// Sys is a sysfs tree in memory. It is for one goroutine.
type Sys struct {
	files   fstest.MapFS
	devices map[string]map[string]string // by devpath: the links that lead to it
}

// NewSys returns a tree without devices.
func NewSys() *Sys {
	s := &Sys{files: fstest.MapFS{}, devices: map[string]map[string]string{}}
	for _, dir := range []string{"bus", "class", "dev/block", "dev/char", "devices"} {
		s.files[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	return s
}

// FS returns the tree.
func (s *Sys) FS() sysfs.FS { return sysfs.New(s.files) }

// Tree returns the tree as the file system that it is.
func (s *Sys) Tree() fs.FS { return s.files }

// Buses whose devices are found in /sys/bus; all others are classes.
const buses = " acpi cpu hid mmc nd nvme-bus pci platform pnp scsi serio spi usb virtio xen "

// Add puts a device in, with its links in bus or class and dev. env holds
// KEY=VALUE words, in which \n stands for a newline.
func (s *Sys) Add(devpath, subsystem string, env ...string) {
	home := "class/" + subsystem
	if strings.Contains(buses, " "+subsystem+" ") {
		home = "bus/" + subsystem
	}
	s.add(devpath, home, env...)
}

// Put puts a recorded device in.
func (s *Sys) Put(d *recording.Device) {
	home := "class/" + d.Subsystem
	if onBus, known := d.OnBus(); onBus || !known && strings.Contains(buses, " "+d.Subsystem+" ") {
		home = "bus/" + d.Subsystem
	}
	var env []string
	for key, value := range d.Env.All() {
		env = append(env, key+"="+value)
	}
	s.add(d.DevPath, home, env...)
	for _, a := range d.Attrs {
		s.Attr(d.DevPath[1:]+"/"+a.Name, a.Value)
	}
	for _, l := range d.Links {
		if l.Name != "subsystem" {
			s.files[d.DevPath[1:]+"/"+l.Name] = &fstest.MapFile{Data: []byte(l.Value), Mode: fs.ModeSymlink | 0o777}
		}
	}
}

func (s *Sys) add(devpath, home string, env ...string) {
	s.Remove(devpath)
	subsystem, list := path.Base(home), home
	if strings.HasPrefix(home, "bus/") {
		list += "/devices"
	}
	dir := devpath[1:]
	var text strings.Builder
	for _, word := range env {
		text.WriteString(strings.ReplaceAll(word, `\n`, "\n") + "\n")
	}
	s.Attr(dir+"/uevent", text.String())
	s.link(dir+"/subsystem", home)
	links := map[string]string{list + "/" + path.Base(devpath): dir}
	if number := ownNumber(env); number != "" {
		kind := "char"
		if subsystem == "block" {
			kind = "block"
		}
		links["dev/"+kind+"/"+number] = dir
	}
	for name, target := range links {
		if s.files[name] == nil { // a number that is taken stays with its owner
			s.link(name, target)
		} else {
			delete(links, name)
		}
	}
	s.devices[devpath] = links
}

// ownNumber goes by whole words: what stands in a string of the device is not
// known to the driver core.
func ownNumber(env []string) string {
	var major, minor string
	for _, word := range env {
		if v, ok := strings.CutPrefix(word, "MAJOR="); ok {
			major = v
		}
		if v, ok := strings.CutPrefix(word, "MINOR="); ok {
			minor = v
		}
	}
	if major == "" {
		return ""
	}
	return major + ":" + minor
}

// Attr puts a file in, below /sys.
func (s *Sys) Attr(name, text string) {
	s.files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

// link makes a relative link, as sysfs does.
func (s *Sys) link(name, target string) {
	up := strings.Repeat("../", strings.Count(name, "/"))
	s.files[name] = &fstest.MapFile{Data: []byte(up + target), Mode: fs.ModeSymlink | 0o777}
}

// Remove takes a device and those below it out.
func (s *Sys) Remove(devpath string) {
	for p, links := range s.devices {
		if p != devpath && !strings.HasPrefix(p, devpath+"/") {
			continue
		}
		for name := range links {
			delete(s.files, name)
		}
		delete(s.devices, p)
	}
	for name := range s.files {
		if strings.HasPrefix(name, devpath[1:]+"/") {
			delete(s.files, name)
		}
	}
}

// Devices returns the devpaths of all devices, parents first.
func (s *Sys) Devices() []string {
	var all []string
	for p := range s.devices {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Load puts in what text says, and returns the devices among it. A line is
//
//	dev DEVPATH SUBSYSTEM [KEY=VALUE]...
//	a PATH TEXT      an attribute; \n stands for a newline
//	l PATH TARGET    a link, as given
//	d PATH           a directory
func (s *Sys) Load(text string) (devices []string, err error) {
	for row := range strings.Lines(text) {
		words := strings.Fields(row)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		switch {
		case words[0] == "dev" && len(words) >= 3:
			s.Add(words[1], words[2], words[3:]...)
			devices = append(devices, words[1])
		case words[0] == "a" && len(words) >= 2:
			_, rest, _ := strings.Cut(strings.TrimSpace(row), words[1])
			s.Attr(words[1], strings.ReplaceAll(strings.TrimSpace(rest), `\n`, "\n"))
		case words[0] == "l" && len(words) == 3:
			s.files[words[1]] = &fstest.MapFile{Data: []byte(words[2]), Mode: fs.ModeSymlink | 0o777}
		case words[0] == "d" && len(words) == 2:
			s.files[words[1]] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		default:
			return devices, fmt.Errorf("sys.tree: cannot read %q", strings.TrimSpace(row))
		}
	}
	return devices, nil
}
