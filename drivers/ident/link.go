package ident

import (
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// LinkFile is one .link file (systemd.link(5)).
type LinkFile struct{ Path, Text string }

// LinkRules decides names of network interfaces by .link files.
type LinkRules struct{ files []link }

// link is one file, compiled.
type link struct {
	path     string
	match    []linkMatch
	settings []Property // of the section Link, in order
}

// linkMatch is one condition: one of the patterns fits, or none with not.
type linkMatch struct {
	key      string
	patterns []string
	not      bool
}

// NetAnswers is what a caller knows of an interface besides sysfs. Property
// returns properties of the device as the rules have made them so far, "" for
// others; of use are ID_PATH, ID_NET_NAME_* and ID_NET_NAME_FROM_DATABASE.
// Driver is what the ioctl SIOCETHTOOL names, "" if it says nothing.
type NetAnswers struct {
	Driver      string
	Property    func(key string) string
	KernelNames bool // net.ifnames=0: no name by policy
}

// LinkSetup is what a .link file wants of an interface; what it does not set is
// zero.
type LinkSetup struct {
	Properties       []Property
	AlternativeNames []string
	MACAddress       string
	MTU              uint32
	QueueLength      *uint32
	Alias            string
}

// ParseLinks compiles .link files, given in the order of their folders: /etc
// before /run before /usr. Of files of the same name the first counts, an empty
// one masks the others. Problems name file and line; a file with an unknown
// condition matches nothing, an unknown setting has no effect.
func ParseLinks(files []LinkFile) (*LinkRules, []error) {
	rules := &LinkRules{}
	var problems []error
	seen := map[string]bool{}
	for _, f := range files {
		name := path.Base(f.Path)
		if seen[name] || path.Ext(name) != ".link" {
			continue
		}
		seen[name] = true
		if f.Text == "" {
			continue
		}
		l, bad := parseLink(f)
		problems = append(problems, bad...)
		rules.files = append(rules.files, l)
	}
	slices.SortStableFunc(rules.files, func(a, b link) int { return strings.Compare(path.Base(a.path), path.Base(b.path)) })
	return rules, problems
}

func parseLink(f LinkFile) (l link, problems []error) {
	l.path = f.Path
	section, number := "", 0
	for line := range strings.Lines(f.Text) {
		number++
		line = strings.TrimSpace(line)
		key, value, isSetting := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			section = line
		case !isSetting:
			problems = append(problems, fmt.Errorf("%s:%d: neither a section nor KEY=VALUE", f.Path, number))
		case section == "[Match]":
			if !l.addMatch(key, value) {
				problems = append(problems, fmt.Errorf("%s:%d: the condition %q is not known: the file matches nothing", f.Path, number, key))
			}
		case section == "[Link]":
			if why := l.addSetting(key, value); why != "" {
				problems = append(problems, fmt.Errorf("%s:%d: %s=%s has no effect: %s", f.Path, number, key, value, why))
			}
		}
	}
	return l, problems
}

// addMatch adds a condition. An unknown one fits nothing.
func (l *link) addMatch(key, value string) bool {
	m := linkMatch{key: key}
	value, m.not = strings.CutPrefix(value, "!")
	m.patterns = strings.Fields(value)
	known := true
	switch key {
	case "MACAddress", "PermanentMACAddress":
		for i, p := range m.patterns {
			m.patterns[i] = plainAddress(p)
		}
	case "OriginalName", "Driver", "Path", "Type":
		for i, p := range m.patterns {
			m.patterns[i] = strings.ReplaceAll(p, "[!", "[^")
		}
	default:
		known, m.not, m.patterns = false, false, nil
	}
	l.match = append(l.match, m)
	return known
}

