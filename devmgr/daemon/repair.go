package daemon

import (
	"time"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

// repair decides when to compare everything with sysfs again. An overrun is a
// loss for certain. A gap in the sequence often is not: the kernel counts the
// events of other network namespaces too. So a gap gets time to close, and a
// comparison that found nothing makes the next one wait longer.
type repair struct {
	seq     devtree.Sequence
	due     time.Time // zero: nothing to do
	reason  string
	last    time.Time     // when the last comparison ended
	took    time.Duration // how long it took
	useless int           // gaps in a row that were none
	heard   time.Time     // the latest event or overrun
}

const (
	gapTime     = 250 * time.Millisecond // for an event that was overtaken
	overrunTime = 50 * time.Millisecond  // a storm seldom overruns once
	restFactor  = 10                     // at most a tenth of the time is spent comparing
	maxRest     = 30 * time.Second
	quietTime   = 100 * time.Millisecond // without events: a storm is over
)

func (r *repair) note(seq uint64, now time.Time) {
	r.seq.Note(seq)
	r.heard = now
	switch gap := r.seq.Gap(); {
	case gap && r.due.IsZero():
		r.plan("sequence gap", now.Add(gapTime), r.gapRest())
	case !gap && r.reason == "sequence gap":
		r.due, r.reason = time.Time{}, ""
	}
}

func (r *repair) overrun(now time.Time) {
	r.heard = now
	if r.due.IsZero() || r.reason == "sequence gap" {
		r.plan("overrun", now.Add(overrunTime), restFactor*r.took)
	}
}

func (r *repair) plan(reason string, at time.Time, rest time.Duration) {
	if earliest := r.last.Add(min(rest, maxRest)); !r.last.IsZero() && at.Before(earliest) {
		at = earliest
	}
	r.due, r.reason = at, reason
}

// at returns when to compare. What a storm has cost is put right as soon as it
// is over, however short the rest was; else a rest may last half a minute.
func (r *repair) at() time.Time {
	quiet := r.heard.Add(max(quietTime, r.took/2))
	if r.reason == "overrun" && quiet.Before(r.due) {
		return quiet
	}
	return r.due
}

func (r *repair) gapRest() time.Duration {
	return max(restFactor*r.took, time.Second<<min(r.useless, 5))
}

func (r *repair) done(now time.Time, took time.Duration, found bool) {
	if found || r.reason != "sequence gap" {
		r.useless = 0
	} else {
		r.useless++
	}
	r.seq.Forget()
	r.due, r.reason, r.last, r.took = time.Time{}, "", now, took
}

// resync compares everything with sysfs and does every step again: a node
// that was made anew unseen has the kernel's mode.
func (d *daemon) resync() {
	start := d.cfg.clock()
	var added, removed, changed int
	err := d.pipe.Sync(func(s Step) {
		action := uevent.Change
		switch {
		case s.Change.Old == nil:
			added, action = added+1, uevent.Add
		case s.Change.Device == nil:
			removed, action = removed+1, uevent.Remove
		default:
			changed++
		}
		n := news{event: presence(s.Change, action)}
		d.tell(n, d.perform(s, &n))
	})
	if err != nil {
		d.warnf("resync: %v", err)
	}
	d.apply(d.pipe.All())
	d.sweep()
	now, found := d.cfg.clock(), added+removed+changed > 0
	d.stats.resyncs++
	if found || d.repair.reason != "sequence gap" {
		d.warnf("resync after %s: %d added, %d removed, %d changed in %d ms",
			d.repair.reason, added, removed, changed, now.Sub(start).Milliseconds())
	}
	d.repair.done(now, now.Sub(start), found)
}

// presence is the event for a change whose own event was lost, or came before
// our time.
func presence(c devtree.Change, action uevent.Action) uevent.Event {
	dev := c.Device
	if dev == nil {
		dev = c.Old
	}
	return uevent.Event{Action: action, DevPath: dev.DevPath, Subsystem: dev.Subsystem, Env: dev.Env}
}
