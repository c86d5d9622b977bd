package children

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// story feeds events to a child and writes down what it answers.
func story(policy Policy, script string) string {
	var now time.Time
	c := New("x", policy, now)
	var b strings.Builder
	for _, w := range strings.Fields(script) {
		var after time.Duration
		if name, d, ok := strings.Cut(w, "+"); ok {
			after, _ = time.ParseDuration(d)
			w = name
		}
		now = now.Add(after)
		for _, a := range c.Next(event(w), now) {
			fmt.Fprintf(&b, "%s ", [...]string{"spawn", "term", "kill"}[a])
		}
	}
	return b.String() + string(c.State)
}

func event(w string) Event {
	kinds := map[string]Kind{"start": Start, "started": Started, "failed": Failed, "stop": Stop, "restart": Restart, "tick": Tick}
	if k, ok := kinds[w]; ok {
		return Event{Kind: k}
	}
	var code int
	fmt.Sscanf(w, "exit%d", &code)
	return Event{Kind: Exited, Code: code}
}

func TestStories(t *testing.T) {
	tests := []struct {
		name   string
		policy Policy
		script string
		want   string
	}{
		{"runs", Always, "start started", "spawn up"},
		{"S-01 killed: comes back at once", Always, "start started exit137", "spawn spawn starting"},
		{"S-10 exit 0 of a daemon", Always, "start started exit0", "spawn spawn starting"},
		{"gokrazy: 0 stops", Gokrazy, "start started exit0", "spawn down"},
		{"gokrazy: 125 stops", Gokrazy, "start started exit125", "spawn down"},
		{"gokrazy: 1 does not", Gokrazy, "start started exit1", "spawn spawn starting"},
		{"never", Never, "start started exit1", "spawn down"},
		{"stopped", Always, "start started stop exit143", "spawn term down"},
		{"S-04 ignores TERM", Always, "start started stop tick+10s exit137", "spawn term kill down"},
		{"TERM is given its time", Always, "start started stop tick+9s", "spawn term stopping"},
		{"stopped while starting", Always, "start stop started exit0", "spawn term down"},
		{"restart", Always, "start started restart exit0 started", "spawn term spawn up"},
		{"restart while down", Always, "restart", "spawn starting"},
		{"S-09 cannot be made: no use in trying at once", Always, "start failed", "spawn waiting"},
		{"S-09 and is tried again", Always, "start failed tick+1s failed", "spawn spawn waiting"},
		{"S-02 backs off", Always, "start " + strings.Repeat("started exit1 ", 6), "spawn " + strings.Repeat("spawn ", 5) + "waiting"},
		{"S-02 and comes back", Always, "start " + strings.Repeat("started exit1 ", 6) + "tick+1s", "spawn " + strings.Repeat("spawn ", 6) + "starting"},
		{"stopped while it rests", Always, "start " + strings.Repeat("started exit1 ", 6) + "stop tick+60s", "spawn " + strings.Repeat("spawn ", 5) + "down"},
		{"started by hand while it rests", Always, "start " + strings.Repeat("started exit1 ", 6) + "start", "spawn " + strings.Repeat("spawn ", 6) + "starting"},
		{"a long run forgives", Always, "start " + strings.Repeat("started exit1 ", 5) + "started exit1+1m", "spawn " + strings.Repeat("spawn ", 6) + "starting"},
		{"stray events", Always, "exit0 started tick failed", "down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := story(tt.policy, tt.script); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
			}
		})
	}
}

func TestBackoffGrowsToItsBound(t *testing.T) {
	want := []time.Duration{0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30}
	for n, w := range want {
		if got := Backoff(n); got != w*time.Second {
			t.Errorf("Backoff(%d) = %s, want %ds", n, got, w)
		}
	}
	if got := Backoff(1 << 30); got != maxBackoff {
		t.Errorf("Backoff(2^30) = %s", got)
	}
}

// Whatever happens in whatever order: at most one process exists, a wanted
// child is never lost (up, being made, or with a deadline to come back), and
// an unwanted one ends down.
func TestRandomEventsKeepTheRules(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		var now time.Time
		policy := []Policy{Always, Gokrazy, Never}[r.IntN(3)]
		c := New("x", policy, now)
		spawning, running := false, false
		for range 60 {
			now = now.Add(time.Duration(r.IntN(15)) * time.Second)
			ev := possible(r, spawning, running)
			switch ev.Kind {
			case Started:
				spawning, running = false, true
			case Failed:
				spawning = false
			case Exited:
				running = false
			}
			for _, a := range c.Next(ev, now) {
				if a != Spawn {
					continue
				}
				if spawning || running {
					t.Fatalf("seed %d: a second process", seed)
				}
				spawning = true
			}
			if c.wanted && !running && !spawning && c.Deadline.IsZero() {
				t.Fatalf("seed %d: wanted, %s, and nobody will start it", seed, c.State)
			}
			if c.State == Down && (running || spawning) {
				t.Fatalf("seed %d: down with a process", seed)
			}
		}
	}
}

// possible picks an event that the kernel or a person could cause now.
func possible(r *rand.Rand, spawning, running bool) Event {
	choices := []Event{{Kind: Start}, {Kind: Stop}, {Kind: Restart}, {Kind: Tick}}
	if spawning {
		choices = append(choices, Event{Kind: Started}, Event{Kind: Failed})
	}
	if running {
		choices = append(choices, Event{Kind: Exited, Code: []int{0, 1, 125, 137}[r.IntN(4)]})
	}
	return choices[r.IntN(len(choices))]
}
