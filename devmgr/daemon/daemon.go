// Package daemon wires source, tree, policy, directory and observers in one
// loop.
//
// The loop owns the store. Everything that wants to know or change something
// reaches it as an event, or as a function in its inbox. The order is: open
// the socket, then scan; so what changes during the scan is queued and nothing
// is missed. Coldplug and hotplug take the same path, and a lost event (an
// overrun, a gap in the sequence) is repaired by comparing everything with
// sysfs again. For each device the node has its owner and mode before its
// links lead to it; then the database of udev says what is known of it, then
// the listeners of libudev hear of it, and our own observers last. When it
// goes, the database forgets it before its links go.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"slashdev/devmgr/bootwords"
	"slashdev/devmgr/devdir"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/netname"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
	"slashdev/devmgr/watch"
	"slashdev/drivers/ask"
	"slashdev/drivers/kmod"
)

// Config says what to serve. The zero value is right on the appliance.
type Config struct {
	Sys        string        // sysfs; "" means /sys
	Dev        string        // the devtmpfs to work in; "" means /devices
	Run        string        // where the sockets are; "" means /run/slashdev
	Udev       string        // where programs that use libudev look; "" means /run/udev
	GroupFile  string        // "" means /etc/group; passwd lies beside it
	Root       string        // where the directories of rules are; "" means /
	Notify     string        // socket of the supervisor, see sd_notify; "" means none
	Announce   []string      // names that the supervisor is told of when they come and go
	Watchdog   time.Duration // the supervisor ends a loop that is silent for so long; 0: it does not
	ReceiveBuf int           // of the uevent socket, in bytes; 0 means 64 MiB
	Modules    string        // root of the system whose kernel modules are loaded; "" means that none are
	JobGroup   string        // folder of control groups for what rules run; "" finds one, "-" uses none
	Devfs      bootwords.Options
	Logf       func(format string, args ...any)

	kernel kmod.Kernel                        // tests: what takes modules instead of the kernel
	rename func(index int, name string) error // tests: instead of the kernel
	set    func(index int, s netname.Settings) error
	reread func(node string) error            // tests: instead of the kernel
	driver func(name string) (string, error)  // tests: instead of the kernel
	node   func(devname string) (node, error) // tests: instead of nodes
	tools  map[string]tool                    // tests: instead of the table
	source source                             // tests: instead of the kernel
	clock  func() time.Time                   // tests: instead of time.Now; for what is only done after a time
	sender sender                             // tests: instead of the kernel's socket
}

func (c Config) withDefaults() Config {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&c.Sys, "/sys")
	set(&c.Dev, "/devices")
	set(&c.Run, "/run/slashdev")
	set(&c.Udev, "/run/udev")
	set(&c.GroupFile, "/etc/group")
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.rename == nil {
		c.rename = netname.Rename
	}
	if c.reread == nil {
		c.reread = devdir.Reread
	}
	if c.set == nil {
		c.set = netname.Set
	}
	if c.driver == nil {
		c.driver = ask.Driver
	}
	if c.Logf == nil {
		c.Logf = func(string, ...any) {}
	}
	return c
}

// source is where events come from: the kernel's socket, or a test.
type source interface {
	Next() (uevent.Event, error)
	Kick() uint64
	Stats() uevent.Stats
	Close() error
}

// daemon is the state of the loop; only its goroutine touches it.
type daemon struct {
	cfg        Config
	sys        sysfs.FS
	pipe       *Pipeline
	dir        *devdir.Dir
	src        source
	udev       udev
	hub        watch.Hub
	inbox      chan func()
	stopped    chan struct{} // closed when the loop has ended
	msgs       chan message
	pending    map[string]*pending
	asked      askers
	effects    chan effects
	pace       pace
	touched    touched
	telling    func(news) // while coldplug lasts
	repair     repair
	back       back
	views      views
	modules    *modules
	programs   *programs
	moduleKick uint64    // what modules brought has been applied when this is answered
	readyBy    time.Time // not zero: when READY is said even if modules are still being loaded
	waiters    map[*waiter]struct{}
	paused     bool            // events are left alone
	stop       func()          // ends the loop
	kicked     uint64          // until this kick has been answered, events may wait unseen
	there      map[string]bool // of cfg.Announce: what the supervisor knows to be there
	stats      stats
	started    time.Time     // monotonic, and
	uptime     time.Duration // how long the machine was up then
	warn       limiter
	numbersDue time.Time // not zero: when the numbers of naming are written
	nextProof  time.Time // when the supervisor is to hear that the loop goes round
}

