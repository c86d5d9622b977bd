package daemon

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"slashdev/devmgr/devdir"
	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// touched are nodes that rules want watched. When a program that wrote to one
// closes it, the kernel is asked to announce the device, so that the rules see
// what is on it now. Only the loop touches it.
type touched struct {
	watcher *devdir.Watcher      // nil: none is to be had
	closed  chan []string        // devpaths, from a goroutine that reads
	due     map[string]time.Time // when they are to be announced
}

// touchTime joins what a program does in many steps.
const touchTime = 20 * time.Millisecond

func newTouched(cfg Config) touched {
	t := touched{closed: make(chan []string), due: map[string]time.Time{}}
	var err error
	if t.watcher, err = devdir.NewWatcher(); err != nil {
		cfg.Logf("%v", err)
	}
	return t
}

// read hands what the watcher says to the loop, until ctx ends.
func (t *touched) read(ctx context.Context) {
	if t.watcher == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { t.watcher.Close() })
	defer stop()
	for {
		keys, err := t.watcher.Next()
		if err != nil {
			return
		}
		select {
		case t.closed <- keys:
		case <-ctx.Done():
		}
	}
}

// watch begins or ends the watch of a device's node.
func (d *daemon) watch(s Step) {
	w, dev := d.touched.watcher, s.Change.Device
	switch {
	case w == nil:
	case dev == nil || !s.Watch || !dev.HasNode():
		w.Remove(s.Change.DevPath())
	case s.Change.Old != nil && s.Change.Old.Env == dev.Env && w.Has(dev.DevPath): // nothing has changed
	default:
		if err := w.Add(d.dir, dev.DevName, dev.DevPath); err != nil {
			d.warnf("%v", err)
		}
	}
}

// noteTouched plans the announcement of devices.
func (d *daemon) noteTouched(devpaths []string, now time.Time) {
	for _, devpath := range devpaths {
		if d.touched.due[devpath].IsZero() {
			d.touched.due[devpath] = now.Add(touchTime)
		}
	}
}

// announceTouched asks the kernel to announce those that are due.
func (d *daemon) announceTouched(now time.Time) {
	for devpath, due := range d.touched.due {
		if now.Before(due) {
			continue
		}
		delete(d.touched.due, devpath)
		if dev := d.pipe.tree.Get(devpath); dev != nil {
			d.effect(Step{Change: devtree.Change{Device: dev}}, effects{touched: true})
		}
	}
}

// announce asks the kernel to announce a node that was written to. Of a whole
// disk the partition table may be another one now: the kernel reads it and
// announces the partitions; where it does not, they are announced as they are.
func (h *host) announce(reread func(node string) error) error {
	devpaths := []string{h.device.DevPath}
	if h.device.DevType() == "disk" && !strings.HasPrefix(h.device.DevName, "dm-") {
		if err := reread(h.place("/dev/" + h.device.DevName)); err != nil {
			devpaths = append(devpaths, h.partitions()...)
		}
	}
	var errs []error
	for _, p := range devpaths {
		err := h.write(udevrules.Write{Path: "/sys" + p + "/uevent", Value: string(uevent.Change)})
		if !errors.Is(err, fs.ErrNotExist) { // it went
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// partitions returns those of a disk.
func (h *host) partitions() (devpaths []string) {
	entries, _ := fs.ReadDir(h.sys.Tree(), h.device.DevPath[1:])
	for _, e := range entries {
		devpath := h.device.DevPath + "/" + e.Name()
		if _, ok := h.Attr(devpath, "partition"); ok && e.IsDir() {
			devpaths = append(devpaths, devpath)
		}
	}
	return devpaths
}
