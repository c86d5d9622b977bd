package logd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slashdev/init/userland/logd/archive"
	"slashdev/init/userland/logd/ring"
	"slashdev/init/userland/tool"
)

// Disk is where lines are kept that outlast the boot.
type Disk struct {
	Dir    string
	BootID string
	// Usable says whether the disk is there already; nil: it is.
	Usable func() bool
}

// syncEvery is how much time a power cut may cost.
const syncEvery = time.Second

// keeper writes the ring to the disk. A disk that hangs holds only it up.
type keeper struct {
	*Logger
	archive *archive.Archive
	dirty   bool
	synced  time.Time
}

// keep runs on a disk that is there until the ring is closed.
func (l *Logger) keep(ctx context.Context) {
	if l.cfg.Disk.Dir == "" || l.cfg.Options.Quota == 0 {
		return
	}
	c, err := openCursor(l.cfg.Dir, "disk")
	if err != nil {
		l.complain("%v", err)
		return
	}
	k := keeper{Logger: l}
	defer k.close()
	for rd := l.ring.Reader(c.at); ; c.save(rd.Cursor()) {
		list, lost, err := k.next(ctx, rd)
		if err != nil || !k.write(ctx, list, lost) {
			return
		}
	}
}

// disk waits until the disk is there.
func (l *Logger) disk(ctx context.Context) bool {
	for l.cfg.Disk.Usable != nil && !l.cfg.Disk.Usable() {
		select {
		case <-l.mounted:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// next waits for records, and meanwhile sees to it that those before get to the
// disk.
func (k *keeper) next(ctx context.Context, rd *ring.Reader) ([]ring.Record, int, error) {
	if k.dirty {
		soon, cancel := context.WithDeadline(ctx, k.synced.Add(syncEvery))
		list, lost, err := rd.Next(soon)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return list, lost, err
		}
		k.sync()
	}
	return rd.Next(ctx)
}

// write writes records until the disk takes them.
func (k *keeper) write(ctx context.Context, list []ring.Record, lost int) bool {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := k.try(list, lost)
		if err == nil {
			break
		}
		if wait == time.Second {
			k.complain("keep lines on the disk: %v", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
	if !k.dirty {
		k.dirty, k.synced = true, time.Now()
	} else if time.Since(k.synced) >= syncEvery {
		k.sync()
	}
	return true
}

func (k *keeper) try(list []ring.Record, lost int) (err error) {
	if k.archive == nil {
		if k.archive, err = archive.Open(k.cfg.Disk.Dir, k.cfg.Disk.BootID, k.cfg.Options.Quota); err != nil {
			return err
		}
	}
	return k.archive.Write(list, lost, time.Duration(time.Now().UnixNano())-k.cfg.Now())
}

func (k *keeper) sync() {
	if err := k.archive.Sync(); err != nil {
		k.complain("sync the log: %v", err)
	}
	k.dirty = false
}

func (k *keeper) close() {
	if k.archive != nil {
		_ = k.archive.Close()
	}
}

// complain adds a line of our own to the log.
func (l *Logger) complain(format string, args ...any) {
	rec := ring.Record{Level: warning, Name: ourName, Text: tool.Clean(fmt.Sprintf(format, args...))}
	if err := l.ring.Add(rec); err != nil {
		l.cfg.Logf("logd: %s", rec.Text)
	}
}
