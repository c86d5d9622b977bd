package watch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestOrderAndMissed(t *testing.T) {
	var h Hub
	h.Publish(Record{Name: "before"})
	fast, slow := h.Subscribe(0), h.Subscribe(2)
	defer fast.Close()
	defer slow.Close()
	for _, name := range []string{"a", "b", "c", "d"} {
		h.Publish(Record{Name: name})
	}
	expect(t, fast, Record{Name: "a"}, Record{Name: "b"}, Record{Name: "c"}, Record{Name: "d"})
	expect(t, slow, Record{Name: "a"}, Record{Name: "b"}, Record{Missed: 2})
	h.Publish(Record{Name: "e"})
	expect(t, slow, Record{Name: "e"})
	for _, name := range []string{"f", "g", "h"} {
		h.Publish(Record{Name: name})
	}
	expect(t, slow, Record{Name: "f"})
	h.Publish(Record{Name: "i"}) // there is room, but what was missed came before it
	expect(t, slow, Record{Name: "g"}, Record{Missed: 2})
	h.Publish(Record{Name: "j"})
	expect(t, slow, Record{Name: "j"})
	h.Close()
	expect(t, fast, Record{Name: "e"}, Record{Name: "f"}, Record{Name: "g"}, Record{Name: "h"}, Record{Name: "i"}, Record{Name: "j"})
	if _, err := fast.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func expect(t *testing.T, s *Sub, want ...Record) {
	t.Helper()
	for _, w := range want {
		if got, err := s.Next(context.Background()); err != nil || got != w {
			t.Errorf("got %+v, %v; want %+v", got, err, w)
		}
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		s := h.Subscribe(0)
		ctx, cancel := context.WithCancel(context.Background())
		got := make(chan Record)
		go func() {
			r, _ := s.Next(ctx)
			got <- r
			_, err := s.Next(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			close(got)
		}()
		synctest.Wait()
		h.Publish(Record{Name: "x"})
		if r := <-got; r.Name != "x" {
			t.Errorf("got %+v", r)
		}
		cancel()
		<-got
	})
}