// linkSettings says of each setting what is wrong with a value, "" for nothing.
var linkSettings = map[string]func(value string) (why string){
	"NamePolicy": anything, "Name": anything, "AlternativeName": anything, "AlternativeNamesPolicy": anything, "Description": anything,
	"MACAddress":       func(v string) string { return unless(ethernet(v) != "", "it is no address of Ethernet") },
	"MACAddressPolicy": func(v string) string { return unless(v == "none", "addresses are not made up") },
	"MTUBytes":         func(v string) string { _, ok := size(v); return unless(ok, "it is no size") },
	"TransmitQueueLength": func(v string) string {
		_, err := strconv.ParseUint(v, 10, 32)
		return unless(err == nil, "it is no number")
	},
	"Alias": func(v string) string { return unless(len(v) <= maxAlias, "it is too long") },
}

const maxAlias = 255 // IFALIASZ, include/uapi/linux/if.h

func anything(string) string { return "" }

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// size reads a number of bytes, such as 9000 or 9K.
func size(text string) (uint32, bool) {
	digits, factor := text, uint64(1)
	if n := strings.IndexByte("KMG", last(text)); n >= 0 {
		digits, factor = text[:len(text)-1], 1<<(10*(n+1))
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n * factor), err == nil && n*factor <= math.MaxUint32
}

func last(text string) byte {
	if text == "" {
		return 0
	}
	return text[len(text)-1]
}

// addSetting says why a setting cannot have an effect, "" if it can.
func (l *link) addSetting(key, value string) (why string) {
	check, known := linkSettings[key]
	if !known {
		return "this setting is not supported"
	}
	if why := check(value); why != "" {
		return why
	}
	l.settings = append(l.settings, Property{key, value})
	return ""
}

// Sets says whether any file sets more than names.
func (r *LinkRules) Sets() bool {
	return slices.ContainsFunc(r.files, func(l link) bool {
		return slices.ContainsFunc(l.settings, func(s Property) bool {
			return s.Key != "NamePolicy" && s.Key != "Name" && s.Key != "Description" && s.Key != "MACAddressPolicy"
		})
	})
}

// setting returns the last value of a setting.
func (l *link) setting(key string) (value string) {
	for _, s := range l.settings {
		if s.Key == key {
			value = s.Value
		}
	}
	return value
}

// plainAddress brings an address into the form of sysfs.
func plainAddress(text string) string {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.ToLower(text))
	var parts []string
	for i := 0; i+2 <= len(digits); i += 2 {
		parts = append(parts, digits[i:i+2])
	}
	return strings.Join(parts, ":")
}

// ethernet returns an address of Ethernet in the form of sysfs, "" for others.
func ethernet(text string) string {
	text = plainAddress(text)
	const size = len("00:00:00:00:00:00")
	if len(text) != size || strings.Trim(text, "0123456789abcdef:") != "" {
		return ""
	}
	return text
}

// Setup says what udev's net_setup_link says of a network interface:
//
//	ID_NET_DRIVER=e1000
//	ID_NET_LINK_FILE=/usr/lib/systemd/network/99-default.link
//	ID_NET_NAME=enp0s9
//
// ID_NET_NAME is the name that it has now, if no other is wanted. It says
// nothing of loopback interfaces. Of MACAddressPolicy only "none" is understood:
// addresses that the kernel made up stay as they are.
func (r *LinkRules) Setup(tree fs.FS, devpath string, known NetAnswers) (LinkSetup, error) {
	n := &netDevice{device: at(tree, devpath), known: known}
	kind, err := n.need("type")
	if err != nil {
		return LinkSetup{}, fmt.Errorf("net_setup_link: %w", err)
	}
	const loopback = "772"
	if n.kind = kind; kind == loopback {
		return LinkSetup{}, nil
	}
	all := properties{}
	driver := n.driverName()
	all.addSome("ID_NET_DRIVER", driver)
	for i := range r.files {
		l := &r.files[i]
		if !n.fits(l) {
			continue
		}
		all.add("ID_NET_LINK_FILE", l.path)
		all.add("ID_NET_NAME", n.nameBy(l))
		setup := LinkSetup{Properties: all, AlternativeNames: n.alternatives(l), MACAddress: ethernet(l.setting("MACAddress")), Alias: l.setting("Alias")}
		setup.MTU, _ = size(l.setting("MTUBytes"))
		if length, err := strconv.ParseUint(l.setting("TransmitQueueLength"), 10, 32); err == nil {
			queue := uint32(length)
			setup.QueueLength = &queue
		}
		return setup, nil
	}
	return LinkSetup{Properties: all}, nil
}

