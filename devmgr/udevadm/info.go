package udevadm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/udevdb"
)

const infoHelp = `udevadm info [OPTIONS] [DEVPATH|FILE]...

Query sysfs or the udev database.

  -q --query=TYPE             Query device information:
       name                     Name of device node
       symlink                  Pointing to node
       path                     sysfs device path
       property                 The device properties
       all                      All values
     --property=NAME          Show only properties by this name
     --value                  When showing properties, print only their values
  -p --path=SYSPATH           sysfs device path used for query or attribute walk
  -n --name=NAME              Node or symlink name used for query or walk
  -r --root                   Prepend dev directory to path names
  -a --attribute-walk         Print all key matches walking along the chain
                              of parent devices
  -t --tree                   Show tree of devices
  -d --device-id-of-file=FILE Print major:minor of device containing this file
  -x --export                 Export key/value pairs
  -P --export-prefix=PREFIX   Export the key name with a prefix
  -e --export-db              Export the content of the udev database
  -c --cleanup-db             Clean up the udev database
  -w --wait-for-initialization[=SECONDS]
                              Wait for device to be initialized
`

var infoOptions = []option{
	{"query", 'q', '!'}, {"property", 0, '!'}, {"value", 0, 0}, {"path", 'p', '!'}, {"name", 'n', '!'}, {"root", 'r', 0},
	{"attribute-walk", 'a', 0}, {"tree", 't', 0}, {"device-id-of-file", 'd', '!'}, {"export", 'x', 0}, {"export-prefix", 'P', '!'},
	{"export-db", 'e', 0}, {"cleanup-db", 'c', 0}, {"wait-for-initialization", 'w', '?'}, {"no-pager", 0, 0},
}

