package why

import (
	"strings"
	"testing"
	"time"

	"slashdev/init/children"
	"slashdev/init/plan"
	"slashdev/init/waits"
)

func TestReasons(t *testing.T) {
	tests := []struct {
		name    string
		policy  children.Restart
		plan    plan.Program
		missing []waits.Condition
		events  []children.Event
		want    string
	}{
		{"waits", children.Always, plan.Program{}, []waits.Condition{{Kind: waits.Device, Name: "ttyUSB0"}, {Kind: waits.Clock}},
			events(children.Start), "held for 3s; it waits for device ttyUSB0; it waits for the clock to be set"},
		{"not ready", children.Always, plan.Program{Ready: "tcp:localhost:80"}, nil,
			events(children.Start, children.Go, children.Started), "starting for 3s; it is not ready: that is said by tcp:localhost:80"},
		{"manual", children.Always, plan.Program{Manual: true}, nil,
			nil, "down for 3s; the plan does not start it at boot: svc start x"},
		{"finished", children.Gokrazy, plan.Program{}, nil,
			append(events(children.Start, children.Go, children.Started), children.Event{Kind: children.Exited, Code: 125}),
			"down for 3s; it ended last by exit 125; restart policy gokrazy lets it stay down after that"},
		{"not launched", children.Gokrazy, plan.Program{ReadOnly: true}, nil,
			append(events(children.Start, children.Go, children.Started, children.Stop), children.Event{Kind: children.Exited, Code: 111}),
			"down for 3s; it ended last by exit 111; it was not launched: svc log x has the reason; somebody stopped it"},
		{"stopped", children.Always, plan.Program{}, nil,
			append(events(children.Start, children.Go, children.Started, children.Stop), children.Event{Kind: children.Exited, Code: 143}),
			"down for 3s; it ended last by signal 15; somebody stopped it"},
		{"cannot be made", children.Always, plan.Program{}, nil,
			events(children.Start, children.Go, children.Failed),
			"degraded: it rests before the next start for 3s; it could not be started; it crashed 6 times in a row; the next start is in 0s; no controller"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var now time.Time
			c := children.New("x", children.Policy{Restart: tt.policy, Notifies: tt.plan.Ready != ""}, now)
			for _, e := range tt.events {
				c.Next(e, now)
			}
			f := Facts{Child: c, Plan: &tt.plan, Missing: tt.missing, Now: now.Add(3 * time.Second)}
			if tt.name == "cannot be made" {
				f.Notes = []string{"no controller"}
			}
			var texts []string
			for _, r := range Reasons(f) {
				texts = append(texts, r.Text)
			}
			if got := strings.Join(texts, "; "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func events(kinds ...children.Kind) (all []children.Event) {
	for _, k := range kinds {
		all = append(all, children.Event{Kind: k})
	}
	return all
}
