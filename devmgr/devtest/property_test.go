package devtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/rules"
	"slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// world is a machine whose kernel plugs and unplugs devices, and a device
// manager that hears of it, or not.
type world struct {
	t     *testing.T
	sys   *Sys
	pipe  *daemon.Pipeline
	model *Model
	rnd   *rand.Rand
}

func newWorld(t *testing.T, seed uint64) *world {
	sys := NewSys()
	for host := range hosts {
		sys.Add(fmt.Sprintf("/devices/platform/h%d", host), "platform")
	}
	return &world{t, sys, newPipeline(t, sys), NewModel(), rand.New(rand.NewPCG(seed, 7))}
}

// linkRules make many devices claim few links, with priorities of their own.
const linkRules = `
SUBSYSTEM!="block", GOTO="end"
SYMLINK+="best some/$id", TAG+="disk"
KERNEL=="sd[c-j]", OPTIONS+="link_priority=10"
KERNEL=="sd[f-m]", OPTIONS+="link_priority=-10"
KERNEL=="*[aeiou]", SYMLINK+="vowel", GROUP="audio"
ENV{DISKSEQ}=="*[0-4]", SYMLINK+="low", OPTIONS+="link_priority=20"
SUBSYSTEMS=="platform", SYMLINK+="plat/$id"
LABEL="end"
`

