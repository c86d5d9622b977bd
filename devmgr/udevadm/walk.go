package udevadm

import (
	"fmt"
	"io/fs"
	"path"
	"slices"

	"slashdev/devmgr/uevent"
)

const walkIntro = `
Udevadm info starts with the device specified by the devpath and then
walks up the chain of parent devices. It prints for every device
found, all possible attributes in the udev rules key format.
A rule to match, can be composed by the attributes of the device
and the attributes from one single parent device.

`

// walk prints what rules can match of a device and of those above it.
func (s *System) walk(d *device) error {
	s.out.WriteString(walkIntro)
	fmt.Fprintf(s.out, "  looking at device '%s':\n", d.ev.DevPath)
	s.printKeys(d, "")
	for _, p := range s.parents(d) {
		fmt.Fprintf(s.out, "  looking at parent device '%s':\n", p.ev.DevPath)
		s.printKeys(p, "S")
	}
	return nil
}

func (s *System) printKeys(d *device, plural string) {
	fmt.Fprintf(s.out, "    KERNEL%s==\"%s\"\n", plural, d.name())
	fmt.Fprintf(s.out, "    SUBSYSTEM%s==\"%s\"\n", plural, d.ev.Subsystem)
	fmt.Fprintf(s.out, "    DRIVER%s==\"%s\"\n", plural, s.driver(d))
	for _, name := range s.attributes(d.ev.DevPath) {
		if text, ok := s.shown(d.ev.DevPath, name); ok {
			fmt.Fprintf(s.out, "    ATTR%s{%s}==\"%s\"\n", plural, name, text)
		}
	}
	s.out.WriteString("\n")
}

// shown returns what is printed of an attribute.
func (s *System) shown(devpath, name string) (text string, ok bool) {
	st, err := fs.Stat(s.Sys.Tree(), devpath[1:]+"/"+name)
	switch {
	case err != nil:
		return "", false
	case st.Mode().Perm()&0o444 == 0:
		return "(not readable)", true
	}
	text, err = s.Sys.Attr(devpath, name)
	return text, err == nil && Visible(text) == text && len(text) < maxShown
}

// maxShown is what fits in a rule.
const maxShown = 4096

const maxDepth = 8

// attributes returns the names of the files that belong to a device, without
// those of the devices below it.
func (s *System) attributes(devpath string) (names []string) {
	s.collect(&names, devpath[1:], "", maxDepth)
	slices.Sort(names)
	return names
}

func (s *System) collect(names *[]string, dir, prefix string, depth int) {
	entries, err := fs.ReadDir(s.Sys.Tree(), path.Join(dir, prefix))
	if err != nil || depth == 0 {
		return
	}
	for _, e := range entries {
		name := path.Join(prefix, e.Name())
		switch {
		case e.IsDir() && !s.isDevice(path.Join(dir, name)):
			s.collect(names, dir, name, depth-1)
		case e.Type().IsRegular() && !skipped(name):
			*names = append(*names, name)
		}
	}
}

// isDevice says whether a directory is another device's.
func (s *System) isDevice(dir string) bool {
	_, err := fs.Stat(s.Sys.Tree(), dir+"/uevent")
	return err == nil
}

// skipped are those whose content is the device's description itself.
func skipped(name string) bool { return name == "uevent" || name == "dev" || name == "modalias" }

// parentDir returns the device that has another one below it, for trees.
func parentDir(devpath string, all map[string]*device) string {
	for dir := path.Dir(devpath); uevent.CheckDevPath(dir) == nil; dir = path.Dir(dir) {
		if all[dir] != nil {
			return dir
		}
	}
	return ""
}
