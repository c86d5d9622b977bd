package daemon

import (
	"context"
	"slices"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
)

// Try returns what would follow from an event of a device, for a dry run.
func Try(cfg Config, devpath string, action uevent.Action) (Step, error) {
	cfg = cfg.withDefaults()
	sys := sysfs.Host(cfg.Sys)
	truth, err := sys.Read(devpath)
	if err != nil {
		return Step{}, err
	}
	p := NewPipeline(sys, loadPolicy(cfg))
	return p.ask(p.step(p.tree.Put(truth), uevent.Event{Action: action})), nil
}

// ask finds out at once what a decision has to know.
func (p *Pipeline) ask(s Step) Step {
	if s.ask == nil {
		return s
	}
	s.ask.host.ctx = context.Background()
	res := p.policy.decide(s.ask.device, s.ask.host)
	return p.answered(s.ask, &res)
}

// Builtins returns the names of the probes that rules can call.
func Builtins() (names []string) {
	for name, t := range tools() {
		if t.builtin {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Probe runs a builtin on a device, and returns what it finds as KEY=VALUE.
func Probe(cfg Config, devpath string, argv []string) (lines []string, err error) {
	cfg = cfg.withDefaults()
	sys := sysfs.Host(cfg.Sys)
	truth, err := sys.Read(devpath)
	if err != nil {
		return nil, err
	}
	policy := loadPolicy(cfg)
	h := &host{policy: &policy, sys: sys, device: devtree.NewDevice(truth), ctx: context.Background(),
		above: func() []udevrules.Parent { return nil }}
	answer, err := h.Call(udevrules.Call{Builtin: true, Argv: argv})
	for _, p := range answer.Properties {
		lines = append(lines, p.Key+"="+p.Value)
	}
	return lines, err
}
