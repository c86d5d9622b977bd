package daemon_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/bootwords"
	"slashdev/devmgr/ctl"
	"slashdev/devmgr/daemon"
	"slashdev/devmgr/devtest"
	"slashdev/devmgr/netname"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/udevctl"
	"slashdev/devmgr/udevdb"
	"slashdev/devmgr/uevent"
	"slashdev/drivers/ask"
)

// source is a kernel that says what a test makes it say.
type source struct {
	mu    sync.Mutex
	kicks uint64
	items chan item
	once  sync.Once
}

type item struct {
	ev  uevent.Event
	err error
}

func (s *source) Next() (uevent.Event, error) {
	i, ok := <-s.items
	if !ok {
		return uevent.Event{}, os.ErrClosed
	}
	return i.ev, i.err
}

func (s *source) Kick() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kicks++
	s.items <- item{err: &uevent.IdleError{Kicks: s.kicks}}
	return s.kicks
}

func (s *source) Stats() uevent.Stats { return uevent.Stats{} }
func (s *source) Close() error        { s.once.Do(func() { close(s.items) }); return nil }

// machine is a daemon that serves a made-up machine in temporary directories.
type machine struct {
	t                  *testing.T
	sys                *devtest.Sys
	src                *source
	root, dev, sysRoot string
	mu                 sync.Mutex
	log                []string
	seq                uint64
	receiveBuf         int
	announce           []string
	first              string        // what the first message said behind its status
	told               func() string // waits for the next message to the supervisor
	watchdog           time.Duration
	devfs              string // words
	kernel             *moduleKernel
	set                func(index int, s netname.Settings) error // nil: the kernel is not asked
	rename             func(index int, name string) error        // nil: the kernel is not asked
	blkid              func(devpath string) []udevrules.Property // nil: there is no such tool
	devices            func(devname string) (ask.Device, error)  // nil: nodes are opened
	reread             func(node string) error                   // nil: the kernel does
	clock              func() time.Time                          // nil: the real one
	heard              []string                                  // what libudev's listeners heard
}

func newMachine(t *testing.T) *machine {
	root := t.TempDir()
	m := &machine{t: t, sys: devtest.NewSys(), src: &source{items: make(chan item, 1000)},
		root: root, dev: root + "/dev", sysRoot: root + "/sys", seq: 100}
	m.must(os.Mkdir(m.dev, 0o755))
	if err := unix.Mknod(m.dev+"/probe", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		t.Skipf("needs root: %v", err)
	}
	m.must(os.Remove(m.dev + "/probe"))
	m.must(os.WriteFile(root+"/group", []byte(devtest.Groups), 0o644))
	m.sys.Add("/devices/pci0/0000:00:01.0", "pci", "DRIVER=virtio-pci", "MODALIAS=pci:v1")
	m.sys.Add("/devices/pci0/0000:00:01.0/virtio1", "virtio", "DRIVER=virtio_blk")
	m.sys.Add("/devices/virtual/mem/null", "mem", "MAJOR=1", "MINOR=3", "DEVNAME=null", "DEVMODE=0666")
	m.node("null", unix.S_IFCHR, 1, 3)
	m.plugDisk("vda", 0)
	m.node("vda", unix.S_IFBLK, 254, 0)
	m.writeSys()
	return m
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) node(name string, kind uint32, major, minor uint32) {
	m.t.Helper()
	m.must(unix.Mknod(filepath.Join(m.dev, name), kind|0o600, int(unix.Mkdev(major, minor))))
}

const disks = "/devices/pci0/0000:00:01.0/virtio1/block/"

func (m *machine) plugDisk(name string, minor int) {
	m.sys.Add(disks+name, "block", "MAJOR=254", fmt.Sprintf("MINOR=%d", minor), "DEVNAME="+name, "DEVTYPE=disk")
}

// writeSys replaces the tree on the disk at once.
func (m *machine) writeSys() {
	m.t.Helper()
	fresh, err := os.MkdirTemp(m.root, "sys")
	m.must(err)
	m.must(os.CopyFS(fresh, m.sys.Tree()))
	link := fresh + ".link"
	m.must(os.Symlink(fresh, link))
	m.must(os.Rename(link, m.sysRoot))
}

