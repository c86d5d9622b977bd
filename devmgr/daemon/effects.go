package daemon

import (
	"context"
	"errors"
	"strconv"
	"time"

	udevrules "slashdev/devmgr/rules/udev"
)

// effects are what rules want to have done to one device when its node has its
// names: files written, tools run, a network interface renamed.
type effects struct {
	host   *host
	writes []udevrules.Write
	calls  []udevrules.Call
	name   string // of a network interface, "" to leave it

	touched bool // its node was written to
}

// maxEffects bounds those that wait.
const maxEffects = 4096

// after does what is left to do when the node has its names.
func (d *daemon) after(s Step) {
	d.tellFaults(s)
	e := effects{writes: s.Writes, name: s.Name}
	for _, r := range s.Runs {
		if len(r.Argv) == 0 {
			continue
		}
		_, ours := d.pipe.policy.tool(r.Builtin, r.Argv[0])
		switch {
		case r.Builtin && r.Argv[0] == "kmod":
			d.modules.load(r.Argv[1:], s.Change.Device)
		case ours && s.Change.Device != nil:
			e.calls = append(e.calls, udevrules.Call{Builtin: r.Builtin, Argv: r.Argv, Properties: s.Env, At: r.At})
		}
	}
	if len(e.writes)+len(e.calls) == 0 && e.name == "" {
		return
	}
	over, first := d.pace.over(s.Change.DevPath(), d.cfg.clock())
	switch {
	case !over:
		d.effect(s, e)
	case first:
		d.warnf("%s: more than %d writes in %s: the others are left out; does one cause the event that it is made for?", s.Change.DevPath(), paceMost, paceWindow)
	}
}

// pace bounds the effects of one device: what a rule writes may cause the very
// event that it is written for (C-04).
type pace struct {
	until time.Time // the window ends
	count map[string]int
}

const (
	paceWindow = 10 * time.Second
	paceMost   = 50
)

// over says whether a device has had its share, and whether that is news.
func (p *pace) over(devpath string, now time.Time) (over, first bool) {
	if !now.Before(p.until) {
		p.until, p.count = now.Add(paceWindow), map[string]int{}
	}
	p.count[devpath]++
	return p.count[devpath] > paceMost, p.count[devpath] == paceMost+1
}

// effect leaves them to a goroutine of their own: a driver may take its time.
func (d *daemon) effect(s Step, e effects) {
	e.host = &host{policy: d.pipe.policy, sys: d.sys, device: s.Change.Device}
	if len(e.calls) > 0 {
		e.host.known, e.host.asked = d.pipe.above(s.Change.DevPath()), true
	}
	select {
	case d.effects <- e:
	default:
		d.warnf("%s: not written: too much is waiting", s.Change.DevPath())
	}
}

// effector does the effects of one device after the other.
func (d *daemon) effector(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-d.effects:
			d.carryOut(ctx, e)
		}
	}
}

func (d *daemon) carryOut(ctx context.Context, e effects) {
	complain := func(at string, err error) {
		if err != nil && !errors.Is(err, udevrules.ErrNothing) {
			_ = d.do(ctx, func() { d.warnf("%s: %s%v", e.host.device.DevPath, at, err) })
		}
	}
	if e.touched {
		complain("", e.host.announce(d.cfg.reread))
	}
	for _, w := range e.writes {
		complain(w.At.String()+": ", e.host.write(w))
	}
	e.host.ctx = ctx
	for _, c := range e.calls {
		_, err := e.host.Call(c)
		complain(c.At.String()+": ", err)
	}
	if e.name != "" {
		index, _ := strconv.Atoi(e.host.device.Env.Get("IFINDEX"))
		complain("", d.cfg.rename(index, e.name))
	}
}
