package daemon_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/udevctl"
	"slashdev/devmgr/uevent"
	"slashdev/drivers/kmod"
)

// moduleKernel takes modules; what is to happen then says a test.
type moduleKernel struct {
	mu       sync.Mutex
	inserted []string
	insert   func(module string) error
}

func (k *moduleKernel) Insert(l kmod.Load) error {
	k.mu.Lock()
	k.inserted = append(k.inserted, l.Module)
	k.mu.Unlock()
	if k.insert == nil {
		return nil
	}
	return k.insert(l.Module)
}

func (k *moduleKernel) Loaded(string) bool { return false }

func (k *moduleKernel) got() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := slices.Clone(k.inserted)
	slices.Sort(list)
	return strings.Join(list, " ")
}

// withModules gives a machine modules for the kernel that runs here.
func withModules(m *machine) *moduleKernel {
	release, err := kmod.Release()
	m.must(err)
	for name, text := range map[string]string{
		"dep":     "k/disk.ko: k/core.ko\nk/core.ko:\nk/net.ko:\nk/broken.ko:\n",
		"devname": "loop loop-control c10:237\ntun net/tun c10:200\nevil ../x c1:1\nnull null c1:5\n",
		"alias":   "alias pci:v1 disk\nalias pci:v2 net\nalias pci:v3 broken\n",
	} {
		m.put("lib/modules/"+release+"/modules."+name, text)
	}
	m.put("etc/modprobe.d/a.conf", "bogus\n")
	m.put("etc/modules-load.d/a.conf", "net\nnosuch\n")
	m.put("sbin/modprobe", "")
	m.put("proc/sys/kernel/modprobe", "\n")
	m.kernel = &moduleKernel{}
	return m.kernel
}

func (m *machine) put(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.root, name)
	m.must(os.MkdirAll(filepath.Dir(file), 0o755))
	m.must(os.WriteFile(file, []byte(text), 0o644))
}

// TestReadyWaitsForModules: a disk that comes by a module of coldplug is there
// when the machine is said to be ready.
func TestReadyWaitsForModules(t *testing.T) {
	m := newMachine(t)
	k := withModules(m)
	m.rule("50-static.rules", "KERNEL==\"tun\", MODE=\"0666\", OPTIONS+=\"static_node=net/tun\"\n")
	m.clock = stopped // however slow this machine is, READY waits
	k.insert = func(module string) error {
		if text, _ := os.ReadFile(m.root + "/proc/sys/kernel/modprobe"); string(text) != "/sbin/modprobe\n" {
			t.Errorf("%s cannot ask for another module while it starts: %q", module, text)
		}
		if module == "disk" {
			m.node("vdb", 0o060000, 254, 16)
			m.plugDisk("vdb", 16)
			m.writeSys()
			m.send(uevent.Add, disks+"vdb", "block")
		}
		return nil
	}
	m.start()
	if got := m.stat("vdb"); !strings.Contains(got, "660") {
		t.Errorf("READY, and vdb is %s", got)
	}
	if got := m.stat("loop-control") + ", " + m.stat("net/tun") + ", " + m.stat("null"); got != "0600 0:0, 0666 0:0, 0666 0:0" {
		t.Errorf("loop-control, net/tun, null: %s", got)
	}
	if got := k.got(); got != "core disk net" {
		t.Errorf("inserted %q", got)
	}
	if text, _ := os.ReadFile(m.root + "/proc/sys/kernel/modprobe"); string(text) != "/sbin/modprobe\n" {
		t.Errorf("the kernel's modprobe is %q", text)
	}
	if !m.logged("/etc/modprobe.d/a.conf:1: unknown word") {
		t.Error("the bad line of modprobe.d is not reported")
	}
	if !m.logged("modules: no module has this name or alias, for \"nosuch\"") {
		t.Error("a module that modules-load.d names is missing without a word")
	}
	if r := m.do("info", "/devices/pci0/0000:00:01.0"); r[0].Get("modules") != "disk" {
		t.Errorf("info: %q", r[0])
	}
}

// stopped is a clock that stands still: nothing takes too long.
func stopped() time.Time { return time.Unix(1e9, 0) }

