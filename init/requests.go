package main

import (
	"strconv"
	"time"

	"slashdev/init/children"
	"slashdev/init/control"
	"slashdev/init/line"
	"slashdev/init/waits"
	"slashdev/init/why"
)

// Where others reach PID 1.
const (
	fifoPath    = "/run/initctl"
	controlPath = "/run/slashdev/init.sock"
	notifyPath  = "/run/slashdev/notify"
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
	switch verb {
	case "ls", "status", "halt", "poweroff", "reboot":
		if len(args) > 0 {
			return nil, control.Refuse(control.Usage, "%s takes no argument", verb)
		}
		return m.whole(verb), nil
	case "start", "stop", "restart":
		if len(args) != 1 {
			return nil, control.Refuse(control.Usage, "%s needs one NAME", verb)
		}
		return nil, m.single(verb, args[0])
	case "why":
		if len(args) != 1 || m.unit(args[0]) == nil {
			return nil, control.Refuse(control.NotFound, "why needs the NAME of a program: try ls")
		}
		u := m.unit(args[0])
		missing := waits.Missing(u.entry.Conds, m.met)
		return why.Answer(why.Facts{Child: u.Child, Plan: u.entry.Plan, Missing: missing, Notes: u.notes, Now: time.Now()}), nil
	}
	return nil, control.Refuse(control.Usage, "unknown request %q: use ls, status, why, start, stop, restart, halt, poweroff or reboot", verb)
}

func (m *machine) whole(verb string) []byte {
	switch verb {
	case "ls":
		return m.list()
	case "status":
		return m.state()
	case "halt":
		m.shutdown(halted, "asked for")
	case "poweroff":
		m.shutdown(off, "asked for")
	case "reboot":
		m.shutdown(restart, "asked for")
	}
	return nil
}

func (m *machine) single(verb, name string) error {
	u := m.unit(name)
	if u == nil {
		return control.Refuse(control.NotFound, "no program %s: try ls", name)
	}
	if m.ending != nil {
		return control.Refuse(control.Refused, "the machine is going down")
	}
	kinds := map[string]children.Kind{"start": children.Start, "stop": children.Stop, "restart": children.Again}
	m.tell(u, children.Event{Kind: kinds[verb]})
	return nil
}

func (m *machine) list() []byte {
	var out []byte
	for _, u := range m.units {
		out = append(m.describe(append(out, '='), u), '\n')
	}
	return out
}

func (m *machine) describe(out []byte, u *unit) []byte {
	state := string(u.State)
	switch {
	case u.State == children.Making:
		state = string(children.Starting)
	case u.State == children.Waiting && u.Degraded():
		state = "degraded"
	}
	out = line.Pair(out, "name", u.Name)
	out = line.Pair(out, "state", state)
	out = line.Pair(out, "pid", strconv.Itoa(u.proc.Pid))
	out = line.Pair(out, "restarts", strconv.Itoa(max(u.Starts-1, 0)))
	out = line.Pair(out, "exit", exitText(u.Code))
	out = line.Pair(out, "since", strconv.Itoa(int(time.Since(u.Since).Seconds())))
	return line.Pair(out, "status", u.status)
}

func exitText(code int) string {
	if code < 0 {
		return ""
	}
	return strconv.Itoa(code)
}

func (m *machine) state() []byte {
	stage := [...]string{settling: "booting", starting: "starting", ready: "ready"}[m.stage]
	if m.ending != nil {
		stage = "ending"
	}
	out := line.Pair([]byte{'='}, "stage", stage)
	out = line.Pair(out, "uptime", strconv.Itoa(int(time.Since(m.started).Seconds())))
	return append(out, '\n')
}
