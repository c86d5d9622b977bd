package devtest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/recording"
	"slashdev/devmgr/uevent"
)

// Replay is a recorded machine with a device manager that has no machine: the
// devices are in a Sys, /dev is a Model.
type Replay struct {
	Sys    *Sys
	model  *Model
	pipe   *daemon.Pipeline
	last   map[string]daemon.Step // of each device that is there
	faults []string
}

// NewReplay returns a machine with the devices of a recording that nobody has
// looked at yet.
func NewReplay(r *recording.Recording, policy daemon.Policy) *Replay {
	p := &Replay{Sys: NewSys(), model: NewModel(), last: map[string]daemon.Step{}}
	for i := range r.Devices {
		p.Sys.Put(&r.Devices[i])
	}
	p.pipe = daemon.NewPipeline(p.Sys.FS(), policy)
	return p
}

// Coldplug takes in what is there.
func (p *Replay) Coldplug() error {
	return p.pipe.Sync(p.step)
}

// Event changes the machine as an event of the recording did, and handles it.
func (p *Replay) Event(e recording.Event) error {
	switch {
	case e.Device != nil:
		p.Sys.Put(e.Device)
	case e.Action == uevent.Remove:
		p.Sys.Remove(e.DevPath)
	}
	steps, _, err := p.pipe.Hint(e.Event)
	for _, s := range steps {
		p.step(s)
	}
	return err
}

func (p *Replay) step(s daemon.Step) {
	p.perform(s)
	if now, ok := p.pipe.Now(s); ok {
		p.perform(now)
	}
}

func (p *Replay) perform(s daemon.Step) {
	old, now := s.Change.Old, s.Change.Device
	if old != nil && (now == nil || now.DevName != old.DevName) {
		p.model.RemoveNode(old.DevName)
	}
	if now == nil {
		delete(p.last, s.Change.DevPath())
	} else {
		p.last[s.Change.DevPath()] = s
	}
	for _, op := range s.Ops {
		if err := p.model.Apply(op); err != nil {
			p.faults = append(p.faults, err.Error())
		}
	}
}

// Seen is what became of one device.
type Seen struct {
	DevPath    string            `json:"devpath"`
	Subsystem  string            `json:"subsystem"`
	DevType    string            `json:"devtype"`
	Node       string            `json:"devname"`
	Number     string            `json:"number"`
	Mode       string            `json:"mode"`
	Owner      string            `json:"owner"`
	Group      string            `json:"group"`
	Links      []string          `json:"links"`
	Tags       []string          `json:"tags"`
	Properties map[string]string `json:"properties"`
	order      []string
}

// Devices returns what became of every device, in the order of their paths.
func (p *Replay) Devices() []Seen {
	links := p.links()
	var all []Seen
	for _, devpath := range p.Sys.Devices() {
		s, ok := p.last[devpath]
		if !ok {
			continue
		}
		d := s.Change.Device
		seen := Seen{DevPath: devpath, Subsystem: d.Subsystem, DevType: d.DevType(), Node: d.DevName,
			Links: append([]string{}, links[d.DevName]...), Tags: append([]string{}, s.Decision.Tags...), Properties: map[string]string{}}
		if d.HasNode() {
			seen.Number = d.Number()
			seen.Mode, seen.Owner, seen.Group = fmt.Sprintf("%04o", s.Decision.Mode), s.Decision.Owner, s.Decision.Group
		}
		for key, value := range s.Decision.Properties.All() {
			if _, twice := seen.Properties[key]; !twice {
				seen.order = append(seen.order, key)
			}
			seen.Properties[key] = value
		}
		all = append(all, seen)
	}
	return all
}

// links returns the links that lead to each node.
func (p *Replay) links() map[string][]string {
	to := map[string][]string{}
	for name, entry := range p.model.entries {
		if target, ok := strings.CutPrefix(entry, "-> "); ok {
			node := path.Join(path.Dir(name), target)
			to[node] = append(to[node], name)
		}
	}
	for _, names := range to {
		slices.Sort(names)
	}
	return to
}

// Why explains a device as dev why does.
func (p *Replay) Why(what string) (records [][]string) {
	p.pipe.Why(what, func(pairs ...string) {
		var words []string
		for i := 0; i+1 < len(pairs); i += 2 {
			words = append(words, pairs[i]+"="+pairs[i+1])
		}
		records = append(records, words)
	})
	return records
}

// Faults returns steps that could not be done.
func (p *Replay) Faults() []string { return p.faults }

// String says what became of the device, for people and golden files.
func (s Seen) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", s.DevPath, strings.TrimSpace(s.Subsystem+" "+s.DevType))
	if s.Node != "" {
		fmt.Fprintf(&b, "  node %s %s %s %s:%s\n", s.Node, s.Number, s.Mode, s.Owner, s.Group)
	}
	for _, l := range s.Links {
		fmt.Fprintf(&b, "  link %s\n", l)
	}
	for _, t := range s.Tags {
		fmt.Fprintf(&b, "  tag  %s\n", t)
	}
	slices.Sort(s.order)
	for _, key := range s.order {
		fmt.Fprintf(&b, "  %s=%s\n", key, printable(s.Properties[key]))
	}
	return b.String()
}

func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}

// Plan returns the steps from an empty /dev to this one.
func (p *Replay) Plan() string { return namespace.Print(p.pipe.All()) }
