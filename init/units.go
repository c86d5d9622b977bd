package main

import (
	"strconv"
	"strings"

	"slashdev/init/children"
	"slashdev/init/cmdline"
	"slashdev/init/console"
	"slashdev/init/plan"
	"slashdev/init/roster"
)

// addUnits makes the table of all children from the plan and the consoles.
func (m *machine) addUnits(p *plan.Plan, words cmdline.Words) {
	m.countKills()
	entries, errs := roster.Of(p, notifyPath, m.terminals(p, words))
	m.report(errs)
	pipes := m.openPipes()
	for _, e := range entries {
		var files []int
		switch {
		case e.Name == logger:
			e.Command.Env = append(e.Command.Env,
				"LISTEN_FDS="+strconv.Itoa(len(pipes.reads)), "LISTEN_FDNAMES="+strings.Join(pipes.names, ":"))
			files = append([]int{pipes.null, pipes.kmsg, pipes.kmsg}, pipes.reads...)
		case e.Log != "":
			files = pipes.files(e.Log)
		}
		m.add(e, files)
	}
	m.report(pipes.errs)
}

// logger has the other ends of the pipes, as sd_listen_fds(3) has it. What it
// has to say itself goes to the kernel's log.
const logger = "logd"

// terminals are the consoles that a person can type at, the preferred one first.
func (m *machine) terminals(p *plan.Plan, words cmdline.Words) (all []roster.Terminal) {
	if w, _ := words.Get("init.shell"); p.Shell == "off" || w == "off" {
		return nil
	}
	for _, c := range m.consoles {
		if c.Name != kernelLog {
			tty, term := console.Terminal(c.Name)
			all = append(all, roster.Terminal{Name: tty, Term: term})
		}
	}
	return all
}

// pipes makes the pipes between children and the logger. PID 1 keeps both ends
// of each, so that neither a restarted program nor a restarted logger loses a
// line (S-05).
type pipes struct {
	k          kernel
	null, kmsg int
	names      []string
	reads      []int
	writes     []int
	errs       []error
}

func (m *machine) openPipes() *pipes {
	p := &pipes{k: m.k}
	var err error
	if p.null, err = m.k.Open("/dev/null"); err != nil {
		p.errs = append(p.errs, err)
	}
	if p.kmsg, err = m.k.Open("/devices/kmsg"); err != nil {
		p.kmsg = p.null
	}
	return p
}

// files are the descriptors of a child that prints under this name: no input,
// all output into the pipe.
func (p *pipes) files(name string) []int {
	for i := range p.names {
		if p.names[i] == name {
			return []int{p.null, p.writes[i], p.writes[i]}
		}
	}
	r, w, err := p.k.Pipe()
	if err != nil {
		p.errs = append(p.errs, err)
		return []int{p.null, p.null, p.null}
	}
	p.names, p.reads, p.writes = append(p.names, name), append(p.reads, r), append(p.writes, w)
	return []int{p.null, w, w}
}

// awaitKey starts a shell at the next Enter on its terminal.
func (m *machine) awaitKey(u *unit) {
	keys, err := m.k.OpenKeys(u.entry.Command.Tty)
	if err != nil {
		m.log("%s: %v", u.Name, err)
		return
	}
	go func() {
		defer keys.Close()
		if n, _ := keys.Read(make([]byte, 64)); n > 0 {
			m.post(func() { m.tell(u, children.Event{Kind: children.Start}) })
		}
	}()
}
