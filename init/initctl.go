package main

import (
	"slashdev/init/control"
	"slashdev/init/initreq"
	"slashdev/init/ipc"
)

// openInitctl makes the FIFO anew, unless one was kept, and reads it from now
// on. The reader of an older one ends with its file.
func (m *machine) openInitctl(kept int) {
	if m.fifo != nil {
		m.fifo.Close()
	}
	f, err := ipc.OpenFifo(fifoPath, kept)
	if err != nil {
		m.log("%v", err)
		return
	}
	m.fifo = f
	if err := m.k.Symlink(fifoPath, "/devices/initctl"); err != nil {
		m.log("%v", err)
	}
	m.doors["initctl"] = control.Open(f, func() {
		control.ReadInitctl(f,
			func(r initreq.Request) { m.post(func() { m.initctl(r) }) },
			func(err error) { m.post(func() { m.log("%v", err) }) })
	})
}

// initctl acts on a request of sysvinit's tools.
func (m *machine) initctl(r initreq.Request) {
	if r.Cmd != initreq.RunLevel {
		m.log("initctl request %d: passed over", r.Cmd)
		return
	}
	switch r.RunLevel {
	case '0':
		m.shutdown(off, "run level 0")
	case '6':
		m.shutdown(restart, "run level 6")
	case 'q', 'Q':
		m.reload()
	default:
		m.log("run level %q: this machine has none but 0 and 6", string(rune(r.RunLevel)))
	}
}
