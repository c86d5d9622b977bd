package view

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// history is what happened, and what is there in the end.
type history struct {
	events []func(*Back)
	end    map[string]Item
}

func newHistory(rnd *rand.Rand, n int) history {
	h := history{end: map[string]Item{}}
	for range n {
		name := fmt.Sprintf("%c/%c/%d", 'a'+rnd.IntN(3), 'a'+rnd.IntN(3), rnd.IntN(5))
		if rnd.IntN(2) == 0 {
			delete(h.end, name)
			h.events = append(h.events, func(b *Back) { b.Remove(name) })
			continue
		}
		it := char(uint32(rnd.IntN(3)), uint32(rnd.IntN(3)))
		h.end[name] = it
		h.events = append(h.events, func(b *Back) { b.Put(name, it) })
	}
	return h
}

// sync is what a scan does: all that is there is put, the rest goes.
func (h history) sync(b *Back) {
	var gone []string
	walk(New(b, Options{}), Root, "", func(name string, e Entry) {
		if _, there := h.end[name]; !there && e.Kind != Dir {
			gone = append(gone, name)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(h.end)) {
		b.Put(name, h.end[name])
	}
	for _, name := range gone {
		b.Remove(name)
	}
}

// Scanning the end gives what the events give; so does losing any of them and
// scanning then, for views too that were there before, and doing it twice.
func TestS1_22_ScansAndEventsAgree(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		h := newHistory(rnd, 100)
		hot, cold, lossy := NewBack(), NewBack(), NewBack()
		lossy.log.least = 4
		slept := New(lossy, Options{})
		for _, e := range h.events {
			e(hot)
			if rnd.IntN(3) > 0 {
				e(lossy)
			}
		}
		h.sync(cold)
		h.sync(lossy)
		gen := lossy.Generation()
		h.sync(lossy)
		want := show(New(hot, Options{}))
		for what, v := range map[string]*View{"coldplug": New(cold, Options{}), "events lost": New(lossy, Options{}), "a view that slept": slept} {
			if got := show(v); got != want {
				t.Fatalf("seed %d: %s: got\n%s\nwant\n%s", seed, what, got, want)
			}
		}
		if lossy.Generation() != gen {
			t.Errorf("seed %d: a second scan changes something", seed)
		}
		if left := strings.Count(want, "="); hot.Len() < left {
			t.Errorf("seed %d: %d records for %d devices", seed, hot.Len(), left)
		}
	}
}

// Names of unrelated devices may come in any order, and have the same numbers.
func TestS1_23_OrderDoesNotMatter(t *testing.T) {
	a, b := NewBack(), NewBack()
	for i := range 100 {
		put(t, a, fmt.Sprint("d/", i), char(1, uint32(i)))
		put(t, b, fmt.Sprint("d/", 99-i), char(1, uint32(99-i)))
	}
	x, y := New(a, Options{}), New(b, Options{})
	walk(x, Root, "", func(name string, e Entry) {
		if o, err := find(y, name); o != e {
			t.Errorf("%s: %+v, other order %+v (%v)", name, e, o, err)
		}
	})
}

func FuzzOptions(f *testing.F) {
	for _, words := range []string{"preset=jail ro", "newdev=hide hide=tty* show=tty1", "attrs=shared colour=red", "hide=[", "=", "preset=empty preset=full"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, text string) {
		opt, err := ParseOptions(strings.Fields(text))
		if err != nil {
			return
		}
		again, err := ParseOptions(opt.Words())
		if err != nil || strings.Join(again.Words(), " ") != strings.Join(opt.Words(), " ") {
			t.Errorf("%q gives %q, which gives %q (%v)", text, opt.Words(), again.Words(), err)
		}
	})
}
