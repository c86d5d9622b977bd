package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slashdev/devmgr/devdir"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/uevent"
	"slashdev/devmgr/watch"
)

// loop is the one goroutine that owns everything.
func (d *daemon) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	d.prove(d.cfg.clock())
	defer d.hub.Close()
	defer close(d.stopped)
	for {
		timer.Reset(d.sleep(d.cfg.clock()))
		msgs := d.msgs
		if d.paused {
			msgs = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case m := <-msgs:
			if err := d.takeBatch(m); err != nil {
				return err
			}
		case <-d.modules.poke:
			d.modulesLoaded()
			d.claimed()
		case <-d.programs.poke:
		case m := <-d.asked.answers:
			d.answered(m)
		case devpaths := <-d.touched.closed:
			d.noteTouched(devpaths, d.cfg.clock())
		case f := <-d.inbox:
			f()
		case <-timer.C:
		}
		d.tick(d.cfg.clock())
		d.dir.Flush()
		d.wakeWaiters()
		d.showQueue(d.busy())
		d.announce("")
		d.prove(d.cfg.clock())
	}
}

// do runs f on the loop and waits for it.
func (d *daemon) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case d.inbox <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-d.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errStopped = errors.New("devmgr is stopping")

// takeBatch handles m and what is queued behind it, up to a bound.
func (d *daemon) takeBatch(m message) error {
	for range batch {
		if err := d.take(m); err != nil {
			return err
		}
		select {
		case m = <-d.msgs:
		default:
			return nil
		}
	}
	return d.take(m)
}

func (d *daemon) take(m message) error {
	idle, isIdle := errors.AsType[*uevent.IdleError](m.err)
	switch {
	case isIdle:
		d.passBarriers(idle.Kicks)
	case errors.Is(m.err, uevent.ErrOverrun):
		d.repair.overrun(d.cfg.clock())
	case m.err != nil:
		return m.err
	default:
		d.showQueue(true)
		d.handle(m.event)
	}
	return nil
}

// handle makes one event true: node first, then links, then those who are told.
func (d *daemon) handle(ev uevent.Event) {
	d.repair.note(ev.SeqNum, d.cfg.clock())
	if ev.Subsystem == "module" && ev.Action == uevent.Remove {
		d.modules.forget(ev.DevPath[lastSlash(ev.DevPath)+1:])
	}
	d.refuseFirmware(ev)
	steps, rescan, err := d.pipe.Hint(ev)
	if err != nil {
		d.warnf("event: %v", err)
	}
	if rescan {
		d.repair.overrun(d.cfg.clock())
	}
	if ev.Action == uevent.Move {
		d.udev.moved = movedID(steps)
	}
	n, v := news{event: ev, jobs: d.runs(d.foreign(ev))}, done
	for _, s := range steps {
		v = max(v, d.perform(s, &n))
	}
	d.udev.moved = ""
	d.tell(n, v)
}

func (d *daemon) record(ev uevent.Event) watch.Record {
	r := watch.Record{Time: d.now(), Action: string(ev.Action), DevPath: ev.DevPath, Subsystem: ev.Subsystem}
	if name := ev.Env.Get("DEVNAME"); uevent.CheckName(name) == nil {
		r.Name = name
		r.Node = ev.Env.Get("MAJOR") + ":" + ev.Env.Get("MINOR")
	} else {
		r.Name = ev.DevPath[lastSlash(ev.DevPath)+1:]
	}
	return r
}

func lastSlash(s string) int {
	i := len(s) - 1
	for i >= 0 && s[i] != '/' {
		i--
	}
	return i
}

// verdict is how far a change has come.
type verdict byte

const (
	done verdict = iota
	late         // the node is not there yet; the device is in d.pending
	kept         // it waits for an answer; what is to be told is kept with that
)

