package view

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// NewDev says what happens to devices that come after the view.
type NewDev byte

// What NewDev can be.
const (
	Show     NewDev = iota
	Hide            // they are hidden until mknod
	Explicit        // all devices are hidden until mknod
)

// Options say how a view differs from what is behind it. The zero value shows
// everything as nodes; nodes cannot be renamed, and what is deleted is hidden.
type Options struct {
	NewDev      NewDev
	Links       bool   // devices are links to nodes
	Devices     string // where those are
	SharedAttrs bool   // chmod and chown of a device count in all such views
	ReadOnly    bool   // as it is now, but for devices that go
	Rename      bool   // devices can be renamed
	KeepAll     bool   // devices cannot be deleted
	Lock        bool   // only the host makes devices
	Rules       []Rule // the last that fits decides
	preset      string
}

// Rule hides or shows the names behind that a pattern fits. Patterns of path
// names fit what is below, too.
type Rule struct {
	Pattern string
	Hide    bool
}

// hideAll hides everything, fixed directories too.
var hideAll = Rule{"*", true}

// presets are sets of options that have a name.
var presets = map[string]Options{
	"full":  {},
	"empty": {NewDev: Explicit, Rules: []Rule{hideAll}},
	"basic": {Rules: append([]Rule{hideAll}, showing("null zero full random urandom")...)},
	"jail": {
		NewDev: Hide, Lock: true,
		Rules: append([]Rule{hideAll}, showing("null zero full random urandom tty ptmx pts shm mqueue fd stdin stdout stderr")...),
	},
}

func showing(names string) (rules []Rule) {
	for name := range strings.FieldsSeq(names) {
		rules = append(rules, Rule{Pattern: name})
	}
	return rules
}

// options are the words that ParseOptions takes, beside preset.
var options = []struct {
	name, value string
	set         func(*Options)
}{
	{"style", "node", func(o *Options) { o.Links = false }},
	{"style", "link", func(o *Options) { o.Links = true }},
	{"attrs", "per-view", func(o *Options) { o.SharedAttrs = false }},
	{"attrs", "shared", func(o *Options) { o.SharedAttrs = true }},
	{"newdev", "show", func(o *Options) { o.NewDev = Show }},
	{"newdev", "hide", func(o *Options) { o.NewDev = Hide }},
	{"newdev", "explicit", func(o *Options) { o.NewDev = Explicit }},
	{"rename", "deny", func(o *Options) { o.Rename = false }},
	{"rename", "allow", func(o *Options) { o.Rename = true }},
	{"unlink", "allow", func(o *Options) { o.KeepAll = false }},
	{"unlink", "deny", func(o *Options) { o.KeepAll = true }},
	{"lock", "yes", func(o *Options) { o.Lock = true }},
	{"lock", "no", func(o *Options) { o.Lock = false }},
	{"ro", "", func(o *Options) { o.ReadOnly = true }},
	{"rw", "", func(o *Options) { o.ReadOnly = false }},
}

// ParseOptions reads words such as "preset=jail" and "newdev=hide". A preset
// is the ground for the others, wherever it stands.
func ParseOptions(words []string) (Options, error) {
	o := Options{preset: "full"}
	for _, w := range words {
		name, ok := strings.CutPrefix(w, "preset=")
		if !ok {
			continue
		}
		preset, known := presets[name]
		if !known {
			return o, fmt.Errorf("option %q: there is no such preset: use full, basic, jail or empty", w)
		}
		o = preset
		o.preset = name
	}
	for _, w := range words {
		if err := o.parse(w); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *Options) parse(word string) error {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "preset":
		return nil
	case "hide", "show":
		if _, err := path.Match(value, ""); err != nil || CheckName(value) != nil {
			return fmt.Errorf("option %q: no pattern for names below /dev", word)
		}
		o.Rules = append(slices.Clone(o.Rules), Rule{value, key == "hide"})
		return nil
	}
	var values []string
	for _, known := range options {
		if known.name == key && known.value == value {
			known.set(o)
			return nil
		}
		if known.name == key {
			values = append(values, known.value)
		}
	}
	if values != nil {
		return fmt.Errorf("option %q: %s is one of %s", word, key, strings.Join(values, ", "))
	}
	return fmt.Errorf("option %q is unknown", word)
}

// Words returns the options as ParseOptions takes them.
func (o Options) Words() []string {
	words := []string{"preset=" + o.preset}
	rest := presets[o.preset]
	for _, known := range options {
		want, is := o, rest
		known.set(&want)
		known.set(&is)
		if want.equal(o) && !is.equal(rest) {
			words = append(words, strings.TrimSuffix(known.name+"="+known.value, "="))
		}
	}
	for _, r := range o.Rules[len(rest.Rules):] {
		words = append(words, map[bool]string{true: "hide=", false: "show="}[r.Hide]+r.Pattern)
	}
	return words
}

// equal compares what words can set, but rules.
func (o Options) equal(p Options) bool {
	return o.NewDev == p.NewDev && o.Links == p.Links && o.SharedAttrs == p.SharedAttrs && o.ReadOnly == p.ReadOnly &&
		o.Rename == p.Rename && o.KeepAll == p.KeepAll && o.Lock == p.Lock
}

// admit says whether a record that is no directory, or a fixed one, may be
// seen.
func (o *Options) admit(r *Record, v *View) bool {
	switch {
	case v.frozen > 0 && r.Born > v.frozen:
		return false
	case v.shown[r.Name]:
		return true
	case o.NewDev == Hide && r.Born > v.since:
		return false
	case o.NewDev == Explicit && r.Kind != Dir:
		return false
	}
	hidden := false
	for _, rule := range o.Rules {
		if rule.Hide != hidden && rule.fits(r.Name) {
			hidden = rule.Hide
		}
	}
	return !hidden
}

// fits matches the name, or a directory that it lies in.
func (r Rule) fits(name string) bool {
	if r.Pattern == "*" {
		return true
	}
	for ; name != ""; name = parent(name) {
		if ok, _ := path.Match(r.Pattern, name); ok {
			return true
		}
	}
	return false
}
