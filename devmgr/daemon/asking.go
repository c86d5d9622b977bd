package daemon

import (
	"context"
	"slices"
	"time"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
)

// asking is a device whose rules have to wait for an answer: of a disk, of a
// program. It is decided by a worker; what comes after it, for the device
// itself and for those below it, is held until the answer is there.
type asking struct {
	inquiry *inquiry
	number  uint64 // they are counted
	cancel  context.CancelFunc
	until   time.Time // zero: no worker has taken it up yet
	news    *news     // that waits for the answer; nil for a device that went
	held    []held
	stuck   bool      // its worker is late
	locked  time.Time // not zero: since when its disk was found locked
	again   time.Time // when it is tried again
}

// held is a change that waits for another one.
type held struct {
	devpath string
	news    news
}

// answer is what a worker found out.
type answer struct {
	asking *asking
	result udevrules.Result
}

const (
	maxAsking = 8                // workers at a time
	askTime   = 60 * time.Second // for all that the rules of one device ask
	maxStuck  = 64               // workers that have not come back in time
)

// askers is the state of all that is asked. Only the loop touches it.
type askers struct {
	all     map[string]*asking // by devpath
	order   []*asking          // all that are asked, and some that no longer are
	queue   []*asking          // that wait for a worker
	parked  []*asking          // that wait for a disk
	number  uint64
	running int
	stuck   int
	check   time.Time // when to look for workers that are late
	answers chan answer
}

func newAskers() askers {
	return askers{all: map[string]*asking{}, answers: make(chan answer, maxAsking+maxStuck)}
}

// holder returns what a device has to wait for: itself, or one above it.
func (s *askers) holder(devpath string) *asking {
	for ; devpath != "" && len(s.all) > 0; devpath = parentPath(devpath) {
		if x := s.all[devpath]; x != nil {
			return x
		}
	}
	return nil
}

// oldest returns the number of the first that is not answered yet.
func (s *askers) oldest() uint64 {
	for len(s.order) > 0 {
		if x := s.order[0]; s.all[x.inquiry.device.DevPath] == x {
			return x.number
		}
		s.order = s.order[1:]
	}
	return s.number + 1
}

// ask has a decision made elsewhere.
func (d *daemon) ask(q *inquiry, n *news) {
	s := &d.asked
	s.number++
	a := &asking{inquiry: q, number: s.number, cancel: func() {}, news: n}
	s.all[q.device.DevPath] = a
	s.queue, s.order = append(s.queue, a), append(s.order, a)
	d.startAsking()
}

// startAsking starts as many workers as may run. Each sends one answer, for
// which there is room, so that a worker that comes back late hurts nobody.
func (d *daemon) startAsking() {
	s := &d.asked
	for len(s.queue) > 0 && s.running < maxAsking {
		a := s.queue[0]
		s.queue = s.queue[1:]
		if s.all[a.inquiry.device.DevPath] != a {
			continue // it went meanwhile
		}
		s.running++
		now := d.cfg.clock()
		a.until = now.Add(askTime)
		a.inquiry.host.ctx, a.cancel = context.WithTimeout(context.Background(), askTime)
		a.inquiry.host.earnest = true
		a.inquiry.host.patient = a.locked.IsZero() || now.Before(a.locked.Add(lockTime))
		policy := a.inquiry.host.policy
		go func() { s.answers <- answer{a, policy.decide(a.inquiry.device, a.inquiry.host)} }()
	}
}

// answered takes an answer in.
func (d *daemon) answered(m answer) {
	a := m.asking
	a.cancel()
	if a.stuck {
		d.asked.stuck--
	} else {
		d.asked.running--
	}
	if d.asked.all[a.inquiry.device.DevPath] == a { // else it went, or took too long
		if m.result.Later {
			d.asked.park(a, d.cfg.clock())
		} else {
			d.conclude(a, &m.result)
		}
	}
	d.startAsking()
}

// park puts a device aside whose disk is locked, and frees its worker.
func (s *askers) park(a *asking, now time.Time) {
	if a.locked.IsZero() {
		a.locked = now
	}
	a.until, a.again = time.Time{}, now.Add(lockPause)
	s.parked = append(s.parked, a)
}

// tryAgain asks those whose disk may be free now.
func (d *daemon) tryAgain(now time.Time) {
	s := &d.asked
	s.parked = slices.DeleteFunc(s.parked, func(a *asking) bool {
		due := !now.Before(a.again)
		if due {
			s.queue = append(s.queue, a)
		}
		return due
	})
	d.startAsking()
}

// coldplugTime is how long the start waits for answers: of a disk that does
// not answer nothing may depend.
const coldplugTime = 10 * time.Second

// takeAnswers takes those that are there, and waits for the others for a time.
func (d *daemon) takeAnswers(limit time.Duration) {
	if len(d.asked.all) == 0 {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for len(d.asked.all) > 0 {
		select {
		case m := <-d.asked.answers:
			d.answered(m)
			continue
		default:
		}
		if limit == 0 {
			return
		}
		select {
		case m := <-d.asked.answers:
			d.answered(m)
		case <-timer.C:
			return
		}
	}
}

// conclude does what follows from an answer, and what has waited for it.
func (d *daemon) conclude(a *asking, res *udevrules.Result) {
	q := a.inquiry
	delete(d.asked.all, q.device.DevPath)
	switch now := d.pipe.tree.Get(q.device.DevPath); {
	case a.news == nil:
		s := Step{Change: q.change, Runs: res.Runs, Env: res.Env, Writes: res.Writes, Faults: res.Faults}
		d.after(s)
		d.programs.Add(d.runs(s)...)
	case now != nil:
		q.change.Device = now
		verdict := d.perform(d.pipe.answered(q, res), a.news)
		d.tell(*a.news, verdict)
	}
	d.release(a)
}

// release does what was held, in order; some of it may be held again.
func (d *daemon) release(a *asking) {
	for _, h := range a.held {
		now := d.pipe.tree.Get(h.devpath)
		if now == nil {
			continue // it went
		}
		verdict := d.perform(d.pipe.step(devtree.Change{Old: now, Device: now}, h.news.event), &h.news)
		d.tell(h.news, verdict)
	}
}

// drop forgets what was asked about a device that went.
func (d *daemon) drop(devpath string) {
	if a := d.asked.all[devpath]; a != nil {
		a.cancel()
		delete(d.asked.all, devpath)
		d.release(a)
	}
}

// overdue gives up on answers that do not come: the device gets what it would
// get without rules.
func (d *daemon) overdue(now time.Time) {
	if len(d.asked.all) == 0 || now.Before(d.asked.check) {
		return
	}
	d.asked.check = now.Add(time.Second)
	for devpath, a := range d.asked.all {
		if a.until.IsZero() || now.Before(a.until.Add(time.Second)) || d.asked.stuck >= maxStuck {
			continue
		}
		d.warnf("%s: no answer to its rules in %s", devpath, askTime)
		a.stuck = true
		d.asked.running--
		d.asked.stuck++
		if a.news != nil {
			a.news.failed = true
		}
		d.conclude(a, &udevrules.Result{})
		d.startAsking()
	}
}

// maxFaults is how many faults of rules are remembered as told.
const maxFaults = 1000

// tellFaults logs what went wrong, each fault once: a group that is missing is
// missing for all devices. dev why tells it again.
func (d *daemon) tellFaults(s Step) {
	told := d.pipe.policy.told
	for _, f := range s.Faults {
		if told[f] || len(told) >= maxFaults {
			continue
		}
		told[f] = true
		d.warnf("%s: %s: %s", s.Change.DevPath(), f.Position, f.Text)
	}
}
