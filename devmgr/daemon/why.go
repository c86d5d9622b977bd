package daemon

import (
	"context"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/actions"
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
	f, row, err := d.find(r)
	if err != nil {
		return err
	}
	event := uevent.Event{Action: uevent.Add}
	if action, ok := r.option("action"); ok {
		event.Action = uevent.Action(action)
	}
	var x explanation
	if err := d.do(r.ctx, func() { x = d.pipe.explanation(row, event, policy()) }); err != nil {
		return err
	}
	x.modules, x.programs = d.modules.said(row.device.Env.Get("MODALIAS")), d.programs.jobsDone(row.device.DevPath)
	x.tell(r.ctx, f, func(pairs ...string) { r.w.Record(pairs...) })
	return nil
}

// Why explains a device of a recording as the verb why does, record by record;
// it says whether there is such a device.
func (p *Pipeline) Why(what string, record func(pairs ...string)) bool {
	f := newFormatter(p.sys, p.rows())
	row, ok := f.find(what)
	if ok {
		x := p.explanation(row, uevent.Event{Action: uevent.Add}, p.policy)
		x.tell(context.Background(), f, record)
	}
	return ok
}

// explanation is what must be known of a device to explain it.
type explanation struct {
	row      row
	q        *inquiry
	links    []linkClaim
	modules  string
	programs []actions.Result
}

func (p *Pipeline) explanation(r row, event uevent.Event, policy *Policy) explanation {
	q := p.inquire(devtree.Change{Old: r.device, Device: r.device}, event)
	q.host.policy = policy
	q.host.Parents()
	return explanation{row: r, q: q, links: p.links(r.device.DevPath)}
}

func (x *explanation) tell(ctx context.Context, f *formatter, record func(pairs ...string)) {
	dev, q := x.row.device, x.q
	base := q.host.policy.base(f.sys, dev)
	res := &udevrules.Result{}
	if q.host.policy.Udev != nil {
		res = q.decide(ctx)
	}
	dec := overlay(base, res, q.device.Action, nil)
	why := whyWriter{record}
	record(append(f.pairs(x.row), "rule", dec.Reason, "modules", x.modules,
		"wanted_mode", strconv.FormatUint(uint64(dec.Mode), 8), "wanted_owner", dec.Owner+":"+dec.Group, "stock", base.Reason)...)
	why.result(res)
	for _, l := range x.links {
		why.link(l)
	}
	for _, j := range x.programs {
		why.program(j)
	}
	for p := f.parent(dev); p != nil; p = f.parent(p) {
		record("parent", p.DevPath, "subsystem", p.Subsystem, "driver", p.Env.Get("DRIVER"))
	}
}

// decide traces the decision where it may take time.
func (q *inquiry) decide(ctx context.Context) *udevrules.Result {
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	q.host.ctx, q.device.Trace = ctx, true
	res := q.host.policy.decide(q.device, q.host)
	return &res
}

// linkClaim is one link that a device claims.
type linkClaim struct {
	name      string
	owner     string // the node that it leads to, "" if it is our own
	priority  int
	claimants []string // other nodes that claim it
}

// links lists the claims of a device.
func (p *Pipeline) links(devpath string) []linkClaim {
	var all []linkClaim
	for _, e := range p.space.Entries(devpath) {
		if e.Node != nil {
			continue
		}
		l := linkClaim{name: e.Name, priority: e.Priority}
		for i, other := range p.space.Claimants(e.Name) {
			if other == devpath {
				continue
			}
			node := other
			if dev := p.tree.Get(other); dev != nil && dev.HasNode() {
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
type whyWriter struct{ record func(pairs ...string) }

// program tells how a program that was run for the device has ended.
func (y whyWriter) program(j actions.Result) {
	y.record("program", strings.Join(j.Argv, " "), "failure", j.Failure, "line", j.Line, "ms", strconv.FormatInt(j.Took.Milliseconds(), 10))
}

func (y whyWriter) result(res *udevrules.Result) {
	for _, t := range res.Trace {
		y.record("at", position(t.At), "does", t.Text)
	}
	for _, p := range res.Properties {
		y.record("property", p.Key, "value", p.Value)
	}
	for _, t := range res.Tags {
		y.record("tag", t)
	}
	for _, l := range res.Links {
		y.record("wants_link", l)
	}
	for _, x := range res.Runs {
		pairs := []string{"run", position(x.At)}
		for _, word := range x.Argv {
			pairs = append(pairs, "word", word)
		}
		y.record(pairs...)
	}
	for _, x := range res.Writes {
		y.record("write", x.Path, "value", x.Value)
	}
	for _, x := range res.Faults {
		y.record("fault", position(x.Position), "text", x.Text)
	}
}

func position(p udevrules.Position) string { return p.File + ":" + strconv.Itoa(p.Line) }

func (y whyWriter) link(l linkClaim) {
	pairs := []string{"claim", l.name, "priority", strconv.Itoa(l.priority), "owner", l.owner}
	for _, c := range l.claimants {
		pairs = append(pairs, "other", c)
	}
	y.record(pairs...)
}
