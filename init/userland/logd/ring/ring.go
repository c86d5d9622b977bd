// Package ring keeps the newest log lines of a boot in one file.
//
// The file only grows: records are added at its end, and when it holds enough,
// a hole is punched at its beginning, which gives the memory back. So an offset
// names a record for the whole boot: it is the cursor of a reader, and the ring
// is the only queue between the programs and whoever reads behind them. A
// reader that is too slow finds its records gone, and how many they were.
//
// The ring is also the journal of what has been read from the programs: each
// record says how far its source was read with it, in the same write. A logger
// that is killed leaves at most a torn last line. The next one cuts it off and
// goes on exactly behind the last whole one.
package ring

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Ring may be used by several goroutines.
type Ring struct {
	mu    sync.Mutex
	file  *os.File
	now   func() time.Duration
	size  int64 // how much is kept
	start int64 // of the oldest record
	end   int64 // behind the newest
	seq   uint64
	marks map[string]int64
	lost  int  // records that found no room
	stale bool // the last record of all marks may be forgotten
	buf   []byte
	wake  chan struct{} // closed when there is more; nil while nobody waits
	done  bool
}

// Open goes on with the ring in file, or starts one. now is the time since boot.
func Open(file *os.File, size int64, now func() time.Duration) (*Ring, error) {
	r := &Ring{file: file, size: size, now: now, marks: map[string]int64{}}
	if err := r.recover(); err != nil {
		return nil, fmt.Errorf("open log ring: %w", err)
	}
	return r, nil
}

// View opens a ring that is only read.
func View(file *os.File) (*Ring, error) {
	r := &Ring{file: file, marks: map[string]int64{}}
	return r, r.recover()
}

// Mark is how far the source of name had been read by the last record of it.
func (r *Ring) Mark(name string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.marks[name]
}

// Time is the time since boot.
func (r *Ring) Time() time.Duration { return r.now() }

// Add adds records, all with one write. When the file system is full it gives
// up older records for them, and when nothing is left of those it counts them
// as lost.
func (r *Ring) Add(records ...Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.buf = r.buf[:0]
	if r.stale {
		r.appendState()
		r.stale = false
	}
	if r.lost > 0 {
		r.format(Record{Level: 4, Name: "logd", Text: strconv.Itoa(r.lost) + " lines lost: no room in /run"}, now)
	}
	for _, rec := range records {
		r.format(rec, now)
	}
	if err := r.write(); err != nil {
		r.lost += len(records)
		return err
	}
	r.lost = 0
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
	return r.trim(r.size)
}

// format adds a record to the buffer.
func (r *Ring) format(rec Record, now time.Duration) {
	r.seq++
	rec.Seq = r.seq
	if rec.When == 0 {
		rec.When = now
	}
	if rec.Mark != 0 {
		r.marks[rec.Name] = rec.Mark
	}
	r.buf = rec.Append(r.buf)
}

// write puts the buffer at the end of the file, whole or not at all.
func (r *Ring) write() error {
	for {
		n, err := r.file.WriteAt(r.buf, r.end)
		if err == nil {
			r.end += int64(n)
			return nil
		}
		_ = r.file.Truncate(r.end)
		if !errors.Is(err, unix.ENOSPC) || !r.shrink() {
			return err
		}
	}
}

// MakeRoom gives memory back to a full file system by forgetting the oldest
// quarter; false: nothing is left to forget.
func (r *Ring) MakeRoom() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shrink()
}

func (r *Ring) shrink() bool {
	kept := r.end - r.start
	r.stale = true
	return kept > 0 && r.forget(r.start+max(kept/4, 1)) == nil
}

// trim keeps at most limit bytes, in steps of a quarter. What each source was
// read to is written down before the records that say so are forgotten.
func (r *Ring) trim(limit int64) error {
	if r.end-r.start <= limit {
		return nil
	}
	r.buf = r.buf[:0]
	r.appendState()
	if err := r.write(); err != nil {
		return err
	}
	return r.forget(r.end - limit*3/4)
}

// appendState adds a record of all marks to the buffer. It takes no number, so
// that no reader misses it.
func (r *Ring) appendState() {
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(r.marks)) {
		text = fmt.Appendf(text, "%s=%d ", name, r.marks[name])
	}
	rec := Record{Seq: r.seq, When: r.now(), Name: state, Text: string(text)}
	r.buf = rec.Append(r.buf)
}

// forget drops the records that begin before offset at.
func (r *Ring) forget(at int64) error {
	at, err := r.boundary(at)
	if err != nil {
		return err
	}
	r.start = at
	return unix.Fallocate(int(r.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, at)
}

// boundary is where the first record at or behind offset at begins.
func (r *Ring) boundary(at int64) (int64, error) {
	chunk := make([]byte, 16<<10)
	for at > 0 && at < r.end {
		n, err := r.file.ReadAt(chunk[:min(int64(len(chunk)), r.end-at+1)], at-1)
		if n == 0 {
			return 0, err
		}
		if i := strings.IndexByte(string(chunk[:n]), '\n'); i >= 0 {
			return at + int64(i), nil
		}
		at += int64(n)
	}
	return min(at, r.end), nil
}

// Close lets readers that have read everything end.
func (r *Ring) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// recover finds what an earlier logger of this boot has left.
func (r *Ring) recover() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.end = info.Size()
	r.start, err = unix.Seek(int(r.file.Fd()), 0, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) { // empty, or one hole
		r.start, err = r.end, nil
	}
	if err != nil {
		return err
	}
	whole := r.start
	for at := r.start; at < r.end; {
		text, err := readLines(r.file, at, r.end)
		if err != nil {
			return err
		}
		if text == "" {
			break
		}
		for l := range strings.Lines(text) {
			r.replay(strings.TrimLeft(l[:len(l)-1], "\x00"))
		}
		at += int64(len(text))
		whole = at
	}
	r.start += r.leadingHole()
	if r.end == whole {
		return nil
	}
	r.end = whole
	return r.file.Truncate(whole)
}

// leadingHole is how far the last hole reaches into the first page.
func (r *Ring) leadingHole() int64 {
	page := make([]byte, 64<<10)
	n, _ := r.file.ReadAt(page, r.start)
	return int64(n - len(strings.TrimLeft(string(page[:n]), "\x00")))
}

// replay takes over what a record says of its source.
func (r *Ring) replay(line string) {
	rec, err := Parse(line)
	if err != nil {
		return
	}
	r.seq = max(r.seq, rec.Seq)
	if rec.Name != state {
		if rec.Mark != 0 {
			r.marks[rec.Name] = rec.Mark
		}
		return
	}
	for word := range strings.FieldsSeq(rec.Text) {
		name, value, _ := strings.Cut(word, "=")
		if mark, err := strconv.ParseInt(value, 10, 64); err == nil {
			r.marks[name] = max(r.marks[name], mark)
		}
	}
}

// Create opens the ring's file in dir. Where there is no ring, what else an
// earlier logger may have left in dir is of no use, and removed.
func Create(dir string) (*os.File, error) {
	name := dir + "/ring"
	if _, err := os.Stat(name); err != nil {
		_ = os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
}
