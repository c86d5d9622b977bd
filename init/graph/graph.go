// Package graph knows which program of a plan waits for which other.
//
// It is pure: the builder refuses a plan that could never be started, and the
// appliance's tools draw what is there, whatever is wrong with it.
package graph

import (
	"fmt"
	"slices"
	"strings"

	"slashdev/init/plan"
)

// Error is something that keeps a program from ever being started.
type Error struct {
	Program string
	Needs   []string // the unknown program, or the rest of the cycle, that ends in Program
}

func (e *Error) Error() string {
	switch n := len(e.Needs); {
	case e.Needs[n-1] != e.Program:
		return fmt.Sprintf("%s waits for %s, which is no program of this plan", e.Program, e.Needs[0])
	case n == 1:
		return e.Program + " waits for itself"
	}
	return "programs wait for each other: " + e.Program + " -> " + strings.Join(e.Needs, " -> ")
}

// Needs returns the programs that must be ready before p is started.
func Needs(p *plan.Program) []string {
	needs := slices.Clone(p.After)
	for _, condition := range p.Wait {
		if name, ok := strings.CutPrefix(condition, "program:"); ok && !slices.Contains(needs, name) {
			needs = append(needs, name)
		}
	}
	return needs
}

// Check returns an *Error for each unknown program and each cycle.
func Check(programs []plan.Program) []error { return walkAll(programs).errs }

// Order returns the names of the programs so that each comes behind those that
// it waits for, and else as in the plan. A cycle is cut where it closes.
func Order(programs []plan.Program) []string { return walkAll(programs).order }

// walk visits each program once, those it needs first.
type walk struct {
	programs []plan.Program
	state    map[string]state
	path     []string // from where the walk began to where it is
	order    []string
	errs     []error
}

type state int

const (
	fresh state = iota
	open        // on the path
	done
)

func walkAll(programs []plan.Program) *walk {
	w := &walk{programs: programs, state: map[string]state{}}
	for i := range programs {
		w.visit(&programs[i])
	}
	return w
}

func (w *walk) visit(p *plan.Program) {
	if w.state[p.Name] == done {
		return
	}
	w.state[p.Name] = open
	w.path = append(w.path, p.Name)
	for _, name := range Needs(p) {
		i := slices.IndexFunc(w.programs, func(q plan.Program) bool { return q.Name == name })
		switch {
		case i < 0:
			w.errs = append(w.errs, &Error{p.Name, []string{name}})
		case w.state[name] == open:
			w.errs = append(w.errs, w.cycle(name))
		default:
			w.visit(&w.programs[i])
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.state[p.Name] = done
	w.order = append(w.order, p.Name)
}

// cycle is the path from name to name.
func (w *walk) cycle(name string) *Error {
	at := slices.Index(w.path, name)
	return &Error{name, append(slices.Clone(w.path[at+1:]), name)}
}