// hurry returns a clock that a second passes on each time somebody looks.
func hurry() func() time.Time {
	var looks atomic.Int64
	return func() time.Time { return stopped().Add(time.Duration(looks.Add(1)) * time.Second) }
}

// TestReadyDoesNotWaitForEver: a module that hangs makes the machine late, but
// ready; what it brings in the end is dealt with.
func TestReadyDoesNotWaitForEver(t *testing.T) {
	m := newMachine(t)
	k := withModules(m)
	m.clock = hurry()
	ready := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(ready) })
	defer letGo()
	k.insert = func(module string) error {
		if module != "disk" {
			return nil
		}
		for {
			select {
			case <-ready:
				m.node("vdb", 0o060000, 254, 16)
				m.plugDisk("vdb", 16)
				m.writeSys()
				m.send(uevent.Add, disks+"vdb", "block")
				return nil
			default:
				if c, err := ctl.Dial(m.root + "/run/devmgr.sock"); err == nil { // so that somebody looks
					_, _ = c.Do("status")
					c.Close()
				}
			}
		}
	}
	m.start()
	if !m.logged("modules: still loading after 10s; going on") {
		t.Errorf("log: %q", m.log)
	}
	m.is("vda", "0660 0:6")
	m.is("vdb", "")
	letGo()
	m.do("settle")
	m.is("vdb", "0660 0:6")
}

// TestU13_HotplugAsksOnce: what fails is tried once, and said; what settles has
// its modules.
func TestU13_HotplugAsksOnce(t *testing.T) {
	m := newMachine(t)
	k := withModules(m)
	m.must(os.Remove(m.root + "/etc/modules-load.d/a.conf"))
	k.insert = func(module string) error {
		if module == "broken" {
			return errors.New("exec format error")
		}
		return nil
	}
	m.start()
	for i, devpath := range []string{"/devices/pci0/0000:00:02.0", "/devices/pci0/0000:00:03.0", "/devices/pci0/0000:00:04.0"} {
		m.sys.Add(devpath, "pci", "MODALIAS=pci:v"+[]string{"3", "2", "3"}[i])
	}
	m.writeSys()
	for range 50 {
		for _, slot := range []string{"2", "3", "4"} {
			m.send(uevent.Add, "/devices/pci0/0000:00:0"+slot+".0", "pci")
		}
	}
	m.do("settle")
	if got := k.got(); got != "broken core disk net" {
		t.Errorf("inserted %q", got)
	}
	if !m.logged("modules: load broken: exec format error, for \"pci:v3\"") {
		t.Errorf("log: %q", m.log)
	}
	if r := m.do("info", "/devices/pci0/0000:00:04.0"); r[0].Get("modules") != "load broken: exec format error" {
		t.Errorf("info: %q", r[0])
	}
	if r := m.do("status"); r[0].Get("modules") != "3" || r[0].Get("modules_failed") != "1" {
		t.Errorf("status: %q", r[0])
	}
	var states []string
	for _, r := range m.do("module") {
		states = append(states, r.Get("name")+" "+r.Get("state"))
	}
	if got := strings.Join(states, ", "); got != "pci:v1 loaded, pci:v2 loaded, pci:v3 failed" {
		t.Errorf("module: %s", got)
	}
	m.send(uevent.Remove, "/module/net", "module") // rmmod net
	m.do("settle")
	m.sys.Add("/devices/pci0/0000:00:05.0", "pci", "MODALIAS=pci:v2")
	m.writeSys()
	m.send(uevent.Add, "/devices/pci0/0000:00:05.0", "pci")
	m.do("settle")
	if got := k.got(); got != "broken core disk net net" {
		t.Errorf("after rmmod: inserted %q", got)
	}
	m.order(udevctl.Reload)
	m.send(uevent.Remove, "/devices/pci0/0000:00:02.0", "pci")
	m.sys.Add("/devices/pci0/0000:00:06.0", "pci", "MODALIAS=pci:v3")
	m.writeSys()
	m.send(uevent.Add, "/devices/pci0/0000:00:06.0", "pci")
	m.do("settle")
	if got := k.got(); got != "broken broken core disk net net" {
		t.Errorf("after reload: inserted %q", got)
	}
}
