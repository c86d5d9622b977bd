package ring

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// chunk is how much a reader reads at once; maxRecord is the longest line of
// the file: 64 KiB of which each byte became an escape of four, with its head.
const (
	chunk     = 64 << 10
	maxRecord = 4*chunk + 1024
)

// Cursor is a place in the ring; the zero Cursor is its beginning.
type Cursor struct {
	Offset int64
	Seq    uint64 // of the last record before it; 0: there was none
}

// Reader reads records in order. It is for one goroutine.
type Reader struct {
	ring *Ring
	at   Cursor
}

// Reader returns a reader that begins where an earlier one was, perhaps of a
// logger before this one.
func (r *Ring) Reader(at Cursor) *Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.Offset > r.end { // of a ring that is gone
		at = Cursor{}
	}
	return &Reader{ring: r, at: at}
}

// End is behind the newest record.
func (r *Ring) End() Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Cursor{r.end, r.seq}
}

// Cursor is behind the last record read.
func (rd *Reader) Cursor() Cursor { return rd.at }

// Next returns the records that follow, at least one. lost is how many between
// them and those before were overwritten. It waits for them, and ends with
// io.EOF when the ring is closed.
func (rd *Reader) Next(ctx context.Context) (list []Record, lost int, err error) {
	for len(list) == 0 {
		end, err := rd.wait(ctx)
		if err != nil {
			return nil, 0, err
		}
		text, err := readLines(rd.ring.file, rd.at.Offset, end)
		if err != nil {
			return nil, 0, err
		}
		if start := rd.ring.oldest(); rd.at.Offset < start {
			rd.at.Offset = start // overtaken, perhaps while it read
			continue
		}
		if text == "" {
			return nil, 0, fmt.Errorf("read log ring: no line at %d", rd.at.Offset)
		}
		rd.at.Offset += int64(len(text))
		list = parseAll(text)
	}
	if first := list[0].Seq; first > rd.at.Seq+1 {
		lost = int(first - rd.at.Seq - 1)
	}
	rd.at.Seq = list[len(list)-1].Seq
	return list, lost, nil
}

func parseAll(text string) (list []Record) {
	for l := range strings.Lines(text) {
		if rec, err := Parse(l[:len(l)-1]); err == nil && rec.Name != state {
			list = append(list, rec)
		}
	}
	return list
}

// wait returns the end of the ring once it lies behind the reader.
func (rd *Reader) wait(ctx context.Context) (int64, error) {
	for {
		end, more, err := rd.ring.beyond(rd.at.Offset)
		if more == nil {
			return end, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// beyond returns the end of the ring, or what is closed when it moves.
func (r *Ring) beyond(off int64) (end int64, more <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off < r.end {
		return r.end, nil, nil
	}
	if r.done {
		return 0, nil, io.EOF
	}
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return 0, r.wake, nil
}

func (r *Ring) oldest() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.start
}

// Now returns the records that are there, without waiting, oldest first.
func (r *Ring) Now(yield func(Record) bool) {
	rd := r.Reader(Cursor{})
	for {
		if _, more, err := r.beyond(rd.at.Offset); more != nil || err != nil {
			return
		}
		list, _, err := rd.Next(context.Background())
		if err != nil {
			return
		}
		for _, rec := range list {
			if !yield(rec) {
				return
			}
		}
	}
}

// readLines reads whole lines from offset at on, at least one if there is one.
func readLines(f *os.File, at, end int64) (string, error) {
	for size := int64(chunk); ; size *= 2 {
		buf := make([]byte, min(size, end-at))
		n, err := f.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return "", fmt.Errorf("read log ring: %w", err)
		}
		text := string(buf[:n])
		if i := strings.LastIndexByte(text, '\n'); i >= 0 {
			return text[:i+1], nil
		}
		if size > 2*maxRecord || int64(n) == end-at {
			return "", nil // a hole, or the torn end
		}
	}
}
