package udevadm

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/udevdb"
	"slashdev/devmgr/uevent"
)

// device is what sysfs and the database say about one device.
type device struct {
	ev     uevent.Event // of sysfs
	id     string
	record udevdb.Record
	known  bool // it is in the database
}

// read looks at the device at devpath.
func (s *System) read(devpath string) (*device, error) {
	ev, err := s.Sys.Read(devpath)
	if errors.Is(err, fs.ErrNotExist) {
		ev, err = s.readOther(devpath)
	}
	if err != nil {
		return nil, err
	}
	return s.complete(ev), nil
}

// readOther reads what has no link to a subsystem: modules, buses, drivers, and
// devices that only hold others.
func (s *System) readOther(devpath string) (uevent.Event, error) {
	none := ctl.Errorf(ctl.NotFound, "Unknown device \"%s%s\": No such device", s.SysDir, devpath)
	if uevent.CheckDevPath(devpath) != nil {
		return uevent.Event{}, none
	}
	parts := strings.Split(devpath[1:], "/")
	ev := uevent.Event{DevPath: devpath}
	switch {
	case parts[0] == "module" && len(parts) == 2:
		ev.Subsystem = "module"
	case parts[0] == "bus" && len(parts) == 2 || parts[0] == "class" && len(parts) == 2:
		ev.Subsystem = "subsystem"
	case parts[0] == "bus" && len(parts) <= 4 && parts[2] == "drivers":
		ev.Subsystem = "drivers"
	case parts[0] != "devices":
		return ev, none
	}
	text, err := s.Sys.Attr(devpath, "uevent")
	if _, serr := fs.Stat(s.Sys.Tree(), devpath[1:]); serr != nil || ev.Subsystem == "" && err != nil {
		return ev, none
	}
	ev.Env = uevent.Lines(text)
	return ev, nil
}

func (s *System) complete(ev uevent.Event) *device {
	d := &device{ev: ev, id: udevdb.ID(ev)}
	r, err := udevdb.Read(s.DB, d.id)
	d.record, d.known = r, err == nil
	return d
}

// initialized says whether the device manager has dealt with the device, as far
// as one can tell: what has neither number nor index may have no entry.
func (d *device) initialized() bool { return d.known || strings.HasPrefix(d.id, "+") || d.id == "" }

// name is the kernel's name with the slashes that it stands for.
func (d *device) name() string {
	return strings.ReplaceAll(path.Base(d.ev.DevPath), "!", "/")
}

// instance is the number at the end of the name.
func (d *device) instance() string {
	name := d.name()
	n := strings.TrimRight(name, "0123456789")
	if n == "" {
		return ""
	}
	return name[len(n):]
}

// node is the name below /dev, "" if there is none.
func (d *device) node() string {
	if d.ev.Env.Get("MAJOR") == "" {
		return ""
	}
	return strings.TrimPrefix(d.ev.Env.Get("DEVNAME"), "/dev/")
}

func (s *System) driver(d *device) string {
	target, err := s.Sys.Link(d.ev.DevPath, "driver")
	if err != nil {
		return ""
	}
	return path.Base(target)
}

type pair struct{ key, value string }

// properties are the kernel's and those of the database, in the order in which
// udevadm of Debian 12 prints them.
func (d *device) properties() []pair {
	all := []pair{{"DEVPATH", d.ev.DevPath}}
	hasNode := d.node() != ""
	if !hasNode && d.ev.Subsystem != "" {
		all = append(all, pair{"SUBSYSTEM", d.ev.Subsystem})
	}
	for key, value := range d.ev.Env.All() {
		switch {
		case key == "MAJOR" || key == "MINOR" || d.record.Properties.Get(key) != "":
			continue
		case key == "DEVNAME":
			value = "/dev/" + d.node()
		}
		all = append(all, pair{key, value})
	}
	if hasNode {
		all = append(all, pair{"MAJOR", d.ev.Env.Get("MAJOR")}, pair{"MINOR", d.ev.Env.Get("MINOR")}, pair{"SUBSYSTEM", d.ev.Subsystem})
	}
	if d.record.Initialized != 0 {
		all = append(all, pair{"USEC_INITIALIZED", strconv.FormatUint(d.record.Initialized, 10)})
	}
	for key, value := range d.record.Properties.All() {
		all = append(all, pair{key, value})
	}
	return append(all, d.lists()...)
}

// lists are the properties that hold several values.
func (d *device) lists() (all []pair) {
	if len(d.record.Links) > 0 {
		all = append(all, pair{"DEVLINKS", "/dev/" + strings.Join(d.record.Links, " /dev/")})
	}
	if len(d.record.Tags) > 0 {
		all = append(all, pair{"TAGS", ":" + strings.Join(d.record.Tags, ":") + ":"})
	}
	if len(d.record.CurrentTags) > 0 {
		all = append(all, pair{"CURRENT_TAGS", ":" + strings.Join(d.record.CurrentTags, ":") + ":"})
	}
	return all
}

// find looks a device up by its path in /sys, its node or a link to it, or the
// name of systemd's unit for either.
func (s *System) find(word string) (*device, error) {
	name := word
	if unit, ok := strings.CutSuffix(word, ".device"); ok && !strings.HasPrefix(word, "/") {
		name = "/" + unescapeUnit(unit)
	}
	switch {
	case strings.HasPrefix(name, s.SysDir+"/"):
		return s.findPath(strings.TrimPrefix(name, s.SysDir), word)
	case strings.HasPrefix(name, "/dev/"):
		return s.findNode(name, word)
	}
	return nil, ctl.Errorf(ctl.Usage, "Bad argument \"%s\", expected an absolute path in /dev/ or /sys/ or a unit name: Invalid argument", word)
}

// unescapeUnit undoes what systemd does to paths: "-" is a slash, \xNN a byte.
func unescapeUnit(unit string) string {
	var b strings.Builder
	for i := 0; i < len(unit); i++ {
		if unit[i] == '-' {
			b.WriteByte('/')
			continue
		}
		if strings.HasPrefix(unit[i:], `\x`) && i+4 <= len(unit) {
			if c, err := strconv.ParseUint(unit[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(unit[i])
	}
	return b.String()
}

func unknown(word string) error {
	return ctl.Errorf(ctl.NotFound, "Unknown device \"%s\": No such device", word)
}

// findPath follows the links of /sys/class and /sys/bus.
func (s *System) findPath(name, word string) (*device, error) {
	d, err := s.read(s.resolve(path.Clean(name)))
	if err != nil {
		return nil, unknown(word)
	}
	return d, nil
}

// resolve follows the links on a path in the tree.
func (s *System) resolve(name string) string {
	at := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		next := at + "/" + part
		if target, err := fs.ReadLink(s.Sys.Tree(), next[1:]); err == nil {
			next = path.Join("/", at, target)
		}
		at = next
	}
	return at
}

func (s *System) findNode(node, word string) (*device, error) {
	block, rdev, err := s.Number(node)
	if err != nil {
		return nil, unknown(word)
	}
	kind := "char"
	if block {
		kind = "block"
	}
	number := strconv.FormatUint(major(rdev), 10) + ":" + strconv.FormatUint(minor(rdev), 10)
	return s.findPath("/dev/"+kind+"/"+number, word)
}

// parents returns the devices above d, nearest first.
func (s *System) parents(d *device) (all []*device) {
	for dir := path.Dir(d.ev.DevPath); len(dir) > len("/devices"); dir = path.Dir(dir) {
		if p, err := s.read(dir); err == nil {
			all = append(all, p)
		}
	}
	return all
}
