package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"slashdev/devmgr/devtree"
	"slashdev/drivers/kmod"
)

// modules asks the kernel for what devices need. Loading takes time and may
// hang, so it is done by a few goroutines; the loop asks, and takes what came of
// it when poke says so. Any goroutine may ask.
type modules struct {
	root   string // of the system; "" means that nothing is loaded
	kernel kmod.Kernel
	logf   func(format string, args ...any)
	poke   chan struct{}
	wg     sync.WaitGroup

	opening sync.Mutex // is held while the index is read; mu never is for long

	mu       sync.Mutex
	loader   *kmod.Loader
	waiting  []string
	asked    map[string]bool // waiting or being worked on
	running  int
	busy     bool // until the loop knows that all has been tried
	stopping bool
	named    map[string]bool // by modules-load.d: that there is no such module is worth a line
	failed   int             // names
	loaded   int             // modules
}

const (
	moduleWorkers = 4
	maxModuleWait = 10 * time.Second // that READY is late for modules
	maxWaiting    = 4096
)

// countingKernel counts what was inserted.
type countingKernel struct {
	kmod.Kernel
	m *modules
}

func (k countingKernel) Insert(l kmod.Load) error {
	err := k.Kernel.Insert(l)
	if err == nil {
		k.m.mu.Lock()
		k.m.loaded++
		k.m.mu.Unlock()
	}
	return err
}

// newModules looks whether this system has modules for this kernel.
func newModules(cfg Config) *modules {
	m := &modules{kernel: cfg.kernel, logf: cfg.Logf, poke: make(chan struct{}, 1), asked: map[string]bool{}}
	release, err := kmod.Release()
	if cfg.Modules == "" || err != nil {
		return m
	}
	if _, err := os.Stat(filepath.Join(cfg.Modules, "lib/modules", release, "modules.dep")); err != nil {
		return m
	}
	m.root = cfg.Modules
	if m.kernel == nil {
		m.kernel = kmod.Linux{Root: cfg.Modules, Sys: cfg.Sys}
	}
	return m
}

// want asks for what a modalias needs, once: what came of it is remembered.
func (m *modules) want(name string) {
	if m.root == "" || name == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked[name] || m.stopping || len(m.waiting) >= maxWaiting {
		return
	}
	if m.loader != nil {
		if _, known := m.loader.Known(name); known {
			return
		}
	}
	m.asked[name], m.busy = true, true
	m.waiting = append(m.waiting, name)
	if m.running < moduleWorkers {
		m.running++
		m.wg.Go(m.work)
	}
}

// nodes returns those that modules would serve.
func (m *modules) nodes() ([]kmod.Node, error) {
	release, err := kmod.Release()
	if m.root == "" || err != nil {
		return nil, err
	}
	return kmod.Nodes(os.DirFS(m.root), release)
}

// wantConfigured asks for what modules-load.d lists.
func (m *modules) wantConfigured() {
	if m.root == "" {
		return
	}
	names, err := kmod.Wanted(os.DirFS(m.root))
	if err != nil {
		m.logf("modules: %v", err)
	}
	m.mu.Lock()
	m.named = map[string]bool{}
	for _, name := range names {
		m.named[name] = true
	}
	m.mu.Unlock()
	for _, name := range names {
		m.want(name)
	}
}

// load does what the builtin kmod is told: `load [NAME...]`, without a name what
// the device needs.
func (m *modules) load(words []string, d *devtree.Device) {
	if len(words) == 0 || words[0] != "load" {
		return
	}
	if len(words) == 1 && d != nil {
		m.want(d.Env.Get("MODALIAS"))
	}
	for _, name := range words[1:] {
		m.want(name)
	}
}

func (m *modules) work() {
	for {
		name := m.next()
		if name == "" {
			break
		}
		o := m.open().Load(name)
		m.say(o)
		m.mu.Lock()
		delete(m.asked, name)
		m.mu.Unlock()
	}
	select {
	case m.poke <- struct{}{}:
	default:
	}
}

// next takes a name off the queue, or says that this worker is not needed.
func (m *modules) next() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 || m.stopping {
		m.running--
		return ""
	}
	name := m.waiting[0]
	m.waiting = m.waiting[1:]
	return name
}

// open reads the index, in the first worker that needs it; others wait.
func (m *modules) open() *kmod.Loader {
	m.opening.Lock()
	defer m.opening.Unlock()
	m.mu.Lock()
	loader := m.loader
	m.mu.Unlock()
	if loader != nil {
		return loader
	}
	release, _ := kmod.Release()
	x, err := kmod.Open(os.DirFS(m.root), release)
	if err != nil {
		m.logf("modules: %v", err)
	}
	for _, p := range x.Problems() {
		m.logf("modules: %v", p)
	}
	if err := m.serveKernel(); err != nil { // a module may ask for another one while it starts
		m.logf("%v", err)
	}
	loader = kmod.NewLoader(x, countingKernel{m.kernel, m})
	m.mu.Lock()
	m.loader = loader
	m.mu.Unlock()
	return loader
}

