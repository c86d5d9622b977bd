package main

import (
	"errors"
	"io/fs"

	"slashdev/init/children"
	"slashdev/init/cmdline"
	"slashdev/init/files"
	"slashdev/init/linux"
	"slashdev/init/plan"
	"slashdev/init/roster"
)

// addUnits makes the table of all children from the plan and the consoles.
func (m *machine) addUnits(p *plan.Plan, words cmdline.Words) {
	m.slain(0) // from here on kills count
	entries, errs := roster.Of(p, notifyPath, m.terminals(p, words))
	m.report(errs)
	m.files = files.New(m.k, m.kept)
	for _, e := range entries {
		if _, err := m.k.Read(roster.Hooks(e.Name)); e.Role == roster.Ender && e.Name != roster.Teardown && errors.Is(err, fs.ErrNotExist) {
			continue // the image has no hooks for it
		}
		u := m.add(e)
		switch {
		case u == nil:
		case e.Name == roster.Logger:
			u.files, u.passed = m.files.Logger()
		case e.Name == roster.Teardown: // the logger has gone by then
			u.files, _ = m.files.Logger()
		case e.Log != "":
			u.files = m.files.Child(e.Log)
		}
		if u != nil && e.Plan != nil {
			u.passed = m.files.Sockets(e.Name, e.Plan.Listen)
		}
	}
	m.report(m.files.Errors())
}

// terminals are the consoles that a person can type at, the preferred one first.
func (m *machine) terminals(p *plan.Plan, words cmdline.Words) []roster.Terminal {
	if w, _ := words.Get("init.shell"); p.Shell == "off" || w == "off" {
		m.log("the shell is off")
		return nil
	}
	return roster.Terminals(m.consoles)
}

// await does something on the loop once what it waits for has come.
func (m *machine) await(come func() bool, do func()) {
	go func() {
		if come() {
			m.post(do)
		}
	}()
}

// awaitKey starts a shell at the next Enter on its terminal.
func (m *machine) awaitKey(u *unit) {
	keys, err := m.k.OpenKeys(u.entry.Command.Tty)
	if err != nil {
		m.log("%s: %v", u.Name, err)
		return
	}
	m.await(func() bool {
		defer keys.Close()
		n, _ := keys.Read(make([]byte, 64))
		return n > 0
	}, func() { m.tell(u, children.Event{Kind: children.Start}) })
}

// onDemand says whether a program is down until a client comes.
func (u *unit) onDemand() bool {
	return u.State == children.Down && u.entry.Plan != nil && u.entry.Plan.Manual && len(u.passed) > 0
}

// awaitClient starts a program when somebody comes to one of its sockets.
func (m *machine) awaitClient(u *unit) {
	for _, f := range u.passed {
		if !m.awaited[f.FD] { // not since an earlier life
			m.awaited[f.FD] = true
			m.await(func() bool { return m.k.AwaitClient(f.FD) == nil }, func() {
				delete(m.awaited, f.FD)
				m.tell(u, children.Event{Kind: children.Start})
			})
		}
	}
}

// awaitLine gives a program that says so on a descriptor that it is ready the
// end of a pipe for it, which it returns, and waits for a line.
func (m *machine) awaitLine(u *unit, c *linux.Command) int {
	n := u.entry.ReadyFD()
	if n < 0 {
		return -1
	}
	r, w, err := m.k.Pipe()
	if err != nil {
		m.log("%s: %v", u.Name, err)
		return -1
	}
	c.Files = files.With(c.Files, n, w)
	life := u.Lives
	m.await(func() bool { return m.k.AwaitLine(r) }, func() {
		if u.Lives == life {
			m.tell(u, children.Event{Kind: children.Ready})
		}
	})
	return w
}
