package main

import (
	"slices"
	"time"

	"slashdev/init/cgroup"
	"slashdev/init/children"
	"slashdev/init/control"
	"slashdev/init/runlevel"
	"slashdev/init/waits"
	"slashdev/init/why"
)

// Where others reach PID 1.
const (
	fifoPath    = "/run/initctl"
	controlPath = "/run/slashdev/init.sock"
	notifyPath  = "/run/slashdev/notify"
	telinitPath = "/run/slashdev/telinit"
)

// ask brings a request to the loop and waits for the reply.
func (m *machine) ask(words []string) (out []byte, err error) {
	done := make(chan struct{})
	err = control.Refuse(control.Failed, "internal error: see the console")
	m.post(func() {
		defer close(done)
		out, err = m.request(words)
	})
	<-done
	return out, err
}

// request acts on one request. The loop calls it.
func (m *machine) request(words []string) ([]byte, error) {
	verb, args := words[0], words[1:]
	if runlevel.Knows(verb) {
		return nil, m.wish(words)
	}
	switch verb {
	case "ls", "status":
		if len(args) > 0 {
			return nil, control.Refuse(control.Usage, "%s takes no argument", verb)
		}
		return m.whole(verb), nil
	case "why", "start", "stop", "restart":
		if len(args) != 1 {
			return nil, control.Refuse(control.Usage, "%s needs one NAME", verb)
		}
		return m.single(verb, args[0])
	}
	return nil, control.Refuse(control.Usage, "unknown request %q: use ls, status, why, start, stop, restart, "+runlevel.Verbs, verb)
}

func (m *machine) whole(verb string) []byte {
	if verb == "status" {
		stage := [...]string{settling: "booting", starting: "starting", ready: "ready"}[m.stage]
		if m.ending != nil {
			stage = "ending"
		}
		return why.Stage(stage, time.Since(m.started))
	}
	var out []byte
	for _, u := range m.units {
		out = why.Row(out, u.facts(m))
	}
	return out
}

func (m *machine) single(verb, name string) ([]byte, error) {
	u := m.unit(name)
	switch {
	case u == nil:
		return nil, control.Refuse(control.NotFound, "no program %s: try ls", name)
	case verb == "why":
		return why.Answer(u.facts(m)), nil
	case m.ending != nil:
		return nil, control.Refuse(control.Refused, "the machine is going down")
	}
	kinds := map[string]children.Kind{"start": children.Start, "stop": children.Stop, "restart": children.Again}
	m.tell(u, children.Event{Kind: kinds[verb]})
	return nil, nil
}

func (u *unit) facts(m *machine) why.Facts {
	return why.Facts{
		Child: &u.Child, Plan: u.entry.Plan, Pid: u.Proc.Pid, Status: u.Status, Notes: slices.Concat(u.refused, u.events, cgroup.Events(m.k, u.cgroup())),
		Missing: waits.Missing(u.entry.Conds, m.met), Now: time.Now(),
	}
}
