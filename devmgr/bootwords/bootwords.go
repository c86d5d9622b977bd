// Package bootwords reads what devfs= says on the kernel's command line.
//
// The words are those of the devfs of Linux 2.4, separated by commas, and a
// few of our own, whose values stand behind colons:
//
//	devfs=mount,nodreg,names:devfs:new-compat,numbers:stable
//
// Later words overrule earlier ones. A word that is not known is reported and
// has no effect: a machine must not stay down for it.
package bootwords

import (
	"fmt"
	"slices"
	"strings"

	"slashdev/devmgr/naming"
)

// Options is what the words say.
type Options struct {
	Mode    string // mount, nomount, only, safe; "" if nothing was said
	Style   string // node or link; "" if nothing was said
	View    string // a file that describes the view on /dev
	Schemes []naming.Scheme
	Naming  naming.Options

	NoCompat, NoTTYCompat bool // no names from before devfs: of all, of terminals
	NoModules             bool // no module is loaded because somebody looks for its device
	Debug                 []string
}

// debug are the words of devfs for finding faults, and what is logged for them.
var debug = map[string]string{
	"dmod": "modload", "dreg": "register", "dunreg": "register", "dchange": "flags", "dilookup": "lookup",
	"diget": "inode", "dsread": "inode", "dfree": "inode", "diunlink": "mutate", "dichange": "mutate", "dimknod": "mutate",
	"diread": "inode", "diwrite": "inode",
}

// Parse reads all devfs= words of a command line of the kernel.
func Parse(cmdline string) (Options, []error) {
	var o Options
	var errs []error
	for word := range strings.FieldsSeq(cmdline) {
		value, ok := strings.CutPrefix(strings.Trim(word, `"`), "devfs=")
		if !ok {
			continue
		}
		for w := range strings.SplitSeq(value, ",") {
			if err := o.word(w); err != nil {
				errs = append(errs, fmt.Errorf("devfs=%.100q: %w", w, err))
			}
		}
	}
	return o, errs
}

func (o *Options) word(w string) error {
	if key, value, ok := strings.Cut(w, ":"); ok {
		return o.setting(key, value)
	}
	switch w {
	case "":
	case "mount", "nomount", "only", "safe":
		o.Mode = w
	case "noonly", "nosafe":
		if o.Mode == w[2:] {
			o.Mode = ""
		}
	case "nocompat", "compat":
		o.NoCompat = w == "nocompat"
	case "nottycompat", "ttycompat":
		o.NoTTYCompat = w == "nottycompat"
	case "nokmod", "kmod":
		o.NoModules = w == "nokmod"
	case "ata-as-ide", "noata-as-ide":
		o.Naming.ATAAsIDE = w == "ata-as-ide"
	default:
		return o.debugging(w)
	}
	return nil
}

// debugging takes dall and its parts, and with "no" takes them back.
func (o *Options) debugging(w string) error {
	word, off := strings.CutPrefix(w, "no")
	topics := []string{debug[word]}
	if word == "dall" {
		topics = topics[:0]
		for _, topic := range debug {
			topics = append(topics, topic)
		}
	} else if topics[0] == "" {
		return fmt.Errorf("unknown word, ignored")
	}
	o.Debug = slices.DeleteFunc(o.Debug, func(t string) bool { return slices.Contains(topics, t) })
	if !off {
		o.Debug = append(o.Debug, topics...)
	}
	slices.Sort(o.Debug)
	o.Debug = slices.Compact(o.Debug)
	return nil
}

func (o *Options) setting(key, value string) error {
	switch {
	case key == "style" && (value == "link" || value == "node"):
		o.Style = value
	case key == "view" && strings.HasPrefix(value, "/"):
		o.View = value
	case key == "numbers" && (value == "stable" || value == "free"):
		o.Naming.Stable = value == "stable"
	case key == "hosts":
		o.Naming.Hosts = strings.Split(value, ":")
	case key == "names":
		return o.schemes(value)
	default:
		return fmt.Errorf("unknown setting, ignored")
	}
	return nil
}

func (o *Options) schemes(value string) error {
	var all []naming.Scheme
	for name := range strings.SplitSeq(value, ":") {
		s := naming.Scheme(name)
		switch {
		case name == "none":
			continue
		case s != naming.Devfs && s != naming.NewCompat && s != naming.OldCompat:
			return fmt.Errorf("unknown scheme %q: use devfs, new-compat, old-compat or none", name)
		case !slices.Contains(all, s):
			all = append(all, s)
		}
	}
	o.Schemes = all
	return nil
}
