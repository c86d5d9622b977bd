package naming

import (
	"strconv"

	"slashdev/devmgr/devtree"
)

// Scheme is a way to name devices. The kernel's own name is in none of them.
type Scheme string

// The schemes of Linux 2.4 and of its daemon devfsd.
const (
	Devfs     Scheme = "devfs"      // the tree by topology: scsi/host0/bus0/target0/lun0/disc
	NewCompat Scheme = "new-compat" // short for that: sd/c0b0t0u0
	OldCompat Scheme = "old-compat" // from before devfs: sda; mostly what the kernel says today
)

// Name is a name below /dev.
type Name struct {
	Scheme Scheme
	Text   string
}

// Names is what a device is called besides its kernel's name.
type Names struct {
	List  []Name // of a scheme the first is the one to show
	Class string // disc, cdrom or tape: it is counted; "" for others
	Leads string // where the counted name leads: a directory, or the node of a CD drive
	Index int    // its number in the class
}

// First returns the name in a scheme, "" if there is none.
func (n Names) First(s Scheme) string {
	for _, name := range n.List {
		if name.Scheme == s {
			return name.Text
		}
	}
	return ""
}

// Counted returns the counted name, such as discs/disc0, or "".
func (n Names) Counted() string {
	if n.Class == "" {
		return ""
	}
	return n.Class + "s/" + n.Class + strconv.Itoa(n.Index)
}

// Link is a link below /dev.
type Link struct{ Name, Target string }

// Links returns the links that make the names of some schemes beside a node. A
// network interface has no node; its name leads to its directory in sysfs.
func (n Names) Links(node string, schemes ...Scheme) []Link {
	var links []Link
	for _, s := range schemes {
		for _, name := range n.List {
			switch {
			case name.Scheme != s || name.Text == node:
			case node == "":
				links = append(links, Link{name.Text, "/sys/class/" + name.Text})
			default:
				links = append(links, Link{name.Text, Target(name.Text, node)})
			}
		}
		if counted := n.Counted(); counted != "" && s == Devfs {
			links = append(links, Link{counted, Target(counted, n.Leads)})
		}
	}
	return links
}

// Options say how names are made.
type Options struct {
	Stable   bool     // a number stays with its place when the device goes
	ATAAsIDE bool     // disks at ATA ports are below ide/, as they were in Linux 2.4
	Hosts    []string // drivers whose SCSI hosts get the first numbers, in this order
}

// Namer names devices. Its only state are the numbers that it gave out. One
// goroutine owns it.
type Namer struct {
	Options
	*Numbers
}

// NewNamer goes on from the numbers of an earlier one; nil means a new start.
func NewNamer(o Options, n *Numbers) *Namer {
	if n == nil {
		n = &Numbers{}
	}
	n.stable = o.Stable
	return &Namer{o, n}
}

// Names returns the names of a device, and gives it a number in its class if it
// has none yet.
func (n *Namer) Names(d *devtree.Device, p Place) Names {
	names := n.names(d, p)
	if names.Class != "" {
		names.Index = n.Take(names.Class, key(d, p), d.DevPath)
	}
	return names
}

// Look is Names for those who only want to know: no number is given out.
func (n *Namer) Look(d *devtree.Device, p Place) Names {
	names := n.names(d, p)
	h, ok := n.held[d.DevPath]
	if !ok || h.class != names.Class {
		return Names{List: names.List}
	}
	names.Index = n.classes[h.class].places[h.place]
	return names
}

// key is where a device is plugged in.
func key(d *devtree.Device, p Place) string {
	if len(p.Paths) > 0 {
		return p.Paths[0]
	}
	return d.DevPath
}

// names is Names but for the number. A device without a name of its own in the
// tree keeps the kernel's.
func (n *Namer) names(d *devtree.Device, p Place) Names {
	switch {
	case d.Subsystem == "net" && clean(d.Name()) == d.Name():
		return Names{List: []Name{{Devfs, "net/" + d.Name()}}}
	case !d.HasNode():
		return Names{}
	case d.Block:
		return n.block(d, p)
	}
	if names, ok := n.onSCSI(d, p); ok {
		return names
	}
	return named(d.DevName, charName(d))
}

// named are the names of a device that is not counted.
func named(node, devfs string) Names {
	old := node
	if devfs == node {
		old = Old(devfs)
	}
	return Names{List: list(devfs, "", old)}
}

func list(devfs, short, old string) []Name {
	var all []Name
	for _, n := range []Name{{Devfs, devfs}, {NewCompat, short}, {OldCompat, old}} {
		if n.Text != "" {
			all = append(all, n)
		}
	}
	return all
}
