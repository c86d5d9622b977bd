// Package draw shows who needs whom: as a tree of text lines and as an SVG that
// needs nothing beside itself.
//
// It knows nothing of programs. Names and labels may hold anything; what
// leaves is escaped and has no control characters.
package draw

import (
	"slices"
	"strings"

	"slashdev/init/userland/tool"
)

// Graph is what is drawn. A node comes behind those that it needs, as far as
// there is such an order.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Node is one thing.
type Node struct {
	Name  string
	Label string // what is shown; empty: the name
	Class string // how the SVG paints it: up, down, held, condition
}

// Edge says that To needs From. A Weak one is dashed.
type Edge struct {
	From, To string
	Weak     bool
}

func (n Node) label() string {
	if n.Label != "" {
		return tool.Clean(n.Label)
	}
	return tool.Clean(n.Name)
}

func (g Graph) index(name string) int {
	return slices.IndexFunc(g.Nodes, func(n Node) bool { return n.Name == name })
}

// needs are the nodes that node i needs, in the order of the edges.
func (g Graph) needs(i int) (needs []int) {
	for _, e := range g.Edges {
		if e.To != g.Nodes[i].Name {
			continue
		}
		if from := g.index(e.From); from >= 0 && !slices.Contains(needs, from) {
			needs = append(needs, from)
		}
	}
	return needs
}

// Text draws a tree for each node that nobody needs, with what it needs below
// it. What has been drawn above is not taken apart again.
func (g Graph) Text() string {
	t := text{Graph: g, drawn: make([]bool, len(g.Nodes))}
	for i, n := range g.Nodes {
		if !slices.ContainsFunc(g.Edges, func(e Edge) bool { return e.From == n.Name }) {
			t.node(i, "", "")
		}
	}
	for i := range g.Nodes { // what is left needs itself, by some way round
		if !t.drawn[i] && len(t.needs(i)) > 0 {
			t.node(i, "", "")
		}
	}
	return t.out.String()
}

type text struct {
	Graph
	out   strings.Builder
	drawn []bool
}

func (t *text) node(i int, mark, indent string) {
	needs := t.needs(i)
	again := t.drawn[i] && len(needs) > 0
	t.out.WriteString(mark + t.Nodes[i].label())
	if again {
		t.out.WriteString(" (see above)")
	}
	t.out.WriteByte('\n')
	if t.drawn[i] = true; again {
		return
	}
	for k, need := range needs {
		if k == len(needs)-1 {
			t.node(need, indent+"`-- ", indent+"    ")
		} else {
			t.node(need, indent+"|-- ", indent+"|   ")
		}
	}
}
