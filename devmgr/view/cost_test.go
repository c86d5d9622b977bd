package view

import (
	"fmt"
	"runtime"
	"testing"
)

// heap returns what make leaves on the heap, in bytes.
func heap(make func() any) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return after.HeapAlloc - before.HeapAlloc
}

func manyDevices(n int) *Back {
	b := NewBack()
	for i := range n {
		name := fmt.Sprintf("bus/usb/%03d/%03d", i/100, i%100)
		b.Put(name, Item{Kind: Char, Major: 189, Minor: uint32(i), Key: "/devices/pci0000:00/0000:00:14.0/usb1/" + name})
	}
	return b
}

func TestS3_4_EntriesAndViewsAreSmall(t *testing.T) {
	const entries, views = 10000, 500
	var b *Back
	if got := heap(func() any { b = manyDevices(entries); return b }) / entries; got > 1024 {
		t.Errorf("an entry takes %d bytes, more than 1024", got)
	}
	got := heap(func() any {
		var all []*View
		for range views {
			v := New(b, Options{})
			v.List(Root)
			all = append(all, v)
		}
		return all
	}) / views
	if got > 4096 {
		t.Errorf("an idle view takes %d bytes, more than 4096 of its 16384", got)
	}
	t.Logf("an idle view takes %d bytes", got)
}

func TestS1_21_EventsTouchNoView(t *testing.T) {
	b := manyDevices(1000)
	var views []*View
	for range 500 {
		views = append(views, New(b, Options{NewDev: Hide}))
	}
	gen := b.Generation()
	for i := range 10000 {
		b.Put("sda", Item{Kind: Block, Major: 8, Minor: uint32(i)})
		b.Remove("sda")
	}
	for _, v := range views {
		if v.seen != gen {
			t.Fatal("a view was touched")
		}
	}
	if n := len(b.log.changes); n > 2*max(leastLog, b.Len()) {
		t.Errorf("%d changes are kept", n)
	}
}

func BenchmarkEvents(b *testing.B) {
	for _, views := range []int{1, 500} {
		b.Run(fmt.Sprint(views), func(b *testing.B) {
			back := manyDevices(1000)
			for range views {
				New(back, Options{}).List(Root)
			}
			for b.Loop() {
				back.Put("sda", Item{Kind: Block, Major: 8})
				back.Remove("sda")
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	v := New(manyDevices(10000), Options{})
	p := at(v, "bus/usb/050/050")
	for b.Loop() {
		v.Lookup(p.Dir, p.Name)
	}
}

func BenchmarkList10000(b *testing.B) {
	back := NewBack()
	for i := range 10000 {
		back.Put(fmt.Sprint("loop", i), Item{Kind: Block, Major: 7, Minor: uint32(i)})
	}
	v := New(back, Options{})
	for b.Loop() {
		v.List(Root)
	}
}
