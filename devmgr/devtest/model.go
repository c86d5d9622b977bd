package devtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"slashdev/devmgr/namespace"
)

// Model is a /dev in memory.
type Model struct{ entries map[string]string }

// NewModel returns an empty /dev.
func NewModel() *Model { return &Model{map[string]string{}} }

// Apply performs a step. Nodes are the kernel's: setting one that is not
// there makes it, as if the kernel had.
func (m *Model) Apply(op namespace.Op) error {
	old, there := m.entries[op.Name]
	isLink := strings.HasPrefix(old, "->")
	switch op.Kind {
	case namespace.SetAttr:
		if isLink {
			return fmt.Errorf("%s: a link has this name", op)
		}
		m.entries[op.Name] = op.Node.String()
	case namespace.MakeLink:
		if there && !isLink {
			return fmt.Errorf("%s: a node has this name", op)
		}
		m.entries[op.Name] = "-> " + op.Target
	case namespace.RemoveLink:
		if there && !isLink {
			return fmt.Errorf("%s: is a node", op)
		}
		delete(m.entries, op.Name)
	case namespace.MakeNode:
		if isLink {
			return fmt.Errorf("%s: a link has this name", op)
		}
	case namespace.RemoveNode:
		m.RemoveNode(op.Name)
	}
	return nil
}

// RemoveNode is what the kernel does when a device goes.
func (m *Model) RemoveNode(name string) {
	if !strings.HasPrefix(m.entries[name], "->") {
		delete(m.entries, name)
	}
}

// String lists the entries.
func (m *Model) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.entries)) {
		fmt.Fprintf(&b, "%s %s\n", name, m.entries[name])
	}
	return b.String()
}
