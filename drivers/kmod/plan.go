package kmod

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknown says that no module has a name or alias; ErrBlacklisted that only
// blacklisted ones have.
var (
	ErrUnknown     = errors.New("no module has this name or alias")
	ErrBlacklisted = errors.New("blacklisted")
)

// Load is one step of a plan.
type Load struct {
	Module  string // with underscores
	File    string // below the root; "" when there is nothing to insert
	Options string // parameters
	Builtin bool   // is part of the kernel
	Command string // of an install line that stands in its place
	Refused string // why it is not to be loaded, from such a line
	Target  bool   // was asked for: not a dependency
	Soft    bool   // its failure is no failure of the plan
}

// maxName is longer than any name that the kernel or a device has.
const maxName = 4096

// Plan returns the loads that a module's name or an alias needs, in order.
func (x *Index) Plan(name string) ([]Load, error) {
	if name == "" || len(name) > maxName {
		return nil, ErrUnknown
	}
	found, err := x.resolve(normal(name))
	if err != nil {
		return nil, err
	}
	p := planner{Index: x, planned: map[string]bool{}}
	for _, t := range found {
		p.add(t, false)
	}
	return p.loads, nil
}

// Blacklisted says where a module is blacklisted: "" if it is not. Plan heeds
// that for aliases only.
func (x *Index) Blacklisted(name string) string { return x.config.blacklist[normal(name)] }

// Kept says why a module is not to be removed: there is a remove line for it.
// done is true if that line says that nothing is to be done.
func (x *Index) Kept(module string) (reason string, done bool) {
	c, ok := x.config.remove[normal(module)]
	if !ok {
		return "", false
	}
	reason = c.verdict()
	return reason, reason == ""
}

// target is a module that a name means.
type target struct {
	module, alias string // alias: the pattern of modprobe.d that led to it
}

// resolve drops what is blacklisted, unless a module has that very name.
func (x *Index) resolve(name string) ([]target, error) {
	found, where := x.candidates(name), ""
	if len(found) == 0 {
		return nil, ErrUnknown
	}
	if found[0].module == name {
		return found, nil
	}
	kept := slices.DeleteFunc(found, func(t target) bool {
		if at := x.config.blacklist[t.module]; at != "" {
			where = t.module + " at " + at
			return true
		}
		return false
	})
	if len(kept) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrBlacklisted, where)
	}
	return kept, nil
}

// candidates asks in modprobe's order: aliases of modprobe.d, then modules and
// install lines, then the modules' own aliases, then what is built in.
func (x *Index) candidates(name string) []target {
	var found []target
	for _, a := range x.config.aliases {
		if len(a.table.find(name)) > 0 {
			found = append(found, target{a.module, a.pattern})
		}
	}
	if len(found) > 0 {
		return found
	}
	_, installed := x.config.install[name]
	if installed || x.deps[name] != "" {
		return []target{{module: name}}
	}
	modules := x.aliases.find(name)
	if len(modules) == 0 && strings.HasPrefix(name, "symbol:") {
		modules = x.symbols().find(name)
	}
	slices.SortStableFunc(modules, func(a, b string) int { return cmp.Compare(x.rank(a), x.rank(b)) })
	switch {
	case len(modules) > 0:
	case x.builtin[name]:
		modules = []string{name}
	default:
		modules = x.inKernel.find(name)
	}
	for _, m := range modules {
		found = append(found, target{module: m})
	}
	return found
}

// rank is a module's place in modules.order; what is not there comes last.
func (x *Index) rank(module string) int {
	if n := x.order[module]; n > 0 {
		return n
	}
	return len(x.order) + 1
}

type planner struct {
	*Index
	loads   []Load
	planned map[string]bool
}

// add plans what a module needs, and the module. modules.dep lists all that it
// needs, also indirectly, what must be loaded first last.
func (p *planner) add(t target, soft bool) {
	file, rest, _ := strings.Cut(p.deps[t.module], ":")
	needs := strings.Fields(rest)
	for _, need := range slices.Backward(needs) {
		p.one(Load{Module: moduleName(need), File: p.file(need), Soft: soft}, "")
	}
	if file != "" {
		file = p.file(file)
	}
	p.one(Load{Module: t.module, File: file, Soft: soft, Target: !soft}, t.alias)
}

// one plans one module between those that softdep lines want around it.
func (p *planner) one(l Load, alias string) {
	if p.planned[l.Module] {
		return
	}
	p.planned[l.Module] = true
	l = p.complete(l, alias)
	if l.File == "" && l.Command == "" && !l.Builtin {
		return // the alias of modprobe.d means nothing that exists: so one is switched off
	}
	soft := p.config.soft[l.Module]
	p.soft(soft.pre)
	p.loads = append(p.loads, l)
	p.soft(soft.post)
}

// complete fills in what modprobe.d says about a module.
func (p *planner) complete(l Load, alias string) Load {
	l.Builtin = l.File == "" && p.builtin[l.Module]
	if c, ok := p.config.install[l.Module]; ok {
		l.Command, l.Refused = c.text, c.verdict()
	}
	var options []string
	if alias != "" && alias != l.Module {
		options = append(options, p.config.options[alias]...)
	}
	l.Options = strings.Join(append(options, p.config.options[l.Module]...), " ")
	return l
}

// soft plans optional modules. Their names may be aliases; that a module is
// blacklisted does not matter here.
func (p *planner) soft(names []string) {
	for _, name := range names {
		for _, t := range p.candidates(normal(name)) {
			p.add(t, true)
		}
	}
}