func (m *machine) send(action uevent.Action, devpath, subsystem string) {
	m.seq++
	m.src.items <- item{ev: uevent.Event{Action: action, DevPath: devpath, Subsystem: subsystem, SeqNum: m.seq}}
}

// start runs the daemon until the test ends, and waits until it is ready.
func (m *machine) start() (stop func()) {
	m.t.Helper()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.root + "/notify", Net: "unixgram"})
	m.must(err)
	cfg := daemon.Config{
		Sys: m.sysRoot, Dev: m.dev, Run: m.root + "/run", GroupFile: m.root + "/group", Root: m.root, Notify: m.root + "/notify",
		Logf: m.logf, ReceiveBuf: m.receiveBuf, Announce: m.announce, Watchdog: m.watchdog, Udev: m.root + "/udev", JobGroup: "-",
	}
	cfg.Devfs, _ = bootwords.Parse("devfs=" + m.devfs)
	if m.kernel != nil {
		cfg.Modules = m.root
		cfg = daemon.WithKernel(cfg, m.kernel)
	}
	cfg = daemon.WithRename(cfg, m.rename, m.set)
	cfg = daemon.WithDevices(cfg, m.devices, func(name string) (string, error) { return "driver-of-" + name, nil })
	if m.blkid != nil {
		cfg = daemon.WithTool(cfg, "blkid", m.blkid)
	}
	cfg = daemon.WithReread(cfg, m.reread)
	if m.clock != nil {
		cfg = daemon.WithClock(cfg, m.clock)
	}
	cfg = daemon.WithSender(cfg, m.hear)
	if m.src != nil {
		cfg = daemon.WithSource(cfg, m.src)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- daemon.Run(ctx, cfg) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			m.t.Errorf("Run: %v", err)
		}
		notify.Close()
		os.Remove(m.root + "/notify")
	})
	m.t.Cleanup(stop)
	m.told = func() string {
		buf := make([]byte, 1000)
		notify.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := notify.Read(buf)
		m.must(err)
		return string(buf[:n])
	}
	first := m.told()
	if !strings.HasPrefix(first, "READY=1\nSTATUS=coldplug done, ") {
		m.t.Fatalf("notify: %q", first)
	}
	_, m.first, _ = strings.Cut(first, " ms\n")
	return stop
}

// hear notes a message, and what the database and /dev show at that moment.
func (m *machine) hear(properties uevent.Env, tags []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := udevdb.ID(uevent.Event{DevPath: properties.Get("DEVPATH"), Subsystem: properties.Get("SUBSYSTEM"), Env: properties})
	text, err := os.ReadFile(m.root + "/udev/data/" + id)
	state := strings.ReplaceAll(string(text), "\n", " ")
	if err != nil {
		state = "none"
	}
	if name := strings.TrimPrefix(properties.Get("DEVNAME"), "/dev/"); name != "" {
		state += "; " + m.stat(name)
	}
	if properties.Get("UDEV_WORKER_FAILED") == "1" {
		state += "; failed: " + properties.Get("UDEV_WORKER_ERRNO_NAME")
	}
	m.heard = append(m.heard, fmt.Sprintf("%s %s: %s", properties.Get("ACTION"), id, state))
}

func (m *machine) logf(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *machine) logged(part string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.log, func(l string) bool { return strings.Contains(l, part) })
}

func (m *machine) client(socket string) *ctl.Client {
	m.t.Helper()
	c, err := ctl.Dial(m.root + "/run/" + socket)
	m.must(err)
	m.t.Cleanup(func() { c.Close() })
	return c
}

func (m *machine) do(words ...string) []ctl.Record {
	m.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		r, err := m.client("devmgr.sock").Do(words...)
		if err != nil && strings.Contains(err.Error(), "too many clients") && time.Now().Before(end) {
			continue // those of before have left, and the daemon has not seen it yet
		}
		m.must(err)
		return r
	}
}

