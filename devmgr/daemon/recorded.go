package daemon

import (
	"context"

	"slashdev/devmgr/rules"
	udevrules "slashdev/devmgr/rules/udev"
)

// nowhere is where files of a recorded machine are: what was not recorded must
// not be looked for on this one.
const nowhere = "/nonexistent"

// Recorded returns what decides about devices that are not here: the stock
// table, rules, and of the built-ins those that only read sysfs. It runs no
// program and opens no device.
func Recorded(groups string, files []udevrules.File) (Policy, []udevrules.Problem) {
	stock, err := rules.Stock(groups)
	p := Policy{Stock: stock, Users: map[string]uint32{"root": 0}, Groups: rules.IDs(groups), Root: nowhere,
		dirs: map[string]string{"/proc": nowhere, "/dev": nowhere}, tools: map[string]tool{}}
	for name, t := range tools() {
		if !t.device {
			p.tools[name] = t
		}
	}
	var problems []udevrules.Problem
	if err != nil {
		problems = append(problems, udevrules.Problem{Position: udevrules.Position{File: "group"}, Text: err.Error()})
	}
	if len(files) > 0 {
		var more []udevrules.Problem
		p.Udev, more = udevrules.Parse(files)
		problems = append(problems, more...)
	}
	return p, problems
}

// Now makes a decision that has been put off until it may take time, and
// returns the step that it leads to; ok is false if there is none. It is for
// those who have no loop.
func (p *Pipeline) Now(s Step) (next Step, ok bool) {
	if s.ask == nil {
		return s, false
	}
	s.ask.host.ctx = context.Background()
	res := p.policy.decide(s.ask.device, s.ask.host)
	return p.answered(s.ask, &res), true
}