type stats struct {
	coldplug time.Duration
	resyncs  int
	ready    bool
}

type message struct {
	event uevent.Event
	err   error
}

// batch is how many events are handled before others get a turn.
const batch = 256

// Run serves until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	d, err := open(cfg)
	if err != nil {
		return err
	}
	defer d.dir.Close()
	defer d.udev.close()
	defer d.modules.stop()
	defer d.programs.Close()
	defer d.views.close()
	serve, err := d.listen()
	if err != nil {
		d.src.Close()
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, d.stop = context.WithCancel(ctx)
	defer d.stop()
	defer d.src.Close() // ends read, which wg waits for
	wg.Go(func() { d.read(ctx) })
	wg.Go(func() { d.effector(ctx) })
	wg.Go(func() { d.touched.read(ctx) })
	if err := d.coldplug(); err != nil {
		return err
	}
	for _, s := range serve {
		wg.Go(func() { s(ctx) })
	}
	return d.loop(ctx)
}

func open(cfg Config) (*daemon, error) {
	d := &daemon{
		cfg: cfg, sys: sysfs.Host(cfg.Sys), src: cfg.source,
		inbox: make(chan func()), stopped: make(chan struct{}), msgs: make(chan message, batch),
		pending: map[string]*pending{}, waiters: map[*waiter]struct{}{}, there: map[string]bool{},
		back: newBack(), views: views{all: map[string]*mountedView{}}, asked: newAskers(), effects: make(chan effects, maxEffects), touched: newTouched(cfg),
		started: time.Now(), uptime: uptime(),
	}
	d.modules, d.programs = newModules(cfg), openPrograms(cfg)
	d.pipe = NewPipeline(d.sys, loadPolicy(cfg))
	d.nameBy(cfg.Devfs)
	d.pipe.policy.run = d.programs.output
	d.pipe.recall = d.recall
	d.pipe.hold = func(devpath string) bool { return d.asked.holder(devpath) != nil }
	if err := os.MkdirAll(cfg.Run, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", cfg.Run, err)
	}
	if d.src == nil {
		conn, err := uevent.Listen(uevent.Config{ReceiveBuffer: cfg.ReceiveBuf})
		if err != nil {
			return nil, err
		}
		d.src = conn
	}
	var err error
	if d.dir, err = devdir.Open(cfg.Dev); err != nil {
		d.src.Close()
		return nil, err
	}
	d.udev = openUdev(cfg)
	return d, nil
}

// Plan returns the steps that a daemon would take for the devices that are
// present, for a dry run.
func Plan(cfg Config) ([]namespace.Op, error) {
	cfg = cfg.withDefaults()
	p := NewPipeline(sysfs.Host(cfg.Sys), loadPolicy(cfg))
	p.nameBy(cfg.Devfs, nil)
	p.Fixed()
	err := p.Sync(func(s Step) { p.ask(s) })
	return p.All(), err
}

// read moves events to the loop until the source is closed.
func (d *daemon) read(ctx context.Context) {
	for {
		ev, err := d.src.Next()
		select {
		case d.msgs <- message{ev, err}:
		case <-ctx.Done():
			return
		}
		if err != nil && !errors.Is(err, uevent.ErrOverrun) && !isIdle(err) {
			return
		}
	}
}

func isIdle(err error) bool {
	_, ok := errors.AsType[*uevent.IdleError](err)
	return ok
}

// uptime returns how long the machine has been up, by the clock that does not
// stop or jump.
func uptime() time.Duration {
	b, err := os.ReadFile(filepath.Join("/proc", "uptime"))
	if err != nil {
		return 0
	}
	text, _, _ := strings.Cut(string(b), " ")
	s, _ := strconv.ParseFloat(text, 64)
	return time.Duration(s * float64(time.Second))
}

func (d *daemon) now() time.Duration { return d.uptime + time.Since(d.started) }