// is checks a node or link below /dev.
func (m *machine) is(name, want string) {
	m.t.Helper()
	if got := m.stat(name); got != want {
		m.t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

func (m *machine) stat(name string) string {
	var st unix.Stat_t
	if unix.Lstat(filepath.Join(m.dev, name), &st) != nil {
		return ""
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		target, _ := os.Readlink(filepath.Join(m.dev, name))
		return "-> " + target
	}
	return fmt.Sprintf("%04o %d:%d", st.Mode&0o7777, st.Uid, st.Gid)
}

func TestColdplug(t *testing.T) {
	m := newMachine(t)
	m.must(os.MkdirAll(m.dev+"/disk/by-path", 0o755))
	m.must(os.Symlink("../../gone", m.dev+"/disk/by-path/left-by-a-killed-devmgr"))
	m.start()
	m.is("null", "0666 0:0")
	m.is("vda", "0660 0:6")
	m.is("fd", "-> /proc/self/fd")
	m.is("core", "-> /proc/kcore")
	m.is("char/1:3", "-> ../null")
	m.is("block/254:0", "-> ../vda")
	m.is("disk/by-path/virtio-pci-0000:00:01.0", "-> ../../vda")
	m.is("disk/by-path/left-by-a-killed-devmgr", "")
	if !m.logged("coldplug: 4 devices, 2 nodes, 9 links in ") {
		t.Errorf("log: %q", m.log)
	}
}

// Programs wait for devices by name: the supervisor hears of those it asked for
// once owner and mode are right, and of no others.
func TestAnnouncesNames(t *testing.T) {
	m := newMachine(t)
	m.announce = []string{"vdb", "disk/by-path/pci-0000:00:01.0", "null"}
	m.start()
	if want := "DEVICE=+disk/by-path/pci-0000:00:01.0\nDEVICE=+null\n"; m.first != want {
		t.Errorf("at the start: %q, want %q", m.first, want)
	}
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.send(uevent.Add, disks+"vdb", "block")
	if got := m.told(); got != "DEVICE=+vdb\n" {
		t.Errorf("plugged: %q", got)
	}
	m.is("vdb", "0660 0:6")
	m.sys.Remove(disks + "vdb")
	m.writeSys()
	m.must(os.Remove(m.dev + "/vdb"))
	m.send(uevent.Remove, disks+"vdb", "block")
	if got := m.told(); got != "DEVICE=-vdb\n" {
		t.Errorf("pulled: %q", got)
	}
}

// The loop tells the supervisor that it goes round, also when nothing happens.
func TestM13_LoopGivesSignsOfLife(t *testing.T) {
	m := newMachine(t)
	m.watchdog = 100 * time.Millisecond
	m.start()
	for range 3 {
		if got := m.told(); got != "WATCHDOG=1\n" {
			t.Errorf("told %q", got)
		}
	}
}

func TestVerbs(t *testing.T) {
	m := newMachine(t)
	m.start()
	ls := m.do("ls")
	if len(ls) != 4 {
		t.Fatalf("ls: %q", ls)
	}
	want := "devpath=" + disks + "vda subsystem=block devtype=disk devname=vda major=254 minor=0 mode=0660 owner=root group=disk " +
		"driver=virtio_blk modalias= link=block/254:0 link=disk/by-path/pci-0000:00:01.0 link=disk/by-path/virtio-pci-0000:00:01.0"
	if got := strings.Join(ls[2], " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, name := range []string{"vda", "/dev/vda", "/devices/vda", disks + "vda", "/sys" + disks + "vda", "disk/by-path/pci-0000:00:01.0"} {
		if r := m.do("info", name); r[0].Get("devname") != "vda" || r[0].Get("rule") != "stock subsystem=block" {
			t.Errorf("info %s: %q", name, r)
		}
	}
	if r := m.do("info", "virtio1"); r[0].Get("own_driver") != "virtio_blk" {
		t.Errorf("info by the kernel's name: %q", r)
	}
	if r := m.do("status"); r[0].Get("nodes") != "2" || r[0].Get("devices") != "4" {
		t.Errorf("status: %q", r)
	}
	errors := []struct {
		socket, request string
		code            int
	}{
		{"devmgr.sock", "dance", ctl.Usage},
		{"devmgr.sock", "ls x", ctl.Usage},
		{"devmgr.sock", "ls --x", ctl.Usage},
		{"devmgr.sock", "info", ctl.Usage},
		{"devmgr.sock", "info nosuch", ctl.NotFound},
		{"devmgr.sock", "settle --gone", ctl.Usage},
		{"devmgr.sock", "settle --timeout=NaN", ctl.Usage},
		{"devmgr.sock", "settle ../x", ctl.Usage},
		{"devmgr.sock", "settle nosuch --timeout=0.05", ctl.Timeout},
		{"devmgr.sock", "settle null --gone --timeout=0.05", ctl.Timeout},
		{"devmgr.sock", "trigger nosuch", ctl.NotFound},
		{"devmgr-ro.sock", "trigger null", ctl.Refused},
		{"devmgr-ro.sock", "ls", 0},
	}
	for _, e := range errors {
		if _, err := m.client(e.socket).Do(strings.Fields(e.request)...); ctl.ExitCode(err) != e.code {
			t.Errorf("%s: %v, want code %d", e.request, err, e.code)
		}
	}
}

func TestTriggerWritesToSysfs(t *testing.T) {
	m := newMachine(t)
	m.start()
	if r := m.do("trigger", "add", "null", "--subsystem=mem"); r[0].Get("triggered") != "1" {
		t.Errorf("got %q", r)
	}
	if b, _ := os.ReadFile(m.sysRoot + "/devices/virtual/mem/null/uevent"); string(b) != "add" {
		t.Errorf("uevent file: %q", b)
	}
}

// listen returns the lines of a monitor that hears everything from now on.
func (m *machine) listen() <-chan string {
	m.t.Helper()
	c := m.client("devmgr-ro.sock")
	lines, ready := make(chan string, 1000), make(chan struct{})
	go func() {
		defer close(lines)
		for r, err := range c.Stream("monitor") {
			switch {
			case err != nil:
				return
			case r.Get("listening") != "":
				close(ready)
			default:
				lines <- r.Get("action") + " " + r.Get("name") + " " + m.stat(r.Get("name"))
			}
		}
	}()
	<-ready
	return lines
}

func expect(t *testing.T, lines <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-lines:
			if got != w {
				t.Errorf("monitor: got %q, want %q", got, w)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("monitor does not say %q", w)
		}
	}
}

func TestPlugAndPull(t *testing.T) {
	m := newMachine(t)
	m.start()
	lines := m.listen()
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.send(uevent.Add, disks+"vdb", "block")
	m.do("settle", "vdb")
	m.is("vdb", "0660 0:6")
	m.is("block/254:16", "-> ../vdb")

	m.sys.Remove(disks + "vdb")
	m.writeSys()
	m.must(os.Remove(m.dev + "/vdb"))
	m.send(uevent.Remove, disks+"vdb", "block")
	m.do("settle", "vdb", "--gone")
	m.is("block/254:16", "")
	expect(t, lines, "add vdb 0660 0:6", "remove vdb ")
}

// The kernel makes the node first, but nothing must depend on it.
func TestNodeThatComesAfterItsEvent(t *testing.T) {
	m := newMachine(t)
	m.start()
	lines := m.listen()
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.send(uevent.Add, disks+"vdb", "block")
	m.do("settle")
	if r := m.do("status"); r[0].Get("pending") != "1" {
		t.Errorf("status: %q", r)
	}
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.do("settle", "vdb", "--timeout=20")
	m.is("vdb", "0660 0:6")
	expect(t, lines, "add vdb 0660 0:6")
}

func TestU02_OverrunIsRepaired(t *testing.T) {
	m := newMachine(t)
	m.start()
	lines := m.listen()
	m.plugDisk("vdb", 16)
	m.sys.Remove("/devices/virtual/mem/null")
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.must(os.Chmod(m.dev+"/vda", 0o600)) // made anew by the kernel, unseen
	m.src.items <- item{err: uevent.ErrOverrun}
	m.do("settle")
	m.is("vdb", "0660 0:6")
	m.is("vda", "0660 0:6")
	m.is("char/1:3", "")
	expect(t, lines, "add vdb 0660 0:6", "remove null 0666 0:0")
	if !m.logged("resync after overrun: 1 added, 1 removed, 0 changed") {
		t.Errorf("log: %q", m.log)
	}
}

func TestU03_GapInTheSequenceIsRepaired(t *testing.T) {
	m := newMachine(t)
	m.start()
	m.send(uevent.Change, disks+"vda", "block")
	m.do("settle")
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.seq++ // its event is lost
	m.send(uevent.Change, disks+"vda", "block")
	m.do("settle", "vdb", "--timeout=20")
	m.is("vdb", "0660 0:6")
}

func TestU07_RestartMissesNothing(t *testing.T) {
	m := newMachine(t)
	m.start()()
	m.plugDisk("vdb", 16)
	m.sys.Remove(disks + "vda")
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.must(os.Remove(m.dev + "/vda"))
	m.src = &source{items: make(chan item, 1000)}
	m.start()
	m.is("vdb", "0660 0:6")
	m.is("block/254:0", "")
	m.is("disk/by-path/pci-0000:00:01.0", "-> ../../vdb")
}

func TestStopsWhileClientsWait(t *testing.T) {
	m := newMachine(t)
	stop := m.start()
	lines := m.listen()
	answer := make(chan error, 1)
	c := m.client("devmgr.sock")
	go func() {
		_, err := c.Do("settle", "nosuch")
		answer <- err
	}()
	for m.do("status")[0].Get("waiting") != "1" { // its request has arrived
	}
	stop()
	if err := <-answer; err == nil {
		t.Error("settle was answered with ok")
	}
	if l, open := <-lines; open {
		t.Errorf("monitor says %q", l)
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	m := newMachine(t)
	m.start()
	cfg := daemon.WithSource(daemon.Config{Sys: m.sysRoot, Dev: m.dev, Run: m.root + "/run", GroupFile: m.root + "/group", Root: m.root},
		&source{items: make(chan item, 1)})
	cfg.Udev = m.root + "/udev2"
	if err := daemon.Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("got %v", err)
	}
	m.do("ls")
}

func TestRunReportsWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	cfg := daemon.WithSource(daemon.Config{Sys: dir, Dev: dir + "/nosuch", Run: dir + "/run", Udev: dir + "/udev"}, &source{items: make(chan item, 1)})
	if err := daemon.Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "open "+dir+"/nosuch: no such file") {
		t.Errorf("no /devices: %v", err)
	}
	cfg.Dev = dir
	cfg = daemon.WithSource(cfg, &source{items: make(chan item, 1)})
	if err := daemon.Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "is sysfs mounted?") {
		t.Errorf("no sysfs: %v", err)
	}
}

