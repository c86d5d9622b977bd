package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/naming"
	"slashdev/devmgr/rules"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
	"slashdev/drivers/ident"
)

// Pipeline is everything between an event and the steps that follow from it.
// It reads sysfs and changes nothing outside itself. One goroutine owns it.
type Pipeline struct {
	sys    sysfs.FS
	policy *Policy
	tree   *devtree.Tree
	space  *namespace.Space
	plain  map[string]bool                 // directories below /sys/devices that are no devices
	memory map[string]*memory              // by devpath, of devices that rules said something about
	global uevent.Env                      // properties that every event has, see udevadm control
	recall func(*devtree.Device) *memory   // of an earlier process; nil: there was none
	hold   func(devpath string) (yes bool) // nil: nothing is waited for

	namer   *naming.Namer
	schemes []naming.Scheme // whose names are made
	noTTY   bool            // but not those of terminals from before devfs
}

// NewPipeline returns a Pipeline that knows no device yet.
func NewPipeline(sys sysfs.FS, policy Policy) *Pipeline {
	return &Pipeline{sys: sys, policy: &policy, tree: devtree.New(), space: namespace.New(), memory: map[string]*memory{}, plain: map[string]bool{}, namer: naming.NewNamer(naming.Options{}, nil)}
}

// Step is what follows from one change of one device.
type Step struct {
	Change   devtree.Change
	Decision rules.Decision // of a device that is there
	Ops      []namespace.Op
	Runs     []udevrules.Run // for a device that went, too
	Env      []udevrules.Property
	Writes   []udevrules.Write
	Faults   []udevrules.Problem
	Name     string // that a network interface is to have
	Watch    bool   // the node, for changes of what it holds

	held bool     // it is to wait for a device above it, or for an earlier event
	ask  *inquiry // what has to be found out first
}

// Fixed returns the steps that make the links that every /dev has.
func (p *Pipeline) Fixed() []namespace.Op {
	var entries []namespace.Entry
	for _, l := range naming.Fixed() {
		entries = append(entries, namespace.Entry{Name: l[0], Target: l[1]})
	}
	return p.space.Put("", entries)
}

// Present takes in a device that a scan found.
func (p *Pipeline) Present(truth uevent.Event) Step {
	return p.step(p.tree.Put(truth), presentEvent)
}

// presentEvent stands for the event that a scan makes up.
var presentEvent = uevent.Event{Action: uevent.Add}

// Hint looks at the device of an event and takes in what is true now. rescan
// asks for a comparison of everything: a device with others below it moved.
func (p *Pipeline) Hint(ev uevent.Event) (steps []Step, rescan bool, err error) {
	if !strings.HasPrefix(ev.DevPath, "/devices/") {
		return nil, false, nil // a module, driver or bus: of interest to observers only
	}
	if old := ev.Env.Get("DEVPATH_OLD"); ev.Action == uevent.Move && old != "" {
		if c, ok := p.tree.Delete(old); ok {
			steps = append(steps, p.step(c, ev))
		}
		rescan = ev.Subsystem != "net"
	}
	truth, err := p.sys.Read(ev.DevPath)
	present := &truth
	if errors.Is(err, fs.ErrNotExist) {
		present = nil
	} else if err != nil {
		return steps, rescan, fmt.Errorf("%s %s: %w", ev.Action, ev.DevPath, err)
	}
	for _, c := range p.tree.Apply(ev, present) {
		steps = append(steps, p.step(c, ev))
	}
	return steps, rescan, nil
}

// Sync compares everything with sysfs and hands every step to do. What a scan
// cannot see, a node that the kernel made anew under the same number, is put
// right by doing All afterwards. A scan that fails changes nothing.
func (p *Pipeline) Sync(do func(Step)) error {
	var events []uevent.Event
	for ev, err := range p.sys.Scan() {
		if err != nil {
			return err
		}
		events = append(events, ev)
	}
	for c := range p.tree.Sync(slices.Values(events)) {
		ev := uevent.Event{Action: uevent.Change}
		if c.Old == nil {
			ev = presentEvent
		}
		do(p.step(c, ev))
	}
	return nil
}

// All returns every step that the present state needs.
func (p *Pipeline) All() []namespace.Op { return p.space.All() }

// Again returns the steps of one device once more.
func (p *Pipeline) Again(devpath string) []namespace.Op {
	if p.tree.Get(devpath) == nil {
		return nil
	}
	return p.space.Put(devpath, p.space.Entries(devpath))
}

func (p *Pipeline) entries(d *devtree.Device, dec rules.Decision) []namespace.Entry {
	node := &namespace.Node{Block: d.Block, Major: d.Major, Minor: d.Minor,
		Set: dec.Set, Mode: dec.Mode, UID: dec.UID, GID: dec.GID, Owner: dec.Owner, Group: dec.Group}
	entries := []namespace.Entry{{Name: d.DevName, Node: node}}
	place := p.place(d)
	entries = append(entries, p.oldNames(d, place)...)
	for _, link := range append(naming.Links(d, place), dec.Links...) {
		twice := slices.ContainsFunc(entries, func(e namespace.Entry) bool { return e.Name == link })
		if !twice {
			entries = append(entries, namespace.Entry{Name: link, Target: naming.Target(link, d.DevName), Priority: dec.LinkPriority})
		}
	}
	return entries
}

// place asks where a device is plugged in, for the classes that have names by
// place.
func (p *Pipeline) place(d *devtree.Device) naming.Place {
	if strings.HasPrefix(d.DevPath, "/devices/virtual/") {
		return naming.Place{}
	}
	tree := known{p.sys.Tree(), p.tree}
	switch d.Subsystem {
	case "block", "scsi_tape":
		return naming.Place{Paths: ident.Paths(tree, d.DevPath)}
	case "input":
		paths := ident.Paths(tree, d.DevPath)
		if len(paths) == 0 {
			return naming.Place{}
		}
		class, ok := ident.InputClass(tree, d.DevPath)
		if !ok {
			return naming.Place{}
		}
		return naming.Place{Paths: paths, Input: class}
	}
	return naming.Place{}
}

// known is sysfs, but what the subsystem of a device is need not be asked
// again if the device is known.
type known struct {
	fs.FS
	tree *devtree.Tree
}

func (k known) ReadLink(name string) (string, error) {
	if dir, ok := strings.CutSuffix(name, "/subsystem"); ok {
		if d := k.tree.Get("/" + dir); d != nil {
			return d.Subsystem, nil
		}
	}
	return fs.ReadLink(k.FS, name)
}

func (k known) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(k.FS, name) }

func (k known) ReadFile(name string) ([]byte, error) { return fs.ReadFile(k.FS, name) }

func (k known) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(k.FS, name) }
