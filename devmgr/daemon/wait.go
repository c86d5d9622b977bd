package daemon

import (
	"context"
	"time"

	"slashdev/devmgr/ctl"
)

// waiter waits for the queue to be applied (barrier) or for a name to appear
// or vanish. done is closed by the loop.
type waiter struct {
	barrier uint64 // not 0: the kick that must have been answered
	after   uint64 // not 0: the inquiry up to which all must have been answered
	name    string
	gone    bool
	done    chan struct{}
	then    func() // if not nil: what the loop does then
}

// settle waits until every event that the kernel had sent when it was called
// has been applied, including what a lost one makes necessary.
func (d *daemon) settle(ctx context.Context) error {
	w := &waiter{done: make(chan struct{})}
	return d.wait(ctx, w, func() { w.barrier = d.src.Kick() })
}

// waitName waits until name is below /dev, or with gone until it is not.
func (d *daemon) waitName(ctx context.Context, name string, gone bool) error {
	w := &waiter{name: name, gone: gone, done: make(chan struct{})}
	return d.wait(ctx, w, func() {})
}

func (d *daemon) wait(ctx context.Context, w *waiter, start func()) error {
	err := d.do(ctx, func() {
		start()
		d.waiters[w] = struct{}{}
	})
	if err != nil {
		return err
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		_ = d.do(context.WithoutCancel(ctx), func() { delete(d.waiters, w) })
		return ctx.Err()
	}
}

// passBarriers answers those who wait for kicks up to n. A loss that is known
// is repaired first. While modules are being loaded nobody is answered: there
// will be another kick when that is over.
func (d *daemon) passBarriers(n uint64) {
	if d.kicked <= n {
		d.kicked = 0
	}
	if !d.modules.idle() || n < d.moduleKick {
		return
	}
	for w := range d.waiters {
		if w.barrier == 0 || w.barrier > n {
			continue
		}
		if !d.repair.due.IsZero() {
			d.resync()
		}
		w.barrier, w.after = 0, d.asked.number+1
		d.wake(w)
	}
}

// wakeWaiters looks after every batch whether a name has come or gone. There
// are never more waiters than clients.
func (d *daemon) wakeWaiters() {
	for w := range d.waiters {
		d.wake(w)
	}
}

func (d *daemon) wake(w *waiter) {
	switch _, there := d.owner(w.name); {
	case w.after > 0 && d.asked.oldest() >= w.after:
		d.finish(w)
	case w.name != "" && there != w.gone:
		d.finish(w)
	}
}

func (d *daemon) finish(w *waiter) {
	delete(d.waiters, w)
	close(w.done)
	if w.then != nil {
		w.then()
	}
}

// owner returns the device that has a name, once its node is there.
func (d *daemon) owner(name string) (devpath string, ok bool) {
	devpath, ok = d.pipe.space.Owner(name)
	return devpath, ok && d.pending[devpath] == nil
}

// deadline says what a wait that ended early means to the client.
func deadline(err error, what string, limit time.Duration) error {
	if err == context.DeadlineExceeded {
		return ctl.Errorf(ctl.Timeout, "timeout: %s after %s", what, limit)
	}
	return err
}