// netDevice is an interface that .link files are held against.
type netDevice struct {
	device
	known NetAnswers
	kind  string
}

func (n *netDevice) driverName() string {
	if n.known.Driver != "" {
		return n.known.Driver
	}
	return (device{n.tree, path.Dir(path.Dir(n.dir))}).driver() // of .../net/eth0
}

func (n *netDevice) fits(l *link) bool {
	for _, m := range l.match {
		value := n.value(m.key)
		hit := slices.ContainsFunc(m.patterns, func(p string) bool { ok, _ := path.Match(p, value); return ok })
		if hit == m.not {
			return false
		}
	}
	return true
}

// value is what a condition is held against.
func (n *netDevice) value(key string) string {
	switch key {
	case "MACAddress":
		return n.text("address")
	case "PermanentMACAddress":
		if n.text("addr_assign_type") == "0" {
			return n.text("address")
		}
	case "OriginalName":
		return n.name()
	case "Driver":
		return n.driverName()
	case "Path":
		return n.known.Property("ID_PATH")
	case "Type":
		return n.typeName()
	}
	return ""
}

func (n *netDevice) typeName() string {
	for line := range strings.Lines(n.text("uevent")) {
		if t, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVTYPE="); ok {
			return t
		}
	}
	return map[string]string{"1": "ether", "32": "infiniband", "256": "slip", "512": "ppp", "65534": "none"}[n.kind]
}

// How an interface got its name (name_assign_type, include/uapi/linux/netdevice.h).
const namePredictable, nameByUser, nameRenamed = "2", "3", "4"

// nameBy is the first name that a policy of the file finds.
func (n *netDevice) nameBy(l *link) string {
	assigned := n.text("name_assign_type")
	policies := l.setting("NamePolicy")
	if n.known.KernelNames {
		policies = ""
	}
	for p := range strings.FieldsSeq(policies) {
		name := n.byPolicy(p)
		switch {
		case p == "keep" && (assigned == nameByUser || assigned == nameRenamed), p == "kernel" && assigned == namePredictable:
			return n.name()
		case fitsInterface(name, maxInterface):
			return name
		}
	}
	if name := l.setting("Name"); fitsInterface(name, maxInterface) {
		return name
	}
	return n.name()
}

func (n *netDevice) byPolicy(policy string) string {
	key := map[string]string{"database": "FROM_DATABASE", "onboard": "ONBOARD", "slot": "SLOT", "path": "PATH", "mac": "MAC"}[policy]
	if key == "" {
		return ""
	}
	return n.known.Property("ID_NET_NAME_" + key)
}

func (n *netDevice) alternatives(l *link) (names []string) {
	add := func(name string) {
		if fitsInterface(name, maxNetName) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, s := range l.settings {
		if s.Key == "AlternativeName" {
			add(s.Value)
		}
	}
	for p := range strings.FieldsSeq(l.setting("AlternativeNamesPolicy")) {
		add(n.byPolicy(p))
	}
	return names
}

// maxInterface is what the kernel takes as a name.
const maxInterface = 15

// fitsInterface says whether the kernel and its tools take a name.
func fitsInterface(name string, limit int) bool {
	reserved := []string{"", ".", "..", "all", "default"}
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(":/%", r) }
	return len(name) <= limit && !slices.Contains(reserved, name) && !strings.ContainsFunc(name, odd) && strings.Trim(name, "0123456789") != ""
}
