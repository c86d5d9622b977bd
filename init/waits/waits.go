// Package waits says what a program waits for before it is started: devices,
// the clock, the network, other programs. It only says; PID 1's loop knows what
// is there.
package waits

import (
	"slices"
	"strings"

	"slashdev/init/plan"
)

// Kind is a kind of condition.
type Kind string

// The kinds of conditions.
const (
	Settled Kind = "settled" // devmgr has applied its policy to all devices, /perm is there
	Perm    Kind = "perm"    // /perm is there, or will not come
	Device  Kind = "dev"     // a name in /dev, with its owner and mode
	Clock   Kind = "clock"   // the time of day is known
	Net     Kind = "net"     // there is an address and a route
	Program Kind = "program" // a program does its work, or is done with it
	After   Kind = "after"   // the same, or it has been given up
)

// Condition is one thing to wait for.
type Condition struct {
	Kind Kind
	Name string // of the device or program
}

func (c Condition) String() string {
	switch c.Kind {
	case Settled:
		return "the devices present at boot and /perm"
	case Perm:
		return "/perm"
	case Device:
		return "device " + c.Name
	case Clock:
		return "the clock to be set"
	case Net:
		return "the network"
	}
	return "program " + c.Name
}

// Of returns what a program waits for: by default that the machine has settled;
// what it lists takes the place of that. Its working folder is always waited
// for.
func Of(p *plan.Program) []Condition {
	var all []Condition
	if p.Wait == nil {
		all = append(all, Condition{Settled, ""})
	} else if p.NeedsPerm() {
		all = append(all, Condition{Perm, ""})
	}
	for _, w := range p.Wait {
		all = append(all, Parse(w))
	}
	for _, name := range p.After {
		all = append(all, Condition{After, name})
	}
	return all
}

// Parse reads a condition as the plan spells it.
func Parse(s string) Condition {
	kind, name, _ := strings.Cut(s, ":")
	return Condition{Kind(kind), name}
}

// Missing returns the conditions that are not met.
func Missing(all []Condition, met func(Condition) bool) (missing []Condition) {
	for _, c := range all {
		if !met(c) {
			missing = append(missing, c)
		}
	}
	return missing
}

// Needs says whether one of the conditions is the program of that name.
func Needs(conds []Condition, name string) bool {
	return slices.ContainsFunc(conds, func(c Condition) bool {
		return c.Name == name && (c.Kind == Program || c.Kind == After)
	})
}