func (s *System) info(o options) error {
	switch {
	case o.has("device-id-of-file"):
		return s.printWhere(o)
	case o.has("export-db"):
		return s.exportDB()
	case o.has("cleanup-db"):
		return s.cleanUp()
	}
	devices, err := s.chosen(o)
	if err != nil {
		return err
	}
	switch {
	case o.has("tree"):
		return s.printTree(devices)
	case len(devices) == 0:
		return ctl.Errorf(ctl.Usage, "A device name or path is required")
	case o.has("attribute-walk") && len(devices) > 1:
		return ctl.Errorf(ctl.Usage, "Only one device may be specified with -a/--attribute-walk")
	}
	for _, d := range devices {
		if err := s.answer(o, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) answer(o options, d *device) error {
	if o.has("wait-for-initialization") {
		limit, err := o.seconds("wait-for-initialization", forever)
		if err == nil {
			d, err = s.awaitInitialized(d, limit)
		}
		if err != nil {
			return err
		}
	}
	if o.has("attribute-walk") {
		return s.walk(d)
	}
	return s.query(o, d)
}

// chosen returns the devices of -p, -n and the arguments, in this order.
func (s *System) chosen(o options) (devices []*device, err error) {
	for _, g := range o.given {
		var d *device
		switch g.name {
		case "path":
			d, err = s.find(s.SysDir + "/" + strings.TrimPrefix(strings.TrimPrefix(g.value, s.SysDir+"/"), "/"))
		case "name":
			d, err = s.find("/dev/" + strings.TrimPrefix(g.value, "/dev/"))
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	for _, word := range o.args {
		d, err := s.find(word)
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}

func (s *System) query(o options, d *device) error {
	root := ""
	if o.has("root") {
		root = "/dev/"
	}
	switch o.last("query") {
	case "name":
		if d.node() == "" {
			return ctl.Errorf(ctl.NotFound, "No device node found: No such file or directory")
		}
		fmt.Fprintf(s.out, "%s%s\n", root, d.node())
	case "symlink":
		var links []string
		for _, l := range d.record.Links {
			links = append(links, root+l)
		}
		fmt.Fprintln(s.out, strings.Join(links, " "))
	case "path":
		fmt.Fprintln(s.out, d.ev.DevPath)
	case "property":
		s.printProperties(o, d)
	case "all", "":
		s.printRecord(d, "")
		s.out.WriteString("\n")
	default:
		return ctl.Errorf(ctl.Usage, "unknown query type %q", o.last("query"))
	}
	return nil
}

func (s *System) printProperties(o options, d *device) {
	var wanted []string
	for _, list := range o.all("property") {
		wanted = append(wanted, strings.Split(list, ",")...)
	}
	prefix := o.last("export-prefix")
	for _, p := range d.properties() {
		switch {
		case wanted != nil && !slices.Contains(wanted, p.key):
		case o.has("value"):
			fmt.Fprintln(s.out, Visible(p.value))
		case o.has("export") || prefix != "":
			fmt.Fprintf(s.out, "%s%s=%s\n", prefix, Visible(p.key), quoted(p.value))
		default:
			fmt.Fprintf(s.out, "%s=%s\n", Visible(p.key), Visible(p.value))
		}
	}
}

// printRecord prints all that is known, a letter before each line.
func (s *System) printRecord(d *device, indent string) {
	say := func(letter, value string) {
		if value != "" {
			fmt.Fprintf(s.out, "%s%s: %s\n", indent, letter, Visible(value))
		}
	}
	say("P", d.ev.DevPath)
	say("M", d.name())
	say("R", d.instance())
	say("U", d.ev.Subsystem)
	say("T", d.ev.Env.Get("DEVTYPE"))
	if node := d.node(); node != "" {
		kind := "c "
		if d.ev.Subsystem == "block" {
			kind = "b "
		}
		say("D", kind+d.ev.Env.Get("MAJOR")+":"+d.ev.Env.Get("MINOR"))
		say("N", node)
		say("L", strconv.Itoa(d.record.Priority))
	}
	say("I", d.ev.Env.Get("IFINDEX"))
	for _, l := range d.record.Links {
		say("S", l)
	}
	say("Q", d.ev.Env.Get("DISKSEQ"))
	say("V", s.driver(d))
	for _, p := range d.properties() {
		say("E", p.key+"="+p.value)
	}
}

// printWhere prints the number of the file system that a file is on.
func (s *System) printWhere(o options) error {
	dev, err := s.Where(o.last("device-id-of-file"))
	if err != nil {
		return err
	}
	if o.has("export") || o.has("export-prefix") {
		prefix := "INFO_"
		if o.has("export-prefix") {
			prefix = o.last("export-prefix")
		}
		fmt.Fprintf(s.out, "%sMAJOR=%d\n%sMINOR=%d\n", prefix, major(dev), prefix, minor(dev))
		return nil
	}
	fmt.Fprintf(s.out, "%d:%d\n", major(dev), minor(dev))
	return nil
}

func (s *System) exportDB() error {
	devices, err := s.allDevices()
	for _, d := range devices {
		s.printRecord(d, "")
		s.out.WriteString("\n")
	}
	return err
}

// cleanUp removes what is not marked to persist. An initramfs does so before
// the system's own device manager starts.
func (s *System) cleanUp() error {
	entries, err := fs.ReadDir(s.DB, "data")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kept := map[string]bool{}
	for _, e := range entries {
		if r, err := udevdb.Read(s.DB, e.Name()); err == nil && r.Persist {
			kept[e.Name()] = true
			continue
		}
		if err := os.Remove(filepath.Join(s.Udev, "data", e.Name())); err != nil {
			return err
		}
	}
	for _, dir := range []string{"links", "tags"} {
		if err := s.cleanGroups(dir, kept); err != nil {
			return err
		}
	}
	return nil
}

// cleanGroups removes the entries of a directory of directories but those kept.
func (s *System) cleanGroups(dir string, kept map[string]bool) error {
	groups, _ := fs.ReadDir(s.DB, dir)
	for _, g := range groups {
		entries, _ := fs.ReadDir(s.DB, dir+"/"+g.Name())
		for _, e := range entries {
			if kept[e.Name()] {
				continue
			}
			if err := os.Remove(filepath.Join(s.Udev, dir, g.Name(), e.Name())); err != nil {
				return err
			}
		}
		_ = os.Remove(filepath.Join(s.Udev, dir, g.Name())) // if nothing is left
	}
	return nil
}
