package daemon

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"slashdev/devmgr/actions"
	"slashdev/devmgr/devtree"
	"slashdev/devmgr/monitor"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/naming"
	"slashdev/devmgr/udevdb"
	"slashdev/devmgr/uevent"
)

// news is what is to be told of one event when its steps are done.
type news struct {
	event   uevent.Event
	record  udevdb.Record // of a device that went, what was known of it
	present bool
	jobs    []actions.Job // to be run when everybody has heard of it
	failed  bool          // its rules were given up
}

// sender is where the listeners of libudev are: the kernel's socket, or a test.
type sender interface {
	Send(properties uevent.Env, tags []string) error
	Close() error
}

// udev is what programs see that know udev: its database and its messages.
// Without it the machine has its nodes all the same, so what cannot be opened
// is left out.
type udev struct {
	db     *udevdb.Dir
	sender sender
	seq    uint64 // of the latest event, for news that have none of their own
	fresh  bool   // nobody wrote the database before
	moved  string // id of the device whose path is changing just now: its record stays
}

func openUdev(cfg Config) udev {
	u := udev{sender: cfg.sender, seq: sequence(cfg)}
	var err error
	if u.sender == nil {
		if s, serr := monitor.NewSender(); serr == nil {
			u.sender = s
		} else {
			err = serr
		}
	}
	db, dberr := udevdb.Open(cfg.Udev)
	if dberr == nil {
		u.db, u.fresh = db, db.Fresh()
		dberr = db.SetQueue(true)
	}
	for _, err := range []error{err, dberr} {
		if err != nil {
			cfg.Logf("udev: %v", err)
		}
	}
	return u
}

// sequence returns the number of the latest event of the kernel.
func sequence(cfg Config) uint64 {
	text, _ := os.ReadFile(cfg.Sys + "/kernel/uevent_seqnum")
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return max(n, 1)
}

func (u *udev) close() {
	if u.db != nil {
		u.db.Close()
	}
	if u.sender != nil {
		u.sender.Close()
	}
}

// deviceID returns the id of a device, "" for none.
func deviceID(d *devtree.Device) string {
	if d == nil {
		return ""
	}
	return udevdb.ID(uevent.Event{DevPath: d.DevPath, Subsystem: d.Subsystem, Env: d.Env})
}

// forget takes the device that went, or that has another number now, out of
// the database, and returns what was known of it.
func (u *udev) forget(c devtree.Change) (old udevdb.Record) {
	id := deviceID(c.Old)
	if u.db == nil || id == "" || id == u.moved || id == deviceID(c.Device) {
		return old
	}
	old, _ = u.db.Read(id)
	_ = u.db.Remove(id) // nobody can mend it
	return old
}

// udevRecord is what the database is to say of a device that is there.
func (d *daemon) udevRecord(s Step) udevdb.Record {
	dev, dec := s.Change.Device, s.Decision
	r := udevdb.Record{ID: deviceID(dev), DevName: dev.DevName, Priority: dec.LinkPriority,
		Properties: dec.Properties, CurrentTags: dec.Tags, Persist: dec.Persist}
	for _, e := range d.pipe.space.Entries(dev.DevPath) {
		if ownLink(e, dev) {
			r.Links = append(r.Links, e.Name)
		}
	}
	return r
}

// ownLink is true for a link to the node of a device, but not for those that
// every node has, which no program asks for.
func ownLink(e namespace.Entry, dev *devtree.Device) bool {
	return e.Node == nil && e.Name != "char/"+dev.Number() && e.Name != "block/"+dev.Number() &&
		e.Target == naming.Target(e.Name, dev.DevName)
}

// tell writes the record and sends the message; the message says what a reader
// of the database finds.
func (u *udev) tell(n news) error {
	err := u.put(&n)
	return errors.Join(err, u.send(n))
}

func (u *udev) put(n *news) (err error) {
	if u.db != nil && n.present && n.record.ID != "" {
		n.record, err = u.db.Put(n.record)
	}
	return err
}

// workerFailed are the properties by which listeners know that what rules say
// of a device is not known: its worker took too long.
const workerFailed = "UDEV_WORKER_FAILED=1\x00UDEV_WORKER_ERRNO=110\x00UDEV_WORKER_ERRNO_NAME=ETIMEDOUT\x00"

func (u *udev) send(n news) error {
	if u.sender == nil {
		return nil
	}
	if u.seq = max(u.seq, n.event.SeqNum); n.event.SeqNum == 0 {
		n.event.SeqNum = u.seq
	}
	r := n.record
	if n.failed {
		r.Properties += workerFailed
	}
	return u.sender.Send(monitor.Announce(n.event, monitor.Found{
		Initialized: r.Initialized, Properties: r.Properties, Links: r.Links, Tags: r.Tags, CurrentTags: r.CurrentTags,
	}), r.Tags)
}

// coldplug tells the news that it is sent on a goroutine of its own, so that
// the files of one device are written while the next is looked at. Until wait
// has returned nobody else may use u. What an earlier process has told of is
// not announced again.
func (u *udev) coldplug(warnf func(string, ...any)) (tell func(news), wait func()) {
	queue, done := make(chan []news, 4), make(chan error, 1)
	go func() {
		var first error
		for list := range queue {
			for _, n := range list {
				if err := u.tellCold(n); first == nil {
					first = err
				}
			}
		}
		done <- first
	}()
	var list []news // to wake a goroutine costs more than to tell of a device
	tell = func(n news) {
		if list = append(list, n); len(list) == cap(list) {
			queue <- list
			list = make([]news, 0, batch/4)
		}
	}
	return tell, func() {
		queue <- list
		close(queue)
		if err := <-done; err != nil {
			warnf("%v", err)
		}
	}
}

func (u *udev) tellCold(n news) error {
	known := u.knows(n.record.ID)
	err := u.put(&n)
	if !known {
		err = errors.Join(err, u.send(n))
	}
	return err
}

func (u *udev) knows(id string) bool { return u.db != nil && !u.fresh && u.db.Knows(id) }

// forgetOthers takes devices out of the database that went while nobody was
// there to see it. Those that still wait for an answer or a node stay.
func (d *daemon) forgetOthers() {
	if d.udev.db == nil || d.udev.fresh {
		return
	}
	for _, dev := range d.pipe.tree.All() {
		d.udev.db.Keep(deviceID(dev))
	}
	d.udev.db.Sweep()
}

// movedID returns the id that a device keeps whose path changes.
func movedID(steps []Step) string {
	if len(steps) != 2 || steps[0].Change.Device != nil {
		return ""
	}
	if id := deviceID(steps[1].Change.Device); id == deviceID(steps[0].Change.Old) {
		return id
	}
	return ""
}

// busy says whether an event waits, as far as it can be seen from here.
func (d *daemon) busy() bool {
	return len(d.msgs) > 0 || len(d.pending) > 0 || len(d.asked.all) > 0 ||
		!d.repair.due.IsZero() || d.kicked != 0 || !d.modules.idle() || !d.programs.Idle()
}

func (d *daemon) showQueue(busy bool) {
	if d.udev.db == nil {
		return
	}
	if err := d.udev.db.SetQueue(busy); err != nil {
		d.warnf("%v", err)
	}
}
