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
		actions := c.Next(event(w), now)
		if c.State == Held && !strings.HasPrefix(w, "hold") { // nothing is waited for
			actions = append(actions, c.Next(Event{Kind: Go}, now)...)
		}
		for _, a := range actions {
			fmt.Fprintf(&b, "%s ", [...]string{"spawn", "term", "kill"}[a])
		}
	}
	return b.String() + string(c.State)
}

func event(w string) Event {
	kinds := map[string]Kind{"start": Start, "started": Started, "failed": Failed, "stop": Stop, "restart": Again, "tick": Tick, "hold": Start, "go": Go, "ready": Ready, "alive": Alive, "sick": Sick}
	if k, ok := kinds[w]; ok {
		return Event{Kind: k}
	}
	var code int
	outside := strings.HasPrefix(w, "slain")
	fmt.Sscanf(strings.Replace(w, "slain", "exit", 1), "exit%d", &code)
	return Event{Kind: Exited, Code: code, Outside: outside}
}

var (
	always  = Policy{Restart: Always}
	oneshot = Policy{Restart: Always, OneShot: true}
	slow    = Policy{Restart: Always, Notifies: true, ReadyTimeout: time.Minute}
	watched = Policy{Restart: Always, Watchdog: 10 * time.Second}
	timer   = Policy{Restart: Always, Timer: time.Minute}
)

