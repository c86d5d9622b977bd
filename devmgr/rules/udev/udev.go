// Package udev reads udev rules and says what they decide for a device.
//
// Parse compiles all files once into a flat list of rules; words that it does
// not know are Problems with file, line and column, and the rest still
// applies. Decide runs the rules for one device and returns a Result; it
// changes nothing: files to write, programs to run and links to make come out
// as values. What it needs to know of the machine it asks a Host.
//
// A rule is tests, then assignments, whatever their order on the line: all
// tests must hold, in the order of their cost. KERNELS, SUBSYSTEMS, DRIVERS,
// ATTRS and TAGS of one rule must hold at one and the same device, the event's
// own or one above it. For each action and subsystem the rules that cannot
// match are left out once and for all (plan.go), so that a device meets only
// what is meant for its like.
//
// The language is that of udev(7); docs/udev.md tells what acts and what is
// only accepted. Strings of devices never become more than a value: they are
// expanded after a command has been split into words, and in names of links
// every byte that is not plain becomes "_".
package udev

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

// File is one rules file.
type File struct{ Name, Text string }

// Position is a place in a rules file.
type Position struct {
	File      string
	Line, Col int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Problem is something in a rules file that cannot be done.
type Problem struct {
	Position
	Text string // what is wrong
	Hint string // what to do about it
}

func (p Problem) String() string { return p.Position.String() + ": " + p.Text + ": " + p.Hint }

// Set is compiled rules. It may be used by any number of goroutines.
type Set struct {
	rules   []rule
	attrs   []string // names in ATTR and ATTRS, by number
	static  []StaticNode
	readsDB bool // there is an IMPORT{db}

	mu    sync.RWMutex
	plans map[planKey][]step

	idle sync.Pool // of *state
}

// Len returns the number of rules.
func (s *Set) Len() int { return len(s.rules) }

// ReadsDB says whether any rule wants what was stored at an earlier event.
func (s *Set) ReadsDB() bool { return s.readsDB }

// StaticNodes returns the nodes that are to have an owner and mode before
// there is a device for them, because opening one loads its module.
func (s *Set) StaticNodes() []StaticNode { return s.static }

// StaticNode is a node without a device; "" leaves the kernel's owner or mode.
type StaticNode struct {
	Name, Owner, Group, Mode string
	Tags                     []string
	At                       Position
}

// Property is a property of a device. A private one starts with a dot.
type Property struct{ Key, Value string }

// Device is what the rules decide about.
type Device struct {
	Action string
	*devtree.Device
	Extra  uevent.Env // what the event said, beside what sysfs says now
	Stored []Property // set by rules at an earlier event
	Tags   []string   // set at earlier events
	Links  []string   // made at an earlier event, for remove
	Trace  bool       // fill Result.Trace
}

// Parent is a device above the one that is decided about.
type Parent struct {
	*devtree.Device
	Stored []Property
	Tags   []string
}

// Host is the machine, as far as the decision about one device needs it.
type Host interface {
	// Attr reads an attribute without the newline at its end; of the links
	// driver, module and subsystem it is the last part of the target.
	// The name may lead out of the device's directory, but not out of /sys.
	Attr(devpath, name string) (value string, ok bool)
	// Read reads any file.
	Read(path string) (text string, ok bool)
	// Stat finds a file; a "*" between slashes is any one directory.
	Stat(path string) (mode fs.FileMode, ok bool)
	// Parents returns the devices above this one, the nearest first.
	Parents() []Parent
	// ID returns the number of a user or group.
	ID(kind IDKind, name string) (id uint32, ok bool)
	// Const returns CONST{key}.
	Const(key string) string
	// Call runs a program or builtin, or returns ErrLater.
	Call(c Call) (Answer, error)
}

// IDKind says which list of names an id is looked up in.
type IDKind byte

// The kinds of ids.
const (
	User IDKind = iota
	Group
)

// ErrLater is returned by a Host that may not wait: the decision is abandoned
// and has to be made again where it may take time.
var ErrLater = errors.New("has to wait")

// Call is a program or builtin that a rule needs the answer of.
type Call struct {
	Builtin    bool
	Argv       []string
	Properties []Property // public ones, valid during the call
	At         Position
}

// Answer is what a Call came to.
type Answer struct {
	Output     string     // of a program
	Properties []Property // of a builtin
}

// Result is what the rules decided.
type Result struct {
	Later bool // the Host said ErrLater: nothing else counts

	Owner, Group                string
	UID, GID, Mode              uint32
	OwnerSet, GroupSet, ModeSet bool
	Name                        string // of a network interface
	Links                       []string
	Priority                    int
	Properties                  []Property // in the order in which they were set, private ones too
	Tags                        []string   // of earlier events, too
	CurrentTags                 []string   // that this event set
	Runs                        []Run
	Env                         []Property // all public properties, for Runs
	Writes                      []Write
	Watch, NoWatch, Persist     bool
	SecLabels                   []Property
	Faults                      []Problem // a user that does not exist, a program that failed
	Trace                       []Trace
}

// Run is a program or builtin to run when all else is done.
type Run struct {
	Builtin bool
	Argv    []string
	At      Position
}

// Write is a value for a file: Path is absolute, a "*" between slashes is any
// one directory.
type Write struct {
	Path, Value string
	At          Position
}

// Trace says which line did what.
type Trace struct {
	At   Position
	Text string
}
