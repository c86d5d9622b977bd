package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// manager is a way to look after devices.
type manager struct {
	name  string
	rules string // folder below /lib/udev
	// start returns when what is present has been dealt with.
	start func(*group) error
	// settle returns when all that was queued has been dealt with; nil: there
	// is no way to know, but to look at the nodes.
	settle func() error
	once   bool // it does not stay
}

const (
	stock = "stock" // Debian's rules
	small = "small" // one rule
)

func managers() []manager {
	return []manager{
		{name: "udevd", rules: stock, start: startUdevd, settle: settleUdevd},
		{name: "udevd-small", rules: small, start: startUdevd, settle: settleUdevd},
		{name: "mdev-s", start: func(g *group) error { return g.run("/bin/busybox", "mdev", "-s") }, once: true},
		{name: "mdev-d", start: startMdev},
		{name: "devmgr", rules: stock, start: startDevmgr, settle: noQueue},
		{name: "devmgr-small", rules: small, start: startDevmgr, settle: noQueue},
	}
}

// some returns the managers of these names, in this order.
func some(names ...string) (list []manager) {
	for _, name := range names {
		for _, m := range managers() {
			if m.name == name {
				list = append(list, m)
			}
		}
	}
	return list
}

func startUdevd(g *group) error {
	return errors.Join(
		g.run("/lib/systemd/systemd-udevd", "--daemon"), // returns when it listens
		g.run("/bin/udevadm", "trigger", "--type=subsystems", "--action=add"),
		g.run("/bin/udevadm", "trigger", "--type=devices", "--action=add"),
		settleUdevd())
}

func settleUdevd() error { return run("/bin/udevadm", "settle", "--timeout=900") }

func startMdev(g *group) error { return g.start("/bin/busybox", "mdev", "-df") }

// startDevmgr waits until it says that it is ready, as its supervisor would.
func startDevmgr(g *group) error { return startWith(g) }

func startWith(g *group, args ...string) error {
	const name = "/run/notify"
	_ = os.Remove(name)
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer l.Close()
	g.env = append(os.Environ(), "NOTIFY_SOCKET="+name)
	if err := g.start("/sbin/devmgr", append([]string{"daemon", "-dev", "/dev"}, args...)...); err != nil {
		return err
	}
	return errors.Join(hearReady(l), noQueue())
}

func hearReady(l *net.UnixConn) error {
	if err := l.SetReadDeadline(time.Now().Add(15 * time.Minute)); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for {
		n, err := l.Read(buf)
		if err != nil {
			return err
		}
		if strings.Contains(string(buf[:n]), "READY=1") {
			return nil
		}
	}
}

// noQueue waits until nothing is queued, as programs do that use libudev.
func noQueue() error {
	return until("queue", time.Millisecond, func() bool {
		_, err := os.Lstat("/run/udev/queue")
		return err != nil
	})
}

var errLate = errors.New("not in fifteen minutes")

// until looks again and again.
func until(what string, every time.Duration, yes func() bool) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for end := time.Now().Add(15 * time.Minute); time.Now().Before(end); <-tick.C {
		if yes() {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", what, errLate)
}

// group is a control group with a manager in it.
type group struct {
	dir string
	env []string
	cmd *exec.Cmd // that was started last
	log *os.File

	took time.Duration // from the start until all was settled
}

const groups = "/sys/fs/cgroup/"

func newGroup(name string) (*group, error) {
	dir := groups + name
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.Create("/run/" + name + ".log")
	return &group{dir: dir, log: log}, err
}

func (g *group) start(name string, args ...string) error {
	dir, err := os.Open(g.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	g.cmd = exec.Command(name, args...)
	g.cmd.Env, g.cmd.Stdout, g.cmd.Stderr = g.env, g.log, g.log
	g.cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	return g.cmd.Start()
}

func (g *group) run(name string, args ...string) error {
	if err := g.start(name, args...); err != nil {
		return err
	}
	if err := g.cmd.Wait(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// number reads a number of the group's: the one behind a word, or the first.
func (g *group) number(file, word string) int64 {
	text, _ := os.ReadFile(filepath.Join(g.dir, file))
	fields := strings.Fields(string(text))
	i := slices.Index(fields, word) + 1
	if i >= len(fields) {
		return 0
	}
	n, _ := strconv.ParseInt(fields[i], 10, 64)
	return n
}

func (g *group) cpu() time.Duration {
	return time.Duration(g.number("cpu.stat", "usage_usec")) * time.Microsecond
}

// end kills all that is in the group and removes it.
func (g *group) end() error {
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		return err
	}
	g.log.Close()
	err := until(g.dir, time.Millisecond, func() bool {
		reap()
		return g.number("cgroup.events", "populated") == 0
	})
	return errors.Join(err, g.remove())
}

// reap takes what has ended, as PID 1 must.
func reap() {
	for {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}

// remove removes the group, with those of what it has run.
func (g *group) remove() (err error) {
	var dirs []string
	_ = filepath.WalkDir(g.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, name)
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) {
		err = errors.Join(err, unix.Rmdir(dir))
	}
	return err
}

// prepare makes the machine look as if no manager had ever run: the nodes have
// no rights, there are no links and no database, and the kernel has forgotten
// what of sysfs an earlier one has looked at, which counts as memory too.
func (m manager) prepare() error {
	if err := splitRules(); err != nil {
		return err
	}
	_ = os.Remove(rulesDir)
	if m.rules != "" {
		if err := os.Symlink(m.rules, rulesDir); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll("/run/udev"), os.RemoveAll("/run/slashdev"), removeLinks(), closeNodes(),
		os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0))
}

const (
	rulesDir   = "/lib/udev/rules.d"
	smallRule  = `SUBSYSTEM=="block", GROUP="disk", MODE="0660"` + "\n"
	mdevConfig = "-.* root:disk 660\n"
)

// splitRules puts the rules aside, so that each manager gets its own.
func splitRules() error {
	if _, err := os.Lstat("/lib/udev/" + stock); err == nil {
		return nil
	}
	return errors.Join(os.Rename(rulesDir, "/lib/udev/"+stock), os.Mkdir("/lib/udev/"+small, 0o755),
		os.WriteFile("/lib/udev/small/50-small.rules", []byte(smallRule), 0o644),
		os.WriteFile("/etc/mdev.conf", []byte(mdevConfig), 0o644))
}

// with starts the manager, waits until it has dealt with what is there, does f
// and ends it.
func (m manager) with(f func(*group) error) error {
	if err := m.prepare(); err != nil {
		return err
	}
	g, err := newGroup(m.name)
	if err != nil {
		return err
	}
	if err = m.begin(g); err == nil {
		err = f(g)
	}
	if err != nil {
		g.lastWords()
		err = fmt.Errorf("%s: %w", m.name, err)
	}
	return errors.Join(err, g.end())
}

// begin measures from the start of the first process until all is settled and
// every node is as it should be.
func (m manager) begin(g *group) error {
	begun := time.Now()
	nodes, err := blocks()
	if err == nil {
		err = m.start(g)
	}
	if err == nil {
		err = waitOpen(nodes, 5*time.Millisecond)
	}
	g.took = time.Since(begun)
	return err
}

// lastWords prints what the processes have said.
func (g *group) lastWords() {
	if log, err := os.Open(g.log.Name()); err == nil {
		_, _ = io.Copy(os.Stdout, log)
		log.Close()
	}
}
