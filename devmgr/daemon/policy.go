package daemon

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/netname"
	"slashdev/devmgr/rules"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
)

// Policy says what should happen to devices: the stock table, and udev's rules
// on top of it.
type Policy struct {
	Stock  *rules.Program
	Udev   *udevrules.Set // nil: no rules
	Users  map[string]uint32
	Groups map[string]uint32
	Root   string // where files that rules name are looked for; "" is the machine's

	told  map[udevrules.Problem]bool // faults of rules that have been logged
	dirs  map[string]string          // where /dev and /run/udev are
	tools map[string]tool
	run   func(ctx context.Context, devpath string, c udevrules.Call) (udevrules.Answer, error) // nil: no program is run

	driver func(netInterface string) (string, error) // nil: the kernel is not asked
	node   func(devname string) (node, error)        // nil: nodes are opened
	set    func(index int, s netname.Settings) error
}

// loadPolicy never fails: without groups the nodes stay with root, and what is
// wrong with a rule is told and left out.
func loadPolicy(cfg Config) Policy {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			cfg.Logf("rules: %v", err)
		}
		return string(text)
	}
	groups := read(cfg.GroupFile)
	p := Policy{Root: cfg.Root, Users: map[string]uint32{"root": 0}, Groups: rules.IDs(groups), tools: tools(), told: map[udevrules.Problem]bool{}, driver: cfg.driver, node: cfg.node, set: cfg.set,
		dirs: map[string]string{"/sys": cfg.Sys, "/dev": cfg.Dev, "/run/udev": cfg.Udev}}
	p.tools["hwdb"], p.tools["net_setup_link"] = hwdbTool(cfg), linkTool(cfg)
	maps.Copy(p.tools, cfg.tools)
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(cfg.GroupFile), "passwd")); err == nil {
		maps.Copy(p.Users, rules.IDs(string(text)))
	}
	var err error
	if p.Stock, err = rules.Stock(groups); err != nil {
		for l := range strings.SplitSeq(err.Error(), "\n") {
			cfg.Logf("rules: %s", l)
		}
	}
	p.loadRules(cfg)
	return p
}

// maxTold is how many problems of the rules are worth a line in the log.
const maxTold = 20

func (p *Policy) loadRules(cfg Config) {
	files, err := udevrules.Load(rootFS(cfg.Root), udevrules.Dirs())
	if err != nil {
		for l := range strings.SplitSeq(err.Error(), "\n") {
			cfg.Logf("%s", l)
		}
	}
	if len(files) == 0 {
		return
	}
	set, problems := udevrules.Parse(files)
	p.Udev = set
	for _, x := range problems[:min(len(problems), maxTold)] {
		cfg.Logf("rules: %s", x)
	}
	cfg.Logf("rules: %d rules in %d files, %d problems (dev rules check)", set.Len(), len(files), len(problems))
}

func rootFS(root string) fs.FS {
	if root == "" {
		root = "/"
	}
	return os.DirFS(root)
}

// memory is what is kept of a device from one event to the next.
type memory struct {
	stored []udevrules.Property
	tags   []string
	perms  *rules.Decision // that rules gave; nil if they are the stock table's
}

// base is the decision of the stock table.
func (p *Policy) base(sys sysfs.FS, d *devtree.Device) rules.Decision {
	if !d.HasNode() {
		return rules.Decision{}
	}
	return p.Stock.Decide(d, func(name string) string {
		value, _ := sys.Attr(d.DevPath, name)
		return value
	})
}

func (p *Pipeline) base(d *devtree.Device) rules.Decision { return p.policy.base(p.sys, d) }

// overlay puts what rules decided on top of the stock table. Owner and mode
// that were given at an earlier event stay when a later one gives none, as
// they do with udev.
func overlay(dec rules.Decision, res *udevrules.Result, action string, old *memory) rules.Decision {
	stock := dec.Set
	switch {
	case res.OwnerSet || res.GroupSet || res.ModeSet:
		dec.Set, dec.Reason = true, "udev rules"
		if stock {
			dec.Reason += ", stock"
		}
	case old != nil && old.perms != nil && action != string(uevent.Add):
		p := old.perms
		dec.Set, dec.Reason, dec.Mode = true, p.Reason, p.Mode
		dec.UID, dec.Owner, dec.GID, dec.Group = p.UID, p.Owner, p.GID, p.Group
	}
	if res.OwnerSet {
		dec.UID, dec.Owner = res.UID, res.Owner
	}
	if res.GroupSet {
		dec.GID, dec.Group = res.GID, res.Group
	}
	if res.ModeSet {
		dec.Mode = res.Mode
	}
	dec.Links = append(dec.Links, res.Links...)
	dec.LinkPriority, dec.Persist = res.Priority, res.Persist
	dec.Properties, dec.Tags = properties(res.Properties), res.CurrentTags
	return dec
}

// properties makes one string of a list.
func properties(list []udevrules.Property) uevent.Env {
	var b strings.Builder
	for _, p := range list {
		if strings.IndexByte(p.Value, 0) < 0 {
			b.WriteString(p.Key)
			b.WriteByte('=')
			b.WriteString(p.Value)
			b.WriteByte(0)
		}
	}
	return uevent.Env(b.String())
}
