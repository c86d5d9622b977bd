package main

import (
	"errors"
	"os"

	"slashdev/init/initreq"
	"slashdev/init/linux"
)

// openInitctl makes the FIFO anew and reads it from now on. The reader of an
// older one ends with its file.
func (m *machine) openInitctl() {
	if m.fifo != nil {
		_ = m.fifo.File.Close()
	}
	f, err := linux.Kernel{}.MakeFifo(fifoPath)
	if err != nil {
		m.log("%v", err)
		return
	}
	m.fifo = f
	if err := m.k.Symlink(fifoPath, "/devices/initctl"); err != nil {
		m.log("%v", err)
	}
	go m.readInitctl(f.File)
}

// readInitctl brings requests to the loop. One write of 384 bytes is atomic;
// what does not begin with a whole request is thrown away with all that is
// behind it (devfs-semantics D.3).
func (m *machine) readInitctl(f *os.File) {
	buf := make([]byte, initreq.Size)
	drain := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		r, err := initreq.Decode(buf[:n])
		if err != nil {
			_, _ = f.Read(drain)
			m.post(func() { m.log("%v", err) })
			continue
		}
		m.post(func() { m.initctl(r) })
	}
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

// readNotices brings sd_notify messages to the loop.
func (m *machine) readNotices(d *linux.Datagrams) {
	buf := make([]byte, 4096)
	for {
		n, pid, err := d.Receive(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		notice := initreq.Notify(buf[:n])
		m.post(func() { m.noticed(pid, notice.Ready, notice.Status) })
	}
}
