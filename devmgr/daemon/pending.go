package daemon

import "time"

// pending is a device whose node was not there when its event was handled.
// The kernel makes the node first, so this is rare; it is tried again with
// growing pauses, and observers wait for the result.
type pending struct {
	since time.Time
	next  time.Time
	pause time.Duration
	news  []news
}

const (
	firstPause = 10 * time.Millisecond
	giveUpTime = 10 * time.Second
)

func newPending(now time.Time) *pending {
	return &pending{since: now, next: now.Add(firstPause), pause: firstPause}
}

// tick does what has become due.
func (d *daemon) tick(now time.Time) {
	if !d.repair.due.IsZero() && !now.Before(d.repair.at()) {
		d.resync()
	}
	if !d.readyBy.IsZero() && !now.Before(d.readyBy) {
		d.beReady()
	}
	d.overdue(now)
	d.tryAgain(now)
	d.saveNumbers(now)
	d.announceTouched(now)
	for devpath, p := range d.pending {
		if !now.Before(p.next) {
			d.retry(devpath, p, now)
		}
	}
}

func (d *daemon) retry(devpath string, p *pending, now time.Time) {
	complete := d.apply(d.pipe.Again(devpath))
	if !complete && now.Sub(p.since) < giveUpTime {
		p.pause *= 2
		p.next = now.Add(p.pause)
		return
	}
	if !complete {
		d.warnf("%s: its node has not appeared in %s", devpath, giveUpTime)
	}
	delete(d.pending, devpath)
	d.show(devpath, true, complete)
	for _, n := range p.news {
		d.publish(n)
	}
}

// sleep returns how long the loop may wait for something to happen.
func (d *daemon) sleep(now time.Time) time.Duration {
	until := time.Hour
	if d.cfg.Watchdog > 0 {
		until = d.nextProof.Sub(now)
	}
	if !d.repair.due.IsZero() {
		until = min(until, d.repair.at().Sub(now))
	}
	if !d.readyBy.IsZero() {
		until = min(until, d.readyBy.Sub(now))
	}
	if !d.numbersDue.IsZero() {
		until = min(until, d.numbersDue.Sub(now))
	}
	for _, due := range d.touched.due {
		until = min(until, due.Sub(now))
	}
	for _, a := range d.asked.parked {
		until = min(until, a.again.Sub(now))
	}
	if len(d.asked.all) > 0 {
		until = min(until, time.Second)
	}
	for _, p := range d.pending {
		until = min(until, p.next.Sub(now))
	}
	return max(until, 0)
}

// limiter keeps a storm of one fault from filling the log.
type limiter struct {
	start time.Time
	count int
}

const (
	warnWindow = 10 * time.Second
	maxWarn    = 50
)

func (l *limiter) allow(now time.Time) bool {
	if now.Sub(l.start) > warnWindow {
		l.start, l.count = now, 0
	}
	l.count++
	return l.count <= maxWarn
}
