package main

import (
	"runtime"
	"time"

	"slashdev/init/control"
	"slashdev/init/initreq"
	"slashdev/init/ipc"
	"slashdev/init/signals"
)

// openInitctl makes the FIFO anew, unless one was kept, and reads it from now
// on. The reader of an older one ends with its file.
func (m *machine) openInitctl() {
	m.closeInitctl()
	f, err := ipc.OpenFifo(fifoPath, m.kept["initctl"])
	if err != nil {
		m.log("%v", err)
		return
	}
	m.fifo = f
	m.report([]error{m.k.Symlink(fifoPath, "/devices/initctl")})
	m.doors["initctl"] = control.Open(f, func() {
		control.ReadInitctl(f,
			func(r initreq.Request) { m.post(func() { m.report([]error{m.initctl(r)}) }) },
			func(err error) { m.post(func() { m.log("%v", err) }) })
	})
}

// closeInitctl leaves the FIFO closed until somebody has it reopened.
func (m *machine) closeInitctl() {
	if m.fifo != nil {
		m.fifo.Close()
		m.fifo = nil
		delete(m.doors, "initctl")
	}
}

// initctl acts on a request of sysvinit's tools.
func (m *machine) initctl(r initreq.Request) error {
	d, err := m.level.Act(r)
	m.grace = time.Duration(r.SleepTime) * time.Second
	m.do(d, "initctl")
	return err
}

// wish acts on a request of the control socket for the machine as a whole.
func (m *machine) wish(words []string) error {
	w, err := m.level.Wish(words)
	if err != nil {
		return control.Refuse(control.Usage, "%v", err)
	}
	m.grace, m.boot = w.Grace, w.Boot
	m.do(w.Deed, "asked for")
	return nil
}

// enter goes to the run level of a deed and writes it to where halt(8) of
// sysvinit looks.
func (m *machine) enter(d signals.Deed) {
	m.level.Enter(d)
	m.report([]error{m.k.Store("/run/utmp", m.level.Utmp(time.Now(), runtime.GOARCH == "arm64"))})
}