func TestPlan(t *testing.T) {
	m := newMachine(t)
	ops, err := daemon.Plan(daemon.Config{Sys: m.sysRoot, GroupFile: m.root + "/group", Root: m.root})
	m.must(err)
	var text []string
	for _, op := range ops {
		text = append(text, op.String())
	}
	if !slices.Contains(text, "* attr  vda 0660 root:disk") || !slices.Contains(text, "+ link  fd -> /proc/self/fd") {
		t.Errorf("got %q", text)
	}
	m.is("vda", "0600 0:0") // nothing was done
}

// The kernel's own socket with a buffer for a handful of events.
func TestU02_StormOnARealSocket(t *testing.T) {
	const poked = "/sys/devices/virtual/mem/null/uevent"
	if err := os.WriteFile(poked, []byte("change"), 0); err != nil {
		t.Skipf("cannot trigger events here: %v", err)
	}
	m := &machine{t: t, root: t.TempDir()}
	m.sysRoot, m.dev = "/sys", m.root // no nodes: all stay pending, which is none of this test's business
	m.must(os.WriteFile(m.root+"/group", []byte(devtest.Groups), 0o644))
	m.receiveBuf = 2048
	m.start()
	m.order(udevctl.StopQueue) // however fast the loop is
	for range 3000 {
		m.must(os.WriteFile(poked, []byte("change"), 0))
	}
	m.order(udevctl.StartQueue)
	m.do("settle")
	r := m.do("status")[0]
	if r.Get("overruns") == "0" || r.Get("resyncs") == "0" || r.Get("devices") == "0" {
		t.Errorf("after a storm: %q", r)
	}
	if !m.logged("resync after overrun") {
		t.Errorf("log: %q", m.log)
	}
}
