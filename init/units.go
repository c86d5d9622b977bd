package main

import (
	"slashdev/init/children"
	"slashdev/init/cmdline"
	"slashdev/init/console"
	"slashdev/init/files"
	"slashdev/init/plan"
	"slashdev/init/roster"
)

// addUnits makes the table of all children from the plan and the consoles.
func (m *machine) addUnits(p *plan.Plan, words cmdline.Words) {
	m.countKills()
	entries, errs := roster.Of(p, notifyPath, m.terminals(p, words))
	m.report(errs)
	table := files.New(m.k)
	for _, e := range entries {
		switch u := m.add(e); {
		case u == nil || e.Log == "" && e.Name != logger:
		case e.Name == logger:
			u.files, u.passed = table.Logger()
		default:
			u.files = table.Child(e.Log)
		}
	}
	m.report(table.Errors())
}

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