// say logs what went wrong. That a device has no module, or a module no device,
// is everyday.
func (m *modules) say(o kmod.Outcome) {
	m.mu.Lock()
	named := m.named[o.Name]
	m.mu.Unlock()
	for _, everyday := range []error{nil, kmod.ErrUnknown, kmod.ErrBlacklisted, syscall.ENODEV} {
		if errors.Is(o.Err, everyday) && (!named || o.Err == nil) {
			return
		}
	}
	m.mu.Lock()
	m.failed++
	m.mu.Unlock()
	m.logf("modules: %s, for %.100q", o.Text(), o.Name)
}

// idle says whether all that was asked for has been tried, and the loop knows.
func (m *modules) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.busy
}

// rest lets the loop know.
func (m *modules) rest() (idle bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = len(m.waiting)+m.running > 0
	return !m.busy
}

// known returns what came of a modalias.
func (m *modules) known(name string) (o kmod.Outcome, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.asked[name]:
		return kmod.Outcome{Name: name, Err: errLoading}, true
	case m.loader == nil:
		return o, false
	}
	return m.loader.Known(name)
}

// said returns in words what came of a modalias, "" if nobody has asked.
func (m *modules) said(name string) string {
	if o, ok := m.known(name); ok {
		return o.Text()
	}
	return ""
}

var errLoading = errors.New("being loaded")

// forget lets a module be loaded again that has been removed from the kernel.
func (m *modules) forget(module string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loader != nil {
		m.loader.Forget(module)
	}
}

// reload reads the files anew; what failed may be tried again.
func (m *modules) reload() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loader = nil
}

// module lists all that was asked for.
func (d *daemon) module(r *request) error {
	if len(r.args) > 0 || r.only() != nil {
		return errUsage
	}
	for _, o := range d.modules.all() {
		pairs := []string{"name", o.Name, "state", moduleState(o)}
		if o.Err != nil {
			pairs = append(pairs, "error", o.Text())
		}
		for _, m := range o.Modules {
			pairs = append(pairs, "module", m)
		}
		if err := r.w.Record(pairs...); err != nil {
			return err
		}
	}
	return nil
}

func moduleState(o kmod.Outcome) string {
	switch {
	case o.Err == nil && len(o.Modules) == 0, errors.Is(o.Err, kmod.ErrUnknown):
		return "none"
	case o.Err == nil:
		return "loaded"
	case errors.Is(o.Err, kmod.ErrBlacklisted):
		return "blacklisted"
	}
	return "failed"
}

// all returns what came of everything that was asked for, by name.
func (m *modules) all() []kmod.Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loader == nil {
		return nil
	}
	return m.loader.All()
}

// stop drops what waits, and waits for what the kernel is busy with.
func (m *modules) stop() {
	m.mu.Lock()
	m.stopping = true
	m.mu.Unlock()
	m.wg.Wait()
}

func (m *modules) counts() (loaded, failed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loaded, m.failed
}

// serveKernel lets the kernel ask for modules by name, as it does for file
// systems and protocols: PID 1 has switched that off until modprobe.d has been
// read and devices get their modules, or all is ready without any.
func (m *modules) serveKernel() error {
	const program = "/sbin/modprobe"
	if m.root == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(m.root, program)); err != nil {
		return nil // nothing to start
	}
	file := filepath.Join(m.root, "proc/sys/kernel/modprobe")
	if err := os.WriteFile(file, []byte(program+"\n"), 0o644); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("let the kernel ask for modules: %w", err)
	}
	return nil
}

// modulesLoaded is called when the last worker has ended: devices may have come
// by what it did, so those who wait hear when their events have been applied.
func (d *daemon) modulesLoaded() {
	if d.modules.rest() {
		d.moduleKick = d.src.Kick()
		d.kicked = d.moduleKick
	}
}

// becomeReady says so when all that coldplug caused has been done, or its time
// is over.
func (d *daemon) becomeReady() {
	if d.modules.idle() {
		d.sayReady()
		return
	}
	w := &waiter{barrier: d.src.Kick(), done: make(chan struct{}), then: d.sayReady}
	d.waiters[w] = struct{}{}
	d.readyBy = d.cfg.clock().Add(maxModuleWait)
}

// beReady ends the wait for modules that take too long.
func (d *daemon) beReady() {
	d.warnf("modules: still loading after %s; going on", maxModuleWait)
	for w := range d.waiters {
		if w.then != nil {
			d.finish(w)
		}
	}
}

func (d *daemon) sayReady() {
	d.readyBy, d.stats.ready = time.Time{}, true
	if err := d.modules.serveKernel(); err != nil {
		d.warnf("%v", err)
	}
	text := fmt.Sprintf("coldplug done, %d devices in %d ms", d.pipe.tree.Len(), d.stats.coldplug.Milliseconds())
	if loaded, failed := d.modules.counts(); loaded+failed > 0 {
		d.cfg.Logf("modules: %d loaded, %d failed", loaded, failed)
	}
	d.announce("READY=1\nSTATUS=" + strings.TrimSpace(text) + "\n")
}
