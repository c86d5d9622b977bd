// Package plan reads the plan that PID 1 boots by; package planfile writes it.
//
// The builder compiles the appliance file to /etc/slashdev/plan: lines of
// words (package line), the first one "slashdev-plan 1". PID 1 reads only
// that, so that it links no JSON decoder.
//
//	slashdev-plan 1
//	hostname gokrazy
//	shell open                     (open, password, off)
//	devfs nomount
//	perm PARTUUID=60c24cc1-f3f9-427a-8199-2e18c40c0004
//	log quota=16M tee=warning      (for the logger, see there)
//	program hello /user/hello -listen :80
//	env hello LANG=C
//	restart hello always
//
// The lines that say how a program runs are Program's fields, see there. An
// unknown key is an error, never silently dropped: it may have been a limit.
package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"slashdev/init/line"
)

// Version is the format that this package reads.
const Version = "1"

// File is where the builder puts the plan on the device.
const File = "/etc/slashdev/plan"

// Plan is what the appliance's builder wants PID 1 to do.
type Plan struct {
	Hostname string
	Shell    string   // open, password or off; default off
	Devfs    string   // how /dev is made; default nomount
	Perm     string   // the writable partition: PARTUUID=...; empty: none
	Log      []string // the logger's words KEY=VALUE
	Programs []Program
}

// SyntaxError says which line of a plan is wrong, and why.
type SyntaxError struct {
	Line int
	Msg  string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Parse reads a plan. All bad lines are reported, joined.
func Parse(text string) (*Plan, error) {
	p := parser{plan: &Plan{Shell: "off", Devfs: "nomount"}}
	for i, s := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := p.line(i, s); err != nil {
			p.errs = append(p.errs, &SyntaxError{i + 1, err.Error()})
		}
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return p.plan, nil
}

type parser struct {
	plan *Plan
	text string // of the line
	errs []error
}

func (p *parser) line(i int, s string) error {
	p.text = s + "\n"
	words, err := line.Split(s)
	if err != nil {
		return err
	}
	if i == 0 {
		return checkVersion(words)
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	return p.set(words[0], words[1:])
}

func checkVersion(words []string) error {
	if len(words) != 2 || words[0] != "slashdev-plan" {
		return errors.New(`not a plan: the first line must be "slashdev-plan ` + Version + `"`)
	}
	if words[1] != Version {
		return fmt.Errorf("plan version %s: this init reads version %s: build image and init together", words[1], Version)
	}
	return nil
}

func (p *parser) set(key string, args []string) error {
	switch key {
	case "hostname":
		return one(&p.plan.Hostname, key, args)
	case "shell":
		if len(args) != 1 || !slices.Contains([]string{"open", "password", "off"}, args[0]) {
			return errors.New("shell needs one of open, password, off")
		}
		p.plan.Shell = args[0]
		return nil
	case "devfs":
		return one(&p.plan.Devfs, key, args)
	case "perm":
		return one(&p.plan.Perm, key, args)
	case "log":
		p.plan.Log = append(p.plan.Log, args...)
		return nil
	case "program":
		return p.addProgram(args)
	}
	return p.setProgram(key, args)
}

func (p *parser) addProgram(args []string) error {
	if len(args) < 2 {
		return errors.New("program needs NAME PATH [ARG...]")
	}
	name, path := args[0], args[1]
	if !ValidName(name) {
		return fmt.Errorf("program name %q: use letters, digits and . _ - only", name)
	}
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("program %s: path %q is not absolute", name, path)
	}
	if p.find(name) != nil {
		return fmt.Errorf("program %s is named twice", name)
	}
	prog := Program{Name: name, Path: path, Restart: "gokrazy", Text: p.text}
	prog.Args = append(prog.Args, args[2:]...)
	p.plan.Programs = append(p.plan.Programs, prog)
	return nil
}

// setProgram reads a line about a program that an earlier line has named.
func (p *parser) setProgram(key string, args []string) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	prog := p.find(name)
	if prog == nil {
		prog = new(Program) // whether the key is known is said first
	}
	switch err := prog.set(key, args); {
	case errors.Is(err, errUnknown):
		return fmt.Errorf("unknown key %q: made by a newer builder?", key)
	case prog.Name == "":
		return fmt.Errorf("%s: no program %s above this line", key, name)
	case err != nil:
		return fmt.Errorf("%s %s: %w", key, name, err)
	}
	prog.Text += p.text
	return nil
}

// Entry is a plan of the program alone, for "userland launch".
func (p *Program) Entry() string { return "slashdev-plan " + Version + "\n" + p.Text }

func (p *parser) find(name string) *Program {
	for i := range p.plan.Programs {
		if p.plan.Programs[i].Name == name {
			return &p.plan.Programs[i]
		}
	}
	return nil
}

func one(dst *string, key string, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return fmt.Errorf("%s needs one value", key)
	}
	*dst = args[0]
	return nil
}
