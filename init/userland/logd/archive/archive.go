// Package archive keeps log lines in files that outlast the boot.
//
// A folder holds files named BOOT-PART, such as 000012-000003: boots are counted
// from 1, and each part takes an eighth of what all together may take. Before a
// new part is begun the oldest ones make room for it. A part begins with a line
// that names the boot by the kernel's boot id; then come records as in the ring,
// and records named "-" that say which time of day the machine takes it to be.
package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/logd/ring"
)

const header = "slashdev-log 1 "

// Archive adds the lines of one boot. It is for one goroutine.
type Archive struct {
	dir     string
	quota   int64
	id      string
	current part
	file    *os.File // nil: none is open
	size    int64
	wall    time.Duration // the time of day at boot, as last written
	buf     []byte
}

// part names a file.
type part struct{ boot, n int }

func (p part) String() string { return fmt.Sprintf("%06d-%06d", p.boot, p.n) }

// Open begins or goes on with the boot that is called id. quota is how many
// bytes the folder may take.
func Open(dir, id string, quota int64) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	a := &Archive{dir: dir, quota: quota, id: id, current: part{boot: 1}}
	parts, err := list(dir)
	if err != nil || len(parts) == 0 {
		return a, err
	}
	a.current = parts[len(parts)-1]
	if bootID(dir, a.current) != id {
		a.current = part{boot: a.current.boot + 1}
	}
	return a, nil
}

// list returns the parts in a folder, oldest first.
func list(dir string) (parts []part, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		var p part
		if n, _ := fmt.Sscanf(e.Name(), "%06d-%06d", &p.boot, &p.n); n == 2 && p.String() == e.Name() {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.boot, b.boot), cmp.Compare(a.n, b.n)) })
	return parts, err
}

func bootID(dir string, p part) string {
	f, err := os.Open(filepath.Join(dir, p.String()))
	if err != nil {
		return ""
	}
	defer f.Close()
	line := make([]byte, 128)
	n, _ := f.Read(line)
	first, _, _ := bytes.Cut(line[:n], []byte("\n"))
	id, _ := strings.CutPrefix(string(first), header)
	return id
}

// Write adds records. lost is how many in front of them are missing, wall the
// time of day at boot as far as it is known now. An error leaves out nothing
// that was written before, and the same records may be written again.
func (a *Archive) Write(records []ring.Record, lost int, wall time.Duration) error {
	a.buf = a.buf[:0]
	first := records[0]
	if lost > 0 {
		rec := ring.Record{Seq: first.Seq - 1, When: first.When, Level: 4, Name: "logd", Text: fmt.Sprintf("%d lines lost: the disk was too slow", lost)}
		a.buf = rec.Append(a.buf)
	}
	for i := range records {
		a.buf = records[i].Append(a.buf)
	}
	if a.file == nil || a.size+int64(len(a.buf)) > a.quota/8 {
		if err := a.next(); err != nil {
			return err
		}
	}
	if d := wall - a.wall; d > time.Second || d < -time.Second {
		rec := clock(first, wall)
		a.buf, a.wall = append(rec.Append(nil), a.buf...), wall
	}
	return a.write(a.buf)
}

// clock is the record of a time of day at boot.
func clock(at ring.Record, wall time.Duration) ring.Record {
	return ring.Record{Seq: at.Seq, When: at.When, Name: "-", Text: fmt.Sprintf("boot=%d", wall.Microseconds())}
}

// next begins a new part.
func (a *Archive) next() error {
	a.close()
	if err := a.prune(a.quota - a.quota/8); err != nil {
		return err
	}
	p := part{a.current.boot, a.current.n + 1}
	f, err := os.OpenFile(filepath.Join(a.dir, p.String()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	for errors.Is(err, unix.ENOSPC) && a.removeOldest() {
		f, err = os.OpenFile(filepath.Join(a.dir, p.String()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return err
	}
	a.file, a.current, a.size, a.wall = f, p, 0, 0
	return a.write([]byte(header + a.id + "\n"))
}

// write adds text to the open part. On a full disk older parts give way (K-05).
func (a *Archive) write(text []byte) error {
	for {
		n, err := a.file.WriteAt(text, a.size)
		if err == nil {
			a.size += int64(n)
			return nil
		}
		if !errors.Is(err, unix.ENOSPC) || !a.removeOldest() {
			a.close()
			return err
		}
	}
}

func (a *Archive) close() {
	if a.file != nil {
		_ = a.file.Close()
		a.file = nil
	}
}

// prune removes the oldest parts until what is left takes at most limit bytes.
func (a *Archive) prune(limit int64) error {
	parts, err := list(a.dir)
	if err != nil {
		return err
	}
	var total int64
	sizes := make([]int64, len(parts))
	for i, p := range parts {
		if info, err := os.Stat(filepath.Join(a.dir, p.String())); err == nil {
			sizes[i] = info.Size()
			total += sizes[i]
		}
	}
	for i := 0; i < len(parts) && total > limit; i++ {
		if err := os.Remove(filepath.Join(a.dir, parts[i].String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= sizes[i]
	}
	return nil
}

// removeOldest removes the oldest part unless it is the open one.
func (a *Archive) removeOldest() bool {
	parts, err := list(a.dir)
	return err == nil && len(parts) > 1 && os.Remove(filepath.Join(a.dir, parts[0].String())) == nil
}

// Sync waits until what was written is on the disk.
func (a *Archive) Sync() error {
	if a.file == nil {
		return nil
	}
	return unix.Fdatasync(int(a.file.Fd()))
}

// Close closes the open part.
func (a *Archive) Close() error {
	err := a.Sync()
	a.close()
	return err
}
