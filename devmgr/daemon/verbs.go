package daemon

import (
	"context"
	"os"
	"strconv"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
	"slashdev/devmgr/watch"
)

func (d *daemon) status(r *request) error {
	if len(r.args) > 0 || r.only() != nil {
		return errUsage
	}
	var pairs []string
	err := d.do(r.ctx, func() {
		nodes, links := d.pipe.space.Len()
		s := d.src.Stats()
		n := func(key string, value uint64) { pairs = append(pairs, key, strconv.FormatUint(value, 10)) }
		n("devices", uint64(d.pipe.tree.Len()))
		n("nodes", uint64(nodes))
		n("links", uint64(links))
		n("coldplug_ms", uint64(d.stats.coldplug.Milliseconds()))
		n("events", s.Events)
		n("forged", s.Forged)
		n("malformed", s.Malformed)
		n("overruns", s.Overruns)
		loaded, failed := d.modules.counts()
		n("modules", uint64(loaded))
		n("modules_failed", uint64(failed))
		n("resyncs", uint64(d.stats.resyncs))
		n("pending", uint64(len(d.pending)))
		n("waiting", uint64(len(d.waiters)))
		jobs := d.programs.Status()
		n("programs_done", jobs.Done)
		n("programs_failed", jobs.Failed)
		n("programs_timed_out", jobs.TimedOut)
		n("programs_left_over", jobs.LeftOver)
		n("programs_running", uint64(jobs.Running))
		n("programs_waiting", uint64(jobs.Waiting))
	})
	if err != nil {
		return err
	}
	return r.w.Record(pairs...)
}

func (d *daemon) ls(r *request) error {
	if len(r.args) > 0 || r.only() != nil {
		return errUsage
	}
	rows, err := d.snapshot(r.ctx)
	if err != nil {
		return err
	}
	f := newFormatter(d.sys, rows)
	for _, row := range rows {
		if err := r.w.Record(f.pairs(row)...); err != nil {
			return err
		}
	}
	return nil
}

// find returns the device that a request is about, among all.
func (d *daemon) find(r *request) (*formatter, row, error) {
	rows, err := d.snapshot(r.ctx)
	if err != nil {
		return nil, row{}, err
	}
	f := newFormatter(d.sys, rows)
	found, err := d.named(r, f, r.args[0])
	return f, found, err
}

func (d *daemon) info(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	f, row, err := d.find(r)
	if err != nil {
		return err
	}
	r.w.Record(append(f.pairs(row), "rule", d.reason(row),
		"modules", d.modules.said(row.device.Env.Get("MODALIAS")))...)
	for key, value := range row.device.Env.All() {
		r.w.Record("property", key, "value", value)
	}
	if row.memory != nil {
		for _, p := range row.memory.stored {
			r.w.Record("property", p.Key, "value", p.Value)
		}
	}
	for _, j := range d.programs.jobsDone(row.device.DevPath) {
		r.w.Record("program", j.Argv[0], "failure", j.Failure, "line", j.Line, "ms", strconv.FormatInt(j.Took.Milliseconds(), 10))
	}
	for p := f.parent(row.device); p != nil; p = f.parent(p) {
		r.w.Record("parent", p.DevPath, "subsystem", p.Subsystem, "driver", p.Env.Get("DRIVER"))
	}
	return nil
}

// reason decides once more: the decision itself is not kept.
func (d *daemon) reason(r row) string {
	switch {
	case !r.device.HasNode():
		return ""
	case r.memory != nil && r.memory.perms != nil:
		return r.memory.perms.Reason
	}
	return r.policy.base(d.sys, r.device).Reason
}

// monitor streams records. The first says that the subscription has begun, so
// that a client knows what it can no longer miss.
func (d *daemon) monitor(r *request) error {
	if len(r.args) > 0 || r.only() != nil {
		return errUsage
	}
	sub := d.hub.Subscribe(0)
	defer sub.Close()
	r.w.Record("listening", "1")
	for {
		if err := r.w.Flush(); err != nil {
			return err
		}
		rec, err := sub.Next(r.ctx)
		if err == watch.ErrClosed || r.ctx.Err() != nil {
			return nil
		}
		if rec.Missed > 0 {
			r.w.Record("missed", strconv.Itoa(rec.Missed))
			continue
		}
		r.w.Record(eventPairs(rec)...)
	}
}

const (
	defaultSettle = 120 * time.Second
	maxSettle     = 24 * time.Hour
)

func (d *daemon) settleVerb(r *request) error {
	limit := defaultSettle
	if text, ok := r.option("timeout"); ok {
		s, err := strconv.ParseFloat(text, 64)
		if err != nil || !(s >= 0 && s <= maxSettle.Seconds()) {
			return errUsage
		}
		limit = time.Duration(s * float64(time.Second))
	}
	_, gone := r.option("gone")
	if len(r.args) > 1 || gone && len(r.args) == 0 || r.only("timeout", "gone") != nil {
		return errUsage
	}
	ctx, cancel := context.WithTimeout(r.ctx, limit)
	defer cancel()
	if err := d.settle(ctx); err != nil {
		return deadline(err, "events are still being applied", limit)
	}
	if len(r.args) == 0 {
		return deadline(d.programs.Wait(ctx), "programs that rules started still run", limit)
	}
	name, what := devName(r.args[0]), "has not appeared"
	if uevent.CheckName(name) != nil {
		return ctl.Errorf(ctl.Usage, "%q is not a name below /dev", r.args[0])
	}
	if gone {
		what = "is still there"
	}
	return deadline(d.waitName(ctx, name, gone), name+" "+what, limit)
}

// trigger asks the kernel to announce devices again.
func (d *daemon) trigger(r *request) error {
	action := string(uevent.Change)
	if len(r.args) > 0 && isAction(r.args[0]) {
		action, r.args = r.args[0], r.args[1:]
	}
	if r.only("subsystem") != nil {
		return errUsage
	}
	rows, err := d.snapshot(r.ctx)
	if err != nil {
		return err
	}
	chosen, err := d.choose(newFormatter(d.sys, rows), rows, r)
	if err != nil {
		return err
	}
	sent := 0
	for _, dev := range chosen {
		// A device may have gone since; its remove event says so.
		if os.WriteFile(d.cfg.Sys+dev.DevPath+"/uevent", []byte(action), 0) == nil {
			sent++
		}
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
	}
	return r.w.Record("triggered", strconv.Itoa(sent))
}

func isAction(word string) bool {
	switch uevent.Action(word) {
	case uevent.Add, uevent.Remove, uevent.Change, uevent.Move, uevent.Online, uevent.Offline, uevent.Bind, uevent.Unbind:
		return true
	}
	return false
}

// choose returns the devices that are named, or else all, of the subsystems
// that are named, or else of all.
func (d *daemon) choose(f *formatter, rows []row, r *request) ([]*devtree.Device, error) {
	var chosen []*devtree.Device
	for _, name := range r.args {
		row, err := d.named(r, f, name)
		if ctl.ExitCode(err) == ctl.NotFound {
			return nil, ctl.Errorf(ctl.NotFound, "no device %q, and it is no action", name)
		}
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, row.device)
	}
	if len(r.args) == 0 {
		for _, row := range rows {
			chosen = append(chosen, row.device)
		}
	}
	return inSubsystems(chosen, r.options["subsystem"]), nil
}

func inSubsystems(devices []*devtree.Device, names []string) []*devtree.Device {
	if len(names) == 0 {
		return devices
	}
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	var kept []*devtree.Device
	for _, d := range devices {
		if wanted[d.Subsystem] {
			kept = append(kept, d)
		}
	}
	return kept
}
