package daemon

import (
	"testing"
	"time"
)

// A gap that closes was the order of delivery; one that does not, a loss.
func TestGapGetsTimeToClose(t *testing.T) {
	var r repair
	now := time.Unix(1000, 0)
	r.note(1, now)
	r.note(3, now)
	if want := now.Add(gapTime); !r.due.Equal(want) {
		t.Errorf("with a gap: due %v, want %v", r.due, want)
	}
	r.note(2, now)
	if !r.due.IsZero() {
		t.Errorf("the gap has closed: due %v", r.due)
	}
	r.note(5, now)
	r.overrun(now)
	r.note(4, now)
	if want := now.Add(overrunTime); !r.due.Equal(want) {
		t.Errorf("an overrun stays one: due %v, want %v", r.due, want)
	}
}

// Gaps that come from other network namespaces must not cost much.
func TestUselessComparisonsGetRarer(t *testing.T) {
	var r repair
	now := time.Unix(1000, 0)
	var rests []time.Duration
	for seq := uint64(1); len(rests) < 8; seq += 3 {
		r.note(seq, now)
		r.note(seq+2, now)
		rests = append(rests, r.due.Sub(now))
		now = r.due
		r.done(now, time.Millisecond, false)
	}
	for i := 2; i < len(rests); i++ {
		if rests[i] < rests[i-1] || rests[i] > maxRest {
			t.Errorf("rests %v", rests)
			break
		}
	}
	if rests[7] < 10*time.Second {
		t.Errorf("rests %v: they do not grow", rests)
	}
}

// While a storm lasts, comparing takes a small part of the time; when it is over
// nobody has to wait for what it has cost.
func TestRepairAfterStorm(t *testing.T) {
	var r repair
	start := time.Unix(1000, 0)
	r.overrun(start)
	r.done(start, time.Second, true)
	now := start
	for seq := uint64(1); now.Before(start.Add(5 * time.Second)); seq++ {
		now = now.Add(10 * time.Millisecond)
		r.note(seq, now)
		r.overrun(now)
		if !now.Before(r.at()) {
			t.Fatalf("compares again %s after it took a second", now.Sub(start))
		}
	}
	if wait := r.at().Sub(now); wait <= 0 || wait > time.Second {
		t.Errorf("compares %s after the last event", wait)
	}
}