func newPipeline(t *testing.T, sys *Sys) *daemon.Pipeline {
	stock, err := rules.Stock(Groups)
	if err != nil {
		t.Fatal(err)
	}
	set, problems := udev.Parse([]udev.File{{Name: "links.rules", Text: linkRules}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return daemon.NewPipeline(sys.FS(), daemon.Policy{Stock: stock, Udev: set, Groups: rules.IDs(Groups)})
}

func (w *world) apply(ops []namespace.Op) {
	w.t.Helper()
	for _, op := range ops {
		if err := w.model.Apply(op); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) hint(action uevent.Action, devpath string) {
	steps, _, err := w.pipe.Hint(uevent.Event{Action: action, DevPath: devpath})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range steps {
		if s.Change.Old != nil && s.Change.Device == nil {
			w.model.RemoveNode(s.Change.Old.DevName)
		}
		w.apply(s.Ops)
	}
}

func (w *world) scan() {
	w.t.Helper()
	err := w.pipe.Sync(func(s daemon.Step) {
		if s.Change.Old != nil && (s.Change.Device == nil || s.Change.Device.DevName != s.Change.Old.DevName) {
			w.model.RemoveNode(s.Change.Old.DevName)
		}
		w.apply(s.Ops)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

const hosts, disks = 4, 5

// toggle plugs or unplugs one of a few devices, some of which share a place
// and so claim the same links, and says what the kernel would send.
func (w *world) toggle() (uevent.Action, string) {
	host, n := w.rnd.IntN(hosts), w.rnd.IntN(disks)
	parent := fmt.Sprintf("/devices/platform/h%d", host)
	devpath, name, minor := parent, "", 0
	if n > 0 {
		minor = host*disks + n
		name = fmt.Sprintf("sd%c", 'a'+minor)
		devpath = parent + "/block/" + name
	}
	_, there := w.sys.devices[devpath]
	switch {
	case there && w.rnd.IntN(4) == 0 && n > 0: // changed
		w.sys.Attr(devpath[1:]+"/uevent", fmt.Sprintf("MAJOR=8\nMINOR=%d\nDEVNAME=%s\nDISKSEQ=%d\n", minor, name, w.rnd.Int()))
		return uevent.Change, devpath
	case there && n > 0:
		w.sys.Remove(devpath)
		return uevent.Remove, devpath
	case n > 0:
		w.sys.Add(devpath, "block", "MAJOR=8", fmt.Sprintf("MINOR=%d", minor), "DEVNAME="+name, "DEVTYPE=disk")
		return uevent.Add, devpath
	}
	return uevent.Change, devpath
}

// fresh is what a device manager that starts now makes of the machine.
func (w *world) fresh() string {
	o := newWorld(w.t, 0)
	o.sys, o.pipe = w.sys, newPipeline(w.t, w.sys)
	o.scan()
	return o.model.String()
}

func (w *world) same(what string) {
	w.t.Helper()
	if got, want := w.model.String(), w.fresh(); got != want {
		w.t.Fatalf("%s\ngot:\n%swant:\n%s", what, got, want)
	}
}

const seeds = 30

func TestColdplugEqualsHotplug(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(t, seed)
		for i := range 60 {
			w.hint(w.toggle())
			if i%7 == 0 {
				w.same(fmt.Sprintf("seed %d, step %d", seed, i))
			}
		}
		w.same(fmt.Sprintf("seed %d", seed))
	}
}

func TestU02_LossyEqualsLosslessAfterResync(t *testing.T) {
	lost := 0
	for seed := range uint64(seeds) {
		w := newWorld(t, seed)
		for range 80 {
			action, devpath := w.toggle()
			if w.rnd.IntN(3) == 0 {
				lost++
				continue
			}
			w.hint(action, devpath)
		}
		w.scan()
		w.same(fmt.Sprintf("seed %d", seed))
	}
	if lost == 0 {
		t.Error("no event was lost: this test tests nothing")
	}
}

// Late, doubled and reordered hints end in the same state, because each looks
// at what is true when it is handled.
func TestU03_OrderOfHintsDoesNotMatter(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(t, seed)
		type hint struct {
			action  uevent.Action
			devpath string
		}
		var late []hint
		for range 60 {
			a, p := w.toggle()
			late = append(late, hint{a, p}, hint{a, p})
		}
		w.rnd.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
		for _, h := range late {
			w.hint(h.action, h.devpath)
		}
		w.same(fmt.Sprintf("seed %d", seed))
	}
}

func TestAllIsExactAndIdempotent(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(t, seed)
		for range 60 {
			w.hint(w.toggle())
		}
		before := w.model.String()
		w.apply(w.pipe.All())
		if after := w.model.String(); after != before {
			t.Fatalf("seed %d: doing everything again changed\n%sto\n%s", seed, before, after)
		}
		w.model = NewModel()
		w.apply(w.pipe.All())
		if again := w.model.String(); again != before {
			t.Fatalf("seed %d: from nothing\n%swant\n%s", seed, again, before)
		}
	}
}

func TestU11_LinkIsHandedOver(t *testing.T) {
	w := newWorld(t, 1)
	stock, _ := rules.Stock(Groups)
	w.pipe = daemon.NewPipeline(w.sys.FS(), daemon.Policy{Stock: stock})
	const link = "disk/by-path/platform-p "
	add := func(name string, minor int) {
		w.sys.Add("/devices/platform/p/block/"+name, "block", "MAJOR=8", fmt.Sprintf("MINOR=%d", minor), "DEVNAME="+name, "DEVTYPE=disk")
		w.hint(uevent.Add, "/devices/platform/p/block/"+name)
	}
	remove := func(name string) {
		w.sys.Remove("/devices/platform/p/block/" + name)
		w.hint(uevent.Remove, "/devices/platform/p/block/"+name)
	}
	leadsTo := func(want string) {
		t.Helper()
		if got := w.model.String(); !strings.Contains(got, link+"-> ../../"+want+"\n") {
			t.Errorf("%snot to %s:\n%s", link, want, got)
		}
	}
	w.sys.Add("/devices/platform/p", "platform")
	add("sdb", 16)
	leadsTo("sdb")
	add("sda", 0)
	leadsTo("sda")
	add("sdc", 32)
	leadsTo("sda")
	remove("sda")
	leadsTo("sdb")
	remove("sdc")
	leadsTo("sdb")
	remove("sdb")
	if got := w.model.String(); strings.Contains(got, link) {
		t.Errorf("a link is left:\n%s", got)
	}
}
