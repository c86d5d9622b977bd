package devtree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"slashdev/devmgr/uevent"
)

func disk(path, name string, minor int) uevent.Event {
	env := fmt.Sprintf("MAJOR=8\nMINOR=%d\nDEVNAME=%s\nDEVTYPE=disk\n", minor, name)
	return uevent.Event{Action: uevent.Add, DevPath: path, Subsystem: "block", Env: uevent.Lines(env)}
}

func describe(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		switch {
		case c.Old == nil:
			b.WriteString("+")
		case c.Device == nil:
			b.WriteString("-")
		case c.Old == c.Device:
			b.WriteString("=")
		default:
			b.WriteString("*")
		}
		b.WriteString(c.DevPath() + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestApply(t *testing.T) {
	sda, other := disk("/devices/a", "sda", 0), disk("/devices/a", "sda", 16)
	remove := uevent.Event{Action: uevent.Remove, DevPath: "/devices/a"}
	steps := []struct {
		name    string
		hint    uevent.Event
		present *uevent.Event
		want    string
	}{
		{"an add", sda, &sda, "+/devices/a"},
		{"the same again", sda, &sda, "=/devices/a"},
		{"a change", sda, &other, "*/devices/a"},
		{"an add that comes after the device has gone", sda, nil, "-/devices/a"},
		{"a remove of what is not known", remove, nil, ""},
		{"a remove while a new device has the path", remove, &sda, "+/devices/a"},
		{"again", remove, &other, "-/devices/a +/devices/a"},
		{"a remove", remove, nil, "-/devices/a"},
	}
	tree := New()
	for _, s := range steps {
		if got := describe(tree.Apply(s.hint, s.present)); got != s.want {
			t.Errorf("%s: got %q, want %q", s.name, got, s.want)
		}
	}
	if tree.Len() != 0 {
		t.Errorf("%d devices left", tree.Len())
	}
}

func TestSync(t *testing.T) {
	tree := New()
	for _, ev := range []uevent.Event{disk("/devices/a", "sda", 0), disk("/devices/a/b", "sdb", 1), disk("/devices/c", "sdc", 2)} {
		tree.Put(ev)
	}
	scan := slices.Values([]uevent.Event{disk("/devices/c", "sdc", 3), disk("/devices/d", "sdd", 4)})
	got := describe(slices.Collect(tree.Sync(scan)))
	if want := "*/devices/c +/devices/d -/devices/a/b -/devices/a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var paths []string
	for _, d := range tree.All() {
		paths = append(paths, d.DevPath)
	}
	if want := []string{"/devices/c", "/devices/d"}; !slices.Equal(paths, want) {
		t.Errorf("left %q, want %q", paths, want)
	}
}

func TestNewDeviceTrustsNoName(t *testing.T) {
	for _, name := range []string{"../etc/passwd", "/etc/passwd", "", ".", "a/../../b"} {
		if d := NewDevice(disk("/devices/a", name, 0)); d.HasNode() {
			t.Errorf("DEVNAME=%q gives node %q", name, d.DevName)
		}
	}
	d := NewDevice(disk("/devices/x/sdq", "sdq", 16))
	if !d.HasNode() || !d.Block || d.Number() != "8:16" || d.Name() != "sdq" || d.DevType() != "disk" {
		t.Errorf("got %+v", d)
	}
}

func TestU03_Sequence(t *testing.T) {
	tests := []struct {
		name string
		nums []uint64
		gap  bool
	}{
		{"nothing", nil, false},
		{"in order", []uint64{7, 8, 9}, false},
		{"a scan's events", []uint64{7, 0, 0, 8}, false},
		{"duplicates", []uint64{7, 7, 8, 8, 7}, false},
		{"neighbours swapped", []uint64{7, 9, 8, 10}, false},
		{"three late", []uint64{1, 5, 4, 2, 3, 6}, false},
		{"one lost", []uint64{7, 9, 10}, true},
		{"one of two lost", []uint64{7, 10, 9}, true},
		{"very many lost", []uint64{1, 1 << 40, 2, 3}, true},
	}
	for _, tt := range tests {
		var s Sequence
		for _, n := range tt.nums {
			s.Note(n)
		}
		if s.Gap() != tt.gap {
			t.Errorf("%s: Gap() = %v, want %v", tt.name, s.Gap(), tt.gap)
		}
		s.Forget()
		if s.Gap() {
			t.Errorf("%s: a gap is left after Forget", tt.name)
		}
	}
}
