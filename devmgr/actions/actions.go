// Package actions runs the programs that rules ask for, as workers beside the
// event path.
//
// Jobs of one device run one after the other in the order in which they came,
// and so do those of a device and of one that it is plugged into; all others
// run side by side, up to a bound. No job is lost when its device goes: the
// jobs of the removal wait until those before them have ended or been killed,
// as with udev. A job has a control group of its own; at its deadline, and
// when its program has ended, whatever is left in the group is killed. There
// is no shell anywhere: a job is an argv.
//
// Jobs belong to the process that started them. When devmgr ends, it kills
// those that run; one that was killed itself leaves them to the next, whose
// New kills them before any job is started. Rules are applied to all devices
// anew then, so what was cut off is asked for again.
package actions

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Job is one program to be run for a device.
type Job struct {
	DevPath string
	Argv    []string
	Env     []string
	Timeout time.Duration // 0 means 180 seconds
	Line    string        // file:line of the rule that asked for it
}

// Config is how a Runner runs jobs. The zero value is right on the appliance.
type Config struct {
	Group    string   // folder for the control groups of jobs; "" finds one, "-" uses none
	Dirs     []string // where programs without an absolute name are; nil means udev's two
	Parallel int      // 0 means two for each processor, and four
	Idle     func()   // called when nothing is left to be run; it must not call back
	Logf     func(format string, args ...any)
}

// The bounds.
const (
	defaultTimeout = 180 * time.Second
	maxQueue       = 1 << 16 // jobs that wait
	paceWindow     = 10 * time.Second
	paceJobs       = 50 // of one device in that time; more wait
)

// Runner runs jobs.
type Runner struct {
	cfg    Config
	groups *groups
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	order   order
	ready   []*task // in the order in which they became so
	paces   map[string]*pace
	running int
	tasks   map[*task]struct{} // not ended yet
	waiters map[*waiter]struct{}
	status  Status
	results []Result // the last ones, a ring
}

// New returns a Runner that takes jobs at once. Close must be called.
func New(cfg Config) *Runner {
	if cfg.Dirs == nil {
		cfg.Dirs = []string{"/usr/lib/udev", "/lib/udev"}
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = 4 + 2*runtime.NumCPU()
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	r := &Runner{cfg: cfg, order: newOrder(), paces: map[string]*pace{}, tasks: map[*task]struct{}{}, waiters: map[*waiter]struct{}{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.groups = openGroups(cfg.Group, cfg.Logf)
	return r
}

// Close kills what runs, forgets what waits, and returns when nothing is left.
func (r *Runner) Close() {
	r.cancel()
	r.mu.Lock()
	r.ready = nil
	r.mu.Unlock()
	r.wg.Wait()
	r.groups.close()
}

// task is a job on its way.
type task struct {
	Job
	blockers int     // tasks that must end first
	next     []*task // tasks that wait for this one
}

// Add takes jobs, in order. It does not block; past a bound that only a fault
// reaches, jobs are dropped and counted.
func (r *Runner) Add(jobs ...Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range jobs {
		if len(r.tasks) >= maxQueue {
			if r.status.Dropped++; r.status.Dropped == 1 {
				r.cfg.Logf("actions: more than %d jobs wait: dropped %s for %s", maxQueue, j.program(), j.DevPath)
			}
			continue
		}
		t := &task{Job: j}
		r.tasks[t] = struct{}{}
		if r.order.add(t); t.blockers == 0 {
			r.ready = append(r.ready, t)
		}
	}
	r.dispatch()
}

// dispatch starts what may start. The lock is held.
func (r *Runner) dispatch() {
	for r.running < r.cfg.Parallel && len(r.ready) > 0 && r.ctx.Err() == nil {
		t := r.ready[0]
		r.ready = r.ready[1:]
		if wait := r.pace(t.DevPath, time.Now()); wait > 0 {
			r.wg.Go(func() { r.later(t, wait) })
			continue
		}
		r.running++
		r.wg.Go(func() { r.work(t) })
	}
}

// pace counts how many jobs of a device have been started lately.
type pace struct {
	since  time.Time
	jobs   int
	warned bool
}

// pace says how long a job must wait because its device has had too many: a
// program that causes the event that it is run for would never rest (C-04).
func (r *Runner) pace(devpath string, now time.Time) time.Duration {
	p := r.paces[devpath]
	if p == nil || now.Sub(p.since) >= paceWindow {
		if len(r.paces) >= maxQueue {
			clear(r.paces)
		}
		p = &pace{since: now}
		r.paces[devpath] = p
	}
	if p.jobs++; p.jobs <= paceJobs {
		return 0
	}
	r.status.Slowed++
	if !p.warned {
		p.warned = true
		r.cfg.Logf("actions: %s: %d jobs in %s: slowed down; does one cause the event that it is run for?", devpath, paceJobs, paceWindow)
	}
	return paceWindow - now.Sub(p.since)
}

// later puts a task back in front of what waits.
func (r *Runner) later(t *task, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-r.ctx.Done():
		return
	case <-timer.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = append([]*task{t}, r.ready...)
	r.dispatch()
}

func (r *Runner) work(t *task) {
	result := r.run(t.Job)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	r.note(result)
	delete(r.tasks, t)
	r.ready = append(r.ready, r.order.remove(t)...)
	for w := range r.waiters {
		w.done(t)
	}
	if r.dispatch(); len(r.tasks) == 0 && r.cfg.Idle != nil {
		r.cfg.Idle()
	}
}

// Idle says whether nothing runs or waits.
func (r *Runner) Idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tasks) == 0
}

// waiter waits for the tasks that were there when it came.
type waiter struct {
	tasks map[*task]struct{}
	ended chan struct{}
}

func (w *waiter) done(t *task) {
	if _, ok := w.tasks[t]; ok {
		if delete(w.tasks, t); len(w.tasks) == 0 {
			close(w.ended)
		}
	}
}

// Wait returns when all jobs that were added before have ended, or with an
// error when ctx or the Runner ends.
func (r *Runner) Wait(ctx context.Context) error {
	w := &waiter{tasks: map[*task]struct{}{}, ended: make(chan struct{})}
	r.mu.Lock()
	for t := range r.tasks {
		w.tasks[t] = struct{}{}
	}
	if len(w.tasks) == 0 {
		r.mu.Unlock()
		return nil
	}
	r.waiters[w] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.waiters, w)
	}()
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return errClosed
	}
}

var errClosed = errors.New("the device manager is stopping")

func (j Job) program() string {
	if len(j.Argv) == 0 {
		return "nothing"
	}
	return j.Argv[0]
}

// name is how a job is called in the log: what, and for which device.
func (j Job) name() string {
	return fmt.Sprintf("%s: %s", printable(path.Base(j.DevPath)), printable(path.Base(j.program())))
}

// printable keeps what a device or program says from steering a terminal.
func printable(s string) string {
	var b strings.Builder
	for _, c := range []byte(s[:min(len(s), maxLine)]) {
		if c < ' ' && c != '\t' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return strings.ToValidUTF8(b.String(), "?")
}
