package daemon

import (
	"context"
	"strconv"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// explainTime is how long programs and probes may take for an explanation.
const explainTime = 20 * time.Second

// why says which rules made of a device what it is.
func (d *daemon) why(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	return d.explain(r, d.pipe.currentPolicy)
}

// test says what the rules that are on the disk now would make of a device.
// Nothing is changed.
func (d *daemon) test(r *request) error {
	action, given := r.option("action")
	if len(r.args) != 1 || r.only("action") != nil || given && !isAction(action) {
		return errUsage
	}
	quiet := d.cfg // what is wrong with the rules is for dev rules check
	quiet.Logf = func(string, ...any) {}
	fresh := loadPolicy(quiet)
	return d.explain(r, func() *Policy { return &fresh })
}

func (p *Pipeline) currentPolicy() *Policy { return p.policy }

// explain decides once more, beside the loop, and tells each step.
func (d *daemon) explain(r *request, policy func() *Policy) error {
	rows, err := d.snapshot(r.ctx)
	if err != nil {
		return err
	}
	f := newFormatter(d.sys, rows)
	row, err := d.named(r, f)
	if err != nil {
		return err
	}
	event := uevent.Event{Action: uevent.Add}
	if action, ok := r.option("action"); ok {
		event.Action = uevent.Action(action)
	}
	var q *inquiry
	var links []linkClaim
	err = d.do(r.ctx, func() {
		c := devtree.Change{Old: row.device, Device: row.device}
		q = d.pipe.inquire(c, event)
		q.host.policy = policy()
		q.host.Parents()
		links = d.links(row.device.DevPath)
	})
	if err != nil {
		return err
	}
	base := q.host.policy.base(d.sys, row.device)
	res := &udevrules.Result{}
	if q.host.policy.Udev != nil {
		res = q.decide(r.ctx)
	}
	dec := overlay(base, res, string(event.Action), nil)
	why := newWhy(r.w)
	why.head(append(f.pairs(row), "rule", dec.Reason, "modules", d.modules.said(row.device.Env.Get("MODALIAS")),
		"wanted_mode", strconv.FormatUint(uint64(dec.Mode), 8), "wanted_owner", dec.Owner+":"+dec.Group, "stock", base.Reason))
	why.result(res)
	for _, l := range links {
		why.link(l)
	}
	for p := f.parent(row.device); p != nil; p = f.parent(p) {
		r.w.Record("parent", p.DevPath, "subsystem", p.Subsystem, "driver", p.Env.Get("DRIVER"))
	}
	return nil
}

// decide traces the decision where it may take time.
func (q *inquiry) decide(ctx context.Context) *udevrules.Result {
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	q.host.ctx, q.device.Trace = ctx, true
	res := q.host.policy.Udev.Decide(q.device, q.host)
	return &res
}

// linkClaim is one link that a device claims.
type linkClaim struct {
	name      string
	owner     string // the node that it leads to, "" if it is our own
	priority  int
	claimants []string // other nodes that claim it
}

// links lists the claims of a device. It runs on the loop.
func (d *daemon) links(devpath string) []linkClaim {
	var all []linkClaim
	for _, e := range d.pipe.space.Entries(devpath) {
		if e.Node != nil {
			continue
		}
		l := linkClaim{name: e.Name, priority: e.Priority}
		for i, other := range d.pipe.space.Claimants(e.Name) {
			if other == devpath {
				continue
			}
			node := other
			if dev := d.pipe.tree.Get(other); dev != nil && dev.HasNode() {
				node = dev.DevName
			}
			if i == 0 {
				l.owner = node
			}
			l.claimants = append(l.claimants, node)
		}
		all = append(all, l)
	}
	return all
}

// whyWriter turns an explanation into records.
type whyWriter struct{ w *ctl.Writer }

func newWhy(w *ctl.Writer) whyWriter { return whyWriter{w} }

func (y whyWriter) head(pairs []string) { y.w.Record(pairs...) }

func (y whyWriter) result(res *udevrules.Result) {
	for _, t := range res.Trace {
		y.w.Record("at", position(t.At), "does", t.Text)
	}
	for _, p := range res.Properties {
		y.w.Record("property", p.Key, "value", p.Value)
	}
	for _, t := range res.Tags {
		y.w.Record("tag", t)
	}
	for _, l := range res.Links {
		y.w.Record("wants_link", l)
	}
	for _, x := range res.Runs {
		pairs := []string{"run", position(x.At)}
		for _, word := range x.Argv {
			pairs = append(pairs, "word", word)
		}
		y.w.Record(pairs...)
	}
	for _, x := range res.Writes {
		y.w.Record("write", x.Path, "value", x.Value)
	}
	for _, x := range res.Faults {
		y.w.Record("fault", position(x.Position), "text", x.Text)
	}
}

func position(p udevrules.Position) string { return p.File + ":" + strconv.Itoa(p.Line) }

func (y whyWriter) link(l linkClaim) {
	pairs := []string{"claim", l.name, "priority", strconv.Itoa(l.priority), "owner", l.owner}
	for _, c := range l.claimants {
		pairs = append(pairs, "other", c)
	}
	y.w.Record(pairs...)
}
