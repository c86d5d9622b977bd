// Package namespace describes what /dev should contain.
//
// Every device contributes entries: its node, with owner and mode, and links.
// A Space keeps the contributions of all and turns a change of one into Ops,
// the few steps that bring a directory from the old state to the new one. It
// is incremental: Put and Drop cost what the one device has, however many
// others there are. Several devices may claim one link; a node always wins
// over a link (E-10), then the higher priority, then the device whose path
// sorts first, whatever the order in which they came (U-11), and when it goes
// the next one takes over.
//
// Ops print themselves. A dry run, a test and a bug report show the same text.
package namespace

import (
	"fmt"
	"strings"
)

// Entry is a node or a link below /dev.
type Entry struct {
	Name     string // relative to /dev
	Target   string // of a link
	Priority int    // of a link: the highest claim wins
	Node     *Node  // nil: a link; never changed once it is here
}

// Node is a special file. The kernel makes and removes it; Set says that owner
// and mode are ours to set.
type Node struct {
	Block        bool
	Major, Minor uint32
	Set          bool
	Mode         uint32
	UID, GID     uint32
	Owner, Group string
}

func (n Node) String() string {
	return fmt.Sprintf("%s %04o %s:%s", n.number(), n.Mode, n.Owner, n.Group)
}

func (n Node) number() string {
	kind := "c"
	if n.Block {
		kind = "b"
	}
	return fmt.Sprintf("%s %d:%d", kind, n.Major, n.Minor)
}

// Kind says what an Op does.
type Kind byte

// The kinds of Ops.
const (
	SetAttr Kind = iota // owner and mode of a node that the kernel has made
	MakeLink
	RemoveLink
	MakeNode   // that the kernel could not make, because a link had its name
	RemoveNode // that was made so
)

// Op is one step. It is idempotent.
type Op struct {
	Kind Kind
	Entry
}

// String prints "* attr sda 0660 root:disk", "+ link disk/x -> ../sda",
// "- link disk/x", "+ node sda b 8:0" or "- node sda".
func (o Op) String() string {
	switch o.Kind {
	case SetAttr:
		return fmt.Sprintf("* attr  %s %04o %s:%s", o.Name, o.Node.Mode, o.Node.Owner, o.Node.Group)
	case MakeLink:
		return "+ link  " + o.Name + " -> " + o.Target
	case RemoveLink:
		return "- link  " + o.Name
	case MakeNode:
		return "+ node  " + o.Name + " " + o.Node.number()
	case RemoveNode:
		return "- node  " + o.Name
	}
	return "? " + o.Name
}

// Print returns the Ops, one a line.
func Print(ops []Op) string {
	var b strings.Builder
	for _, o := range ops {
		b.WriteString(o.String())
		b.WriteByte('\n')
	}
	return b.String()
}
