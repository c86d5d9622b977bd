package udevadm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/udevctl"
	"slashdev/devmgr/uevent"
)

const triggerHelp = `udevadm trigger [OPTIONS] [DEVPATH]...

Request events from the kernel.

  -v --verbose                      Print the list of devices while running
  -n --dry-run                      Do not actually trigger the events
  -q --quiet                        Suppress error logging in triggering events
  -t --type=TYPE                    Type of events to trigger
          devices                     sysfs devices (default)
          subsystems                  sysfs subsystems and drivers
          all                         both
  -c --action=ACTION|help           Event action value, default is "change"
  -s --subsystem-match=SUBSYSTEM    Trigger devices from a matching subsystem
  -S --subsystem-nomatch=SUBSYSTEM  Exclude devices from a matching subsystem
  -a --attr-match=FILE[=VALUE]      Trigger devices with a matching attribute
  -A --attr-nomatch=FILE[=VALUE]    Exclude devices with a matching attribute
  -p --property-match=KEY=VALUE     Trigger devices with a matching property
  -g --tag-match=TAG                Trigger devices with a matching tag
  -y --sysname-match=NAME           Trigger devices with this kernel name
     --name-match=NAME              Trigger devices with this /dev name
  -b --parent-match=NAME            Trigger devices with that parent device
     --initialized-match            Trigger devices that are initialized
     --initialized-nomatch          Trigger devices that are not yet
  -w --settle                       Wait for the triggered events to complete
     --wait-daemon[=SECONDS]        Wait for the device manager to be there
                                    before triggering uevents
     --uuid                         Print synthetic uevent UUID
     --prioritized-subsystem=SUBSYSTEM[,SUBSYSTEM...]
                                    Trigger devices from these first
`

var triggerOptions = []option{
	{"verbose", 'v', 0}, {"dry-run", 'n', 0}, {"quiet", 'q', 0}, {"type", 't', '!'}, {"action", 'c', '!'},
	{"subsystem-match", 's', '!'}, {"subsystem-nomatch", 'S', '!'}, {"attr-match", 'a', '!'}, {"attr-nomatch", 'A', '!'},
	{"property-match", 'p', '!'}, {"tag-match", 'g', '!'}, {"sysname-match", 'y', '!'}, {"name-match", 0, '!'}, {"parent-match", 'b', '!'},
	{"initialized-match", 0, 0}, {"initialized-nomatch", 0, 0}, {"settle", 'w', 0}, {"wait-daemon", 0, '?'}, {"uuid", 0, 0},
	{"prioritized-subsystem", 0, '!'},
}

var actions = []uevent.Action{uevent.Add, uevent.Bind, uevent.Change, uevent.Move, uevent.Offline, uevent.Online, uevent.Remove, uevent.Unbind}

// action returns the value of --action; done means that help was printed.
func (s *System) action(o options, unset uevent.Action) (a uevent.Action, done bool, err error) {
	a = uevent.Action(o.last("action"))
	switch {
	case !o.has("action"):
		return unset, false, nil
	case a == "help":
		for _, a := range actions {
			fmt.Fprintln(s.out, a)
		}
		return "", true, nil
	case !slices.Contains(actions, a):
		return "", false, ctl.Errorf(ctl.Usage, "unknown action %q", a)
	}
	return a, false, nil
}

func (s *System) trigger(o options) error {
	action, done, err := s.action(o, uevent.Change)
	if done || err != nil {
		return err
	}
	if err := s.awaitDaemon(o); err != nil {
		return err
	}
	devices, err := s.triggered(o)
	if err != nil {
		return err
	}
	if err := s.fire(o, devices, action); err != nil || !o.has("settle") || o.has("dry-run") {
		return err
	}
	// Messages about the events may be lost, as may the events be; the device
	// manager knows when all is done.
	return s.askSettle(forever)
}

func (s *System) awaitDaemon(o options) error {
	if !o.has("wait-daemon") {
		return nil
	}
	limit, err := o.seconds("wait-daemon", 5*time.Second)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(limit)
	for {
		err := udevctl.Send(s.Udev+"/control", time.Until(deadline), udevctl.Message{Kind: udevctl.Ping})
		if err == nil {
			return nil
		}
		if !s.pause(deadline) {
			return ctl.Errorf(ctl.Timeout, "no device manager answers: %v", err)
		}
	}
}

