package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"slashdev/image/spec"
	"slashdev/init/graph"
	"slashdev/init/plan"
	"slashdev/init/userland/draw"
	"slashdev/init/userland/tool"
	"slashdev/init/waits"
)

// configFile is the appliance file that the image was built from.
const configFile = "/etc/slashdev/config.json"

// readReport reads and judges an appliance file or a plan.
func readReport(e *tool.Env, file string) (*spec.Report, error) {
	text, err := fs.ReadFile(e.Root, strings.TrimPrefix(e.Path(file), "/"))
	if err != nil {
		return nil, err
	}
	return spec.Check(file, text), nil
}

// svcCheck judges a file. What is wrong goes to the error output.
func svcCheck(e *tool.Env, args []string, opts tool.Options) error {
	file, err := oneFile(args, configFile)
	if err != nil {
		return err
	}
	r, err := readReport(e, file)
	if err != nil {
		return err
	}
	if opts.Has("json") {
		err = writeJSON(e, r)
	} else {
		svcVerdict(e, r)
	}
	if err == nil && !r.OK {
		err = tool.Silent(tool.Usage)
	}
	return err
}

func svcVerdict(e *tool.Env, r *spec.Report) {
	for _, w := range r.Errors {
		fmt.Fprintln(e.Err, tool.Clean(w.Error()))
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(e.Err, "warning: "+tool.Clean(w))
	}
	if r.OK {
		e.Printf("%s: ok: %s\n", tool.Clean(r.File), tool.Clean(r.Summary))
	}
}

func oneFile(args []string, otherwise string) (string, error) {
	switch len(args) {
	case 0:
		return otherwise, nil
	case 1:
		return args[0], nil
	}
	return "", tool.Usagef("one FILE")
}

// need is what a program waits for.
type need struct {
	Kind string `json:"kind"` // settled, perm, dev, clock, net, program or after
	Name string `json:"name"`
}

func (n need) label() string {
	switch {
	case n.Kind == string(waits.Perm):
		return "/perm"
	case n.Name == "":
		return n.Kind
	}
	return n.Kind + ":" + n.Name
}

// waiter is a program, in start order.
type waiter struct {
	Name  string `json:"name"`
	State string `json:"state"` // empty: not asked, or PID 1 does not know it
	Needs []need `json:"needs"`
}

// svcGraph shows who waits for what: of the plan that the machine was booted
// by, with what each program does now, or of a file.
func svcGraph(e *tool.Env, args []string, opts tool.Options) error {
	file, err := oneFile(args, plan.File)
	if err != nil {
		return err
	}
	r, err := readReport(e, file)
	switch {
	case err != nil:
		return err
	case r.Plan == nil:
		svcVerdict(e, r)
		return tool.Silent(tool.Usage)
	}
	for _, w := range r.Errors {
		e.Complain(w) // a cycle is worth a drawing
	}
	var state map[string]string // of a file nobody knows
	if len(args) == 0 {
		state, _ = states() // without PID 1 neither
	}
	list := waiters(r.Plan.Programs, state)
	switch {
	case opts.Has("json"):
		return writeJSON(e, list)
	case opts.Has("svg"):
		_, err = e.Out.Write(drawing(list).SVG())
	default:
		e.Printf("%s", drawing(list).Text())
	}
	return err
}

// states asks PID 1 what the programs do.
func states() (map[string]string, error) {
	records, err := ask(initSocket, "ls")
	all := map[string]string{}
	for _, r := range records {
		all[r["name"]] = r["state"]
	}
	return all, err
}

func waiters(programs []plan.Program, state map[string]string) []waiter {
	list := []waiter{}
	for _, name := range graph.Order(programs) {
		i := slices.IndexFunc(programs, func(p plan.Program) bool { return p.Name == name })
		w := waiter{Name: name, State: state[name], Needs: []need{}}
		for _, c := range waits.Of(&programs[i]) {
			w.Needs = append(w.Needs, need{string(c.Kind), c.Name})
		}
		list = append(list, w)
	}
	return list
}

// drawing has a node for each program and each condition. A condition's name
// has a colon, which no program's has.
func drawing(list []waiter) (g draw.Graph) {
	for _, w := range list {
		for _, n := range w.Needs {
			weak := n.Kind == string(waits.After)
			if weak || n.Kind == string(waits.Program) {
				g.Edges = append(g.Edges, draw.Edge{From: n.Name, To: w.Name, Weak: weak})
				continue
			}
			name := n.Kind + ":" + n.Name
			if !slices.ContainsFunc(g.Nodes, func(n draw.Node) bool { return n.Name == name }) {
				g.Nodes = append(g.Nodes, draw.Node{Name: name, Label: n.label(), Class: "condition"})
			}
			g.Edges = append(g.Edges, draw.Edge{From: name, To: w.Name})
		}
		node := draw.Node{Name: w.Name, Class: w.State}
		if w.State != "" {
			node.Label = w.Name + " (" + w.State + ")"
		}
		g.Nodes = append(g.Nodes, node)
	}
	return g
}

// programNames are the plan's, for completion.
func programNames(root fs.FS) (names []string) {
	text, _ := fs.ReadFile(root, strings.TrimPrefix(plan.File, "/"))
	p, err := plan.Parse(string(text))
	if err != nil {
		return nil
	}
	for i := range p.Programs {
		names = append(names, p.Programs[i].Name)
	}
	return names
}