func TestStories(t *testing.T) {
	tests := []struct {
		name   string
		policy Policy
		script string
		want   string
	}{
		{"runs", always, "start started", "spawn up"},
		{"held until what it waits for is there", always, "hold", "held"},
		{"and then made", always, "hold go", "spawn making"},
		{"stopped while held", always, "hold stop", "down"},
		{"S-01 crashed: comes back at once", always, "start started exit139", "spawn spawn making"},
		{"S-10 exit 0 of a daemon", always, "start started exit0", "spawn spawn making"},
		{"always: 125 stops", always, "start started exit125", "spawn down"},
		{"essential: 125 does not", Policy{Restart: Essential}, "start started exit125", "spawn spawn making"},
		{"gokrazy: 0 stops", Policy{Restart: Gokrazy}, "start started exit0", "spawn down"},
		{"gokrazy: 125 stops", Policy{Restart: Gokrazy}, "start started exit125", "spawn down"},
		{"gokrazy: 1 does not", Policy{Restart: Gokrazy}, "start started exit1", "spawn spawn making"},
		{"on-failure: 0 stops", Policy{Restart: OnFailure}, "start started exit0", "spawn down"},
		{"never", Policy{Restart: Never}, "start started exit1", "spawn down"},
		{"one-shot is done", oneshot, "start started exit0", "spawn done"},
		{"one-shot is tried again", oneshot, "start started exit1", "spawn spawn making"},
		{"one-shot once more", oneshot, "start started exit0 start", "spawn spawn making"},
		{"stopped", always, "start started stop exit143", "spawn term down"},
		{"S-04 ignores TERM", always, "start started stop tick+10s exit137", "spawn term kill down"},
		{"TERM is given its time", always, "start started stop tick+9s", "spawn term stopping"},
		{"and as much as the plan says", Policy{Restart: Always, StopTimeout: time.Second}, "start started stop tick+1s exit137", "spawn term kill down"},
		{"stopped while being made", always, "start stop started exit0", "spawn term down"},
		{"restart", always, "start started restart exit0 started", "spawn term spawn up"},
		{"restart while down", always, "restart", "spawn making"},
		{"stopped, then wanted while it ends", always, "start started stop start exit0", "spawn term spawn making"},
		{"S-09 cannot be made: no use in trying at once", always, "start failed", "spawn waiting"},
		{"S-09 and is tried again", always, "start failed tick+1s failed", "spawn spawn waiting"},
		{"S-02 backs off", always, "start " + strings.Repeat("started exit1 ", 6), "spawn " + strings.Repeat("spawn ", 5) + "waiting"},
		{"S-02 and comes back", always, "start " + strings.Repeat("started exit1 ", 6) + "tick+1s", "spawn " + strings.Repeat("spawn ", 6) + "making"},
		{"killed by others: never backs off", always, "start " + strings.Repeat("started slain137+10ms ", 50), strings.Repeat("spawn ", 51) + "making"},
		{"slain at once, maybe by itself: does not spin", always, "start started slain137+9ms", "spawn waiting"},
		{"and comes back ten milliseconds after its birth", always, "start started slain137+4ms tick+6ms", "spawn spawn making"},
		{"killed by others before it is ready: backs off", slow, "start " + strings.Repeat("started slain137 ", 6), strings.Repeat("spawn ", 6) + "waiting"},
		{"stopped while it rests", always, "start " + strings.Repeat("started exit1 ", 6) + "stop tick+60s", "spawn " + strings.Repeat("spawn ", 5) + "down"},
		{"started by hand while it rests", always, "start " + strings.Repeat("started exit1 ", 6) + "start", "spawn " + strings.Repeat("spawn ", 6) + "making"},
		{"a long run forgives", always, "start " + strings.Repeat("started exit1 ", 5) + "started exit1+1m", "spawn " + strings.Repeat("spawn ", 6) + "making"},
		{"ready when it says so", slow, "start started", "spawn starting"},
		{"ready before we know of its birth", slow, "start ready started", "spawn up"},
		{"ready in an earlier life only", slow, "start ready started exit1 started", "spawn spawn starting"},
		{"and then", slow, "start started ready", "spawn up"},
		{"S-07 never ready: stopped and tried again", slow, "start started tick+1m exit143", "spawn term spawn making"},
		{"S-07 and does not end either", slow, "start started tick+1m tick+10s exit137", "spawn term kill spawn making"},
		{"S-07 a long wait is a crash all the same", slow, "start " + strings.Repeat("started tick+1m exit143 ", 6), strings.Repeat("spawn term ", 6) + "waiting"},
		{"signs of life", watched, "start started alive+9s tick+9s", "spawn up"},
		{"no sign of life", watched, "start started alive+9s tick+10s exit143", "spawn term spawn making"},
		{"a sick program is made anew", always, "start started sick exit143", "spawn term spawn making"},
		{"125 of a sick program does not count", always, "start started sick exit125", "spawn term spawn making"},
		{"one-shot stopped in vain has not done its work", Policy{Restart: OnFailure, OneShot: true, Notifies: true, ReadyTimeout: time.Minute}, "start started tick+1m exit0", "spawn term spawn making"},
		{"silent from the start", watched, "start started tick+10s exit143", "spawn term spawn making"},
		{"a restart that was asked for forgives", always, "start " + strings.Repeat("started exit1 ", 5) + "started restart exit143 started exit1", "spawn " + strings.Repeat("spawn ", 5) + "term spawn spawn making"},
		{"and so it does for a sick program", always, "start " + strings.Repeat("started exit1 ", 5) + "started sick restart exit143", "spawn " + strings.Repeat("spawn ", 5) + "term spawn making"},
		{"timer: rests from start to start", timer, "start started exit0+20s tick+39s", "spawn done"},
		{"timer: and runs", timer, "start started exit0+20s tick+40s", "spawn spawn making"},
		{"timer: a failure waits for its turn", timer, "start started exit1", "spawn done"},
		{"timer: a run that takes too long is not overtaken", timer, "start started tick+5m exit0 tick+1s", "spawn spawn making"},
		{"timer: stopped", timer, "start started exit0 stop tick+1h", "spawn down"},
		{"stray events", always, "exit0 started ready alive sick tick failed go", "down"},
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
// child is never lost (it runs, is being made, is held, or has a deadline to
// come back), an unwanted one ends down, and a process that is to end is killed
// at its deadline.
func TestRandomEventsKeepTheRules(t *testing.T) {
	restarts := []Restart{Essential, Always, OnFailure, Gokrazy, Never}
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		pick := func(d time.Duration) time.Duration { return d * time.Duration(r.IntN(2)) }
		m := model{t: t, seed: seed, child: New("x", Policy{
			Restart: restarts[r.IntN(len(restarts))], OneShot: r.IntN(2) == 0, Notifies: r.IntN(2) == 0,
			ReadyTimeout: pick(time.Minute), StopTimeout: pick(time.Second),
			Watchdog: pick(20 * time.Second), Timer: pick(30 * time.Second),
		}, time.Time{})}
		for range 80 {
			m.now = m.now.Add(time.Duration(r.IntN(15)) * time.Second)
			m.step(m.possible(r))
		}
	}
}

// model is what the kernel and people know of a child.
type model struct {
	t               *testing.T
	seed            uint64
	child           *Child
	now             time.Time
	making, running bool
	asked           bool // what a person said last
}

func (m *model) step(e Event) {
	c := m.child
	switch e.Kind {
	case Started:
		m.making, m.running = false, true
	case Failed:
		m.making = false
	case Exited:
		m.running = false
	case Start, Again:
		m.asked = true
	case Stop:
		m.asked = false
	}
	due := c.State == Stopping && !c.Deadline.IsZero() && !m.now.Before(c.Deadline)
	killed := false
	for _, a := range c.Next(e, m.now) {
		killed = killed || a == Kill
		if a == Spawn && (m.making || m.running) {
			m.t.Fatalf("seed %d: a second process", m.seed)
		}
		if a != Spawn && !m.running {
			m.t.Fatalf("seed %d: a signal to nobody", m.seed)
		}
		m.making = m.making || a == Spawn
	}
	m.check(e, due, killed)
}

func (m *model) check(e Event, due, killed bool) {
	c := m.child
	switch {
	case c.Wanted && !m.running && !m.making && c.State != Held && c.State != Done && c.Deadline.IsZero():
		m.t.Fatalf("seed %d: wanted, %s, and nobody will start it", m.seed, c.State)
	case c.Wanted && !m.asked:
		m.t.Fatalf("seed %d: wanted after a stop", m.seed)
	case (c.State == Down || c.State == Held || c.State == Waiting || c.State == Done) && (m.running || m.making):
		m.t.Fatalf("seed %d: %s with a process", m.seed, c.State)
	case c.Running() != m.running:
		m.t.Fatalf("seed %d: %s, and running is %v", m.seed, c.State, m.running)
	case e.Kind == Tick && due && !killed:
		m.t.Fatalf("seed %d: not killed at its deadline", m.seed)
	}
}

// possible picks an event that the kernel or a person could cause now.
func (m *model) possible(r *rand.Rand) Event {
	choices := []Event{{Kind: Start}, {Kind: Stop}, {Kind: Again}, {Kind: Tick}, {Kind: Ready}, {Kind: Alive}, {Kind: Sick}}
	if m.child.State == Held {
		choices = append(choices, Event{Kind: Go})
	}
	if m.making {
		choices = append(choices, Event{Kind: Started}, Event{Kind: Failed})
	}
	if m.running {
		choices = append(choices, Event{Kind: Exited, Code: []int{0, 1, 125, 137}[r.IntN(4)], Outside: r.IntN(2) == 0})
	}
	return choices[r.IntN(len(choices))]
}