// perform does the steps of one change, and adds to n what is to be told of
// it.
func (d *daemon) perform(s Step, n *news) verdict {
	devpath := s.Change.DevPath()
	n.record = d.udev.forget(s.Change)
	if s.Change.Old == nil && s.Change.Device != nil {
		d.modules.want(s.Change.Device.Env.Get("MODALIAS"))
	}
	switch {
	case s.Change.Device == nil:
		delete(d.pending, devpath)
		d.drop(devpath)
	case s.held:
		a := d.asked.holder(devpath)
		a.held = append(a.held, held{devpath, *n})
		return kept
	default:
		n.record, n.present = d.udevRecord(s), true
	}
	complete := d.apply(s.Ops)
	if !complete && d.pending[devpath] == nil {
		d.pending[devpath] = newPending(d.cfg.clock())
	}
	switch {
	case s.ask != nil && s.Change.Device != nil:
		kept := *n
		d.ask(s.ask, &kept)
	case s.ask != nil:
		d.ask(s.ask, nil)
	}
	d.after(s)
	d.show(devpath, s.Change.Device != nil, complete && s.ask == nil)
	n.jobs = append(n.jobs, d.runs(s)...)
	if s.Change.Device == nil || complete && s.ask == nil {
		d.watch(s)
	}
	switch {
	case s.ask != nil && s.Change.Device != nil:
		return kept
	case !complete:
		return late
	}
	return done
}

// tell lets the database and the observers know, once the node is there.
func (d *daemon) tell(n news, v verdict) {
	p := d.pending[n.event.DevPath]
	switch {
	case v == kept:
	case v == late && p != nil:
		p.news = append(p.news, n)
	case d.telling != nil:
		d.telling(n)
		d.act(n)
	default:
		d.publish(n)
	}
}

func (d *daemon) publish(n news) {
	if err := d.udev.tell(n); err != nil {
		d.warnf("%v", err)
	}
	d.hub.Publish(d.record(n.event))
	d.act(n)
}

// apply does ops and says whether the nodes were there.
func (d *daemon) apply(ops []namespace.Op) (complete bool) {
	complete = true
	for _, op := range ops {
		switch err := d.dir.Apply(op); {
		case errors.Is(err, devdir.ErrNoNode):
			complete = false
		case err != nil:
			d.warnf("%v", err)
		}
	}
	return complete
}

// coldplug takes in everything that is present, and says that it is ready.
func (d *daemon) coldplug() error {
	start := time.Now()
	d.modules.wantConfigured()
	d.apply(d.pipe.Fixed())
	d.showFixed()
	tell, wait := d.udev.coldplug(d.warnf)
	d.telling = tell
	err := d.pipe.Sync(func(s Step) {
		n := news{event: presence(s.Change, uevent.Add)}
		d.tell(n, d.perform(s, &n))
		d.takeAnswers(0)
	})
	d.takeAnswers(coldplugTime)
	d.moduleNodes()
	d.staticNodes()
	d.coldModules()
	d.telling = nil
	d.pipe.namer.Settle()
	wait()
	d.forgetOthers()
	d.actCold()
	if err != nil {
		return fmt.Errorf("coldplug: %w", err)
	}
	d.sweep()
	d.dir.Flush()
	d.showQueue(d.busy())
	d.stats.coldplug = time.Since(start)
	nodes, links := d.pipe.space.Len()
	ms := d.stats.coldplug.Milliseconds()
	d.cfg.Logf("coldplug: %d devices, %d nodes, %d links in %d ms", d.pipe.tree.Len(), nodes, links, ms)
	d.becomeReady()
	return nil
}

// sweep removes links that an earlier devmgr left for devices that went while
// it was not there to see it.
func (d *daemon) sweep() {
	for _, dir := range []string{"block", "char", "disk/by-path", "input/by-path", "tape/by-path", "virtio-ports",
		"disk/by-id", "disk/by-uuid", "disk/by-label", "disk/by-partuuid", "disk/by-partlabel", "disk/by-diskseq", "input/by-id",
		"serial/by-id", "serial/by-path", "snd/by-id", "snd/by-path", "v4l/by-id", "v4l/by-path", "dri/by-path", "tape/by-id"} {
		d.sweepDir(dir)
	}
	d.sweepNames()
}

// sweepDir removes the links in one directory that lead nowhere any more.
func (d *daemon) sweepDir(dir string) {
	n := d.dir.Sweep(dir, func(name string) bool {
		_, ok := d.pipe.space.Owner(name)
		return ok
	})
	if n > 0 {
		d.cfg.Logf("%s: removed %d stale links", dir, n)
	}
}

func (d *daemon) warnf(format string, args ...any) {
	if d.warn.allow(time.Now()) {
		d.cfg.Logf(format, args...)
	}
}
