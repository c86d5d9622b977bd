package devtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slashdev/devmgr/recording"
	"slashdev/devmgr/uevent"
)

// recordings returns the machines in testdata/recorded, which were booted by
//
//	slashdev run --machine pc --exec 'dev capture' >pc.umockdev
func recordings(t *testing.T) map[string]*recording.Recording {
	t.Helper()
	files, _ := filepath.Glob("testdata/recorded/*.umockdev")
	if len(files) < 3 {
		t.Fatalf("recordings are missing: %q", files)
	}
	all := map[string]*recording.Recording{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if all[file], err = recording.Parse(string(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return all
}

func play(t *testing.T, r *recording.Recording) *Replay {
	t.Helper()
	policy, problems, err := Rules("testdata/recorded/rules")
	if err != nil || problems != nil {
		t.Fatal(err, problems)
	}
	p := NewReplay(r, policy)
	if err := p.Coldplug(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Replay) text() string {
	var b strings.Builder
	for _, s := range p.Devices() {
		if text := s.String(); strings.Count(text, "\n") > 1 {
			b.WriteString(text)
		}
	}
	return b.String()
}

// Nodes, links and properties of three machines.
func TestRecordedMachines(t *testing.T) {
	for file, r := range recordings(t) {
		t.Run(path.Base(file), func(t *testing.T) {
			p := play(t, r)
			got := p.text()
			golden := strings.TrimSuffix(file, ".umockdev") + ".golden"
			if flag.Lookup("update").Value.String() == "true" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := os.ReadFile(golden)
			if got != string(want) {
				t.Errorf("%s: %s", golden, firstDifference(got, string(want)))
			}
			if f := p.Faults(); len(f) > 0 {
				t.Errorf("steps that cannot be done: %q", f)
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i+1, g[i], append(w, "the end")[min(i, len(w))])
		}
	}
	return fmt.Sprintf("%d lines are missing", len(w)-len(g))
}

// What a scan of a machine finds is what comes of the events of its devices,
// in any order in which they may come: parents first. The events are hints, so
// all devices may be there before the first is heard of; what the kernel adds
// together, a disk and the port that it hangs on, does not come apart.
func TestRecordedColdplugEqualsHotplug(t *testing.T) {
	for file, r := range recordings(t) {
		cold := play(t, r)
		want, plan := cold.text(), cold.Plan()
		for seed := range uint64(5) {
			p := play(t, &recording.Recording{})
			for i := range r.Devices {
				p.Sys.Put(&r.Devices[i])
			}
			for _, d := range shuffled(r.Devices, rand.New(rand.NewPCG(seed, 1))) {
				ev := uevent.Event{Action: uevent.Add, DevPath: d.DevPath, Subsystem: d.Subsystem, Env: d.Env}
				if err := p.Event(recording.Event{Event: ev}); err != nil {
					t.Fatal(err)
				}
			}
			if got := p.text(); got != want {
				t.Errorf("%s, seed %d: %s", file, seed, firstDifference(got, want))
			}
			if got := p.Plan(); got != plan {
				t.Errorf("%s, seed %d: the plan differs: %s", file, seed, firstDifference(got, plan))
			}
		}
	}
}

// shuffled returns the devices in a random order, but parents first.
func shuffled(devices []recording.Device, rnd *rand.Rand) (all []recording.Device) {
	waiting := map[string][]recording.Device{} // by the nearest device above
	var ready []recording.Device
	known := map[string]bool{}
	for _, d := range devices {
		known[d.DevPath] = true
	}
	for _, d := range devices {
		dir := path.Dir(d.DevPath)
		for !known[dir] && len(dir) > 1 {
			dir = path.Dir(dir)
		}
		if known[dir] {
			waiting[dir] = append(waiting[dir], d)
		} else {
			ready = append(ready, d)
		}
	}
	for len(ready) > 0 {
		i := rnd.IntN(len(ready))
		d := ready[i]
		ready = slices.Delete(ready, i, i+1)
		all = append(all, d)
		ready = append(ready, waiting[d.DevPath]...)
	}
	return all
}

// Pulling everything out leaves nothing.
func TestRecordedMachineIsPulledApart(t *testing.T) {
	for file, r := range recordings(t) {
		p := play(t, r)
		for _, d := range slices.Backward(r.Devices) {
			ev := uevent.Event{Action: uevent.Remove, DevPath: d.DevPath, Subsystem: d.Subsystem}
			if err := p.Event(recording.Event{Event: ev}); err != nil {
				t.Fatal(err)
			}
		}
		if left := p.model.String(); left != "" || len(p.Devices()) > 0 {
			t.Errorf("%s: is left:\n%s", file, left)
		}
	}
}

// Events that were recorded with a machine change it.
func TestRecordedEvents(t *testing.T) {
	r, err := recording.Parse(`
P: /devices/virtual/mem/null
E: SUBSYSTEM=mem
E: MAJOR=1
E: MINOR=3
E: DEVNAME=null

# uevent: add /devices/virtual/block/ram0

P: /devices/virtual/block/ram0
E: SUBSYSTEM=block
E: MAJOR=1
E: MINOR=0
E: DEVNAME=ram0

# uevent: remove /devices/virtual/mem/null
`)
	if err != nil {
		t.Fatal(err)
	}
	p := play(t, r)
	for _, e := range r.Events {
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	want := "/devices/virtual/block/ram0 block\n  node ram0 1:0 0660 root:disk\n  link block/1:0\n"
	if got := p.text(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// 4,096 disks at the start: each has its owner and its links, and the steps
// grow with the disks.
func TestU15_ManyDevicesAtColdplug(t *testing.T) {
	const n = 4096
	w := newWorld(t, 1)
	steps := 0
	for i := range n {
		name := fmt.Sprintf("nullb%d", i)
		env := fmt.Sprintf("MAJOR=252\x00MINOR=%d\x00DEVNAME=%s\x00DEVTYPE=disk\x00", i, name)
		s := w.pipe.Present(uevent.Event{Action: uevent.Add, DevPath: "/devices/virtual/block/" + name, Subsystem: "block", Env: uevent.Env(env)})
		steps += len(s.Ops)
		w.apply(s.Ops)
	}
	dev := w.model.String()
	for _, i := range []int{0, n / 2, n - 1} {
		for _, want := range []string{fmt.Sprintf("nullb%d b 252:%d 0660 root:disk\n", i, i), fmt.Sprintf("block/252:%d -> ../nullb%d\n", i, i)} {
			if !strings.Contains(dev, want) {
				t.Errorf("no %q", want)
			}
		}
	}
	if most := 3 * n; strings.Count(dev, "\n") < 2*n || steps > most {
		t.Errorf("%d steps, %d entries", steps, strings.Count(dev, "\n"))
	}
}
