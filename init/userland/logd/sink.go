package logd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"slashdev/init/userland/logd/ring"
)

// cursor remembers in a file how far a sink has come, for the logger after us:
// what a sink was given without the cursor having moved is given again.
type cursor struct {
	file *os.File
	at   ring.Cursor
}

func openCursor(dir, name string) (*cursor, error) {
	f, err := os.OpenFile(filepath.Join(dir, name+".cursor"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	c := &cursor{file: f}
	var text [42]byte
	n, _ := f.ReadAt(text[:], 0)
	if _, err := fmt.Sscan(string(text[:n]), &c.at.Offset, &c.at.Seq); err != nil {
		c.at = ring.Cursor{} // new, or torn: from the beginning
	}
	return c, nil
}

func (c *cursor) save(at ring.Cursor) {
	c.at = at
	_, _ = c.file.WriteAt(fmt.Appendf(nil, "%20d %20d\n", at.Offset, at.Seq), 0) // at worst lines come twice
}

// sink is where records go: put takes them, and says with an error that it
// never will.
type sink struct {
	name string
	put  func(ctx context.Context, list []ring.Record, lost int) error
}

// feed gives a sink the records from where it was until the ring is closed.
// Whatever the sink waits for, nobody waits for the sink.
func (l *Logger) feed(ctx context.Context, s sink) {
	c, err := openCursor(l.cfg.Dir, s.name)
	if err != nil {
		l.cfg.Logf("logd: %v", err)
		return
	}
	rd := l.ring.Reader(c.at)
	for {
		list, lost, err := rd.Next(ctx)
		if err == nil {
			err = s.put(ctx, list, lost)
		}
		if err != nil {
			return
		}
		c.save(rd.Cursor())
	}
}