// pause waits a moment for what nothing announces; false means that the time
// is over.
func (s *System) pause(deadline time.Time) bool {
	left := time.Until(deadline)
	if left <= 0 {
		return false
	}
	<-time.After(min(left, 50*time.Millisecond))
	return true
}

// fire writes to the uevent files.
func (s *System) fire(o options, devices []*device, action uevent.Action) error {
	var errs []error
	for _, d := range devices {
		if o.has("verbose") {
			fmt.Fprintln(s.out, s.SysDir+d.ev.DevPath)
		}
		if o.has("dry-run") {
			continue
		}
		text, id := string(action), ""
		if o.has("uuid") {
			id = newUUID()
			text += " " + id
		}
		err := s.Write(d.ev.DevPath[1:]+"/uevent", text)
		switch {
		case err == nil && id != "":
			fmt.Fprintln(s.out, id)
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !o.has("quiet"): // what has gone since needs no event
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d of %d devices: %w", len(errs), len(devices), errs[0])
	}
	return nil
}

// newUUID asks the kernel for one.
func newUUID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		return "00000000-0000-4000-8000-000000000000"
	}
	return strings.TrimSpace(string(text))
}

// triggered returns the devices that the options and arguments ask for.
func (s *System) triggered(o options) ([]*device, error) {
	m, err := s.newMatcher(o)
	if err != nil {
		return nil, err
	}
	var all []*device
	for _, word := range o.args {
		d, err := s.find(word)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	switch kind := o.last("type"); {
	case kind != "" && !slices.Contains([]string{"devices", "subsystems", "all"}, kind):
		return nil, ctl.Errorf(ctl.Usage, "unknown type %q", kind)
	case len(o.args) > 0 || m.only != nil:
	case kind == "subsystems":
		all = s.subsystems()
	default:
		if all, err = s.allDevices(); err != nil {
			return nil, err
		}
		if kind == "all" {
			all = sorted(append(all, s.subsystems()...))
		}
	}
	var kept []*device
	for _, d := range append(all, m.only...) {
		if m.match(d) {
			kept = append(kept, d)
		}
	}
	return prioritize(kept, o), nil
}

// subsystems returns the buses, drivers and modules.
func (s *System) subsystems() (all []*device) {
	add := func(devpath string) {
		if d, err := s.read(devpath); err == nil {
			all = append(all, d)
		}
	}
	list := func(dir string) []fs.DirEntry {
		entries, _ := fs.ReadDir(s.Sys.Tree(), dir)
		return entries
	}
	for _, bus := range list("bus") {
		add("/bus/" + bus.Name())
		drivers := "bus/" + bus.Name() + "/drivers"
		for i, drv := range list(drivers) {
			if i == 0 {
				add("/" + drivers)
			}
			add("/" + drivers + "/" + drv.Name())
		}
	}
	for _, m := range list("module") {
		add("/module/" + m.Name())
	}
	return sorted(all)
}

func sorted(all []*device) []*device {
	slices.SortFunc(all, func(a, b *device) int { return strings.Compare(a.ev.DevPath, b.ev.DevPath) })
	return all
}

// prioritize moves the devices of the subsystems named to the front, in the
// order of the names, and those above them before them.
func prioritize(devices []*device, o options) []*device {
	var first []*device
	for _, list := range o.all("prioritized-subsystem") {
		for name := range strings.SplitSeq(list, ",") {
			first = append(first, inSubsystem(devices, name)...)
		}
	}
	seen := map[*device]bool{}
	return slices.DeleteFunc(append(first, devices...), func(d *device) bool {
		again := seen[d]
		seen[d] = true
		return again
	})
}

// inSubsystem returns the devices of a subsystem and those above them.
func inSubsystem(devices []*device, name string) (found []*device) {
	paths := map[string]bool{}
	for _, d := range devices {
		for p := d.ev.DevPath; d.ev.Subsystem == name && len(p) > 1; p = path.Dir(p) {
			paths[p] = true
		}
	}
	for _, d := range devices {
		if paths[d.ev.DevPath] {
			found = append(found, d)
		}
	}
	return found
}
