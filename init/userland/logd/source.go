package logd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/logd/ring"
	"slashdev/init/userland/tool"
)

const (
	maxLine  = 64 << 10        // of a line stays together; a longer one is split (S-06)
	pipeSize = 1 << 20         // how far a program may be ahead of us before it waits
	move     = 256 << 10       // bytes moved at once
	batch    = 256             // records added at once
	freeAt   = 16 << 10        // read bytes given back at once
	patience = 5 * time.Second // how long an unfinished line waits for its end
)

// source is one program's output on its way from the pipe into the ring. The
// kernel moves the bytes into the spool, a file that only grows, like the
// pipe's own stream; they are read there, and given back once the ring has
// them. At no time is a byte only in our memory.
type source struct {
	name  string
	file  *os.File
	pipe  syscall.RawConn // of file
	spool *os.File
	size  int64  // bytes moved into the spool
	mark  int64  // bytes of which the ring has the lines
	seen  int64  // bytes behind mark that hold no end of a line
	kept  int64  // bytes of which the ring says that they are read
	freed int64  // bytes given back
	limit *limit // nil: the program waits for us, nothing is dropped

	ring *ring.Ring
	work chan *scratch
	logf func(string, ...any)
	lost int64 // bytes that the spool had no room for
}

// scratch is memory to work in; the sources take turns.
type scratch struct {
	buf  [maxLine]byte
	list []ring.Record
}

// open goes on where the logger before us was killed.
func (s *source) open(dir string) (err error) {
	s.spool, err = os.OpenFile(filepath.Join(dir, s.name+".spool"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.size, err = s.spool.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	s.mark = min(s.ring.Mark(s.name), s.size)
	if at, err := unix.Seek(int(s.spool.Fd()), s.mark, unix.SEEK_DATA); err == nil {
		s.mark = at // otherwise there is nothing in front of a hole to skip
	}
	s.kept, s.freed = s.mark, s.mark
	return nil
}

// run moves and reads until the pipe's end, or until ctx ends.
func (s *source) run(ctx context.Context) {
	defer interrupt(ctx, s.file)()
	defer s.finish()
	for {
		s.read()
		s.expect()
		if ctx.Err() != nil { // looked at after the deadline, which its end sets too
			return
		}
		n, err := s.fill(s.pipe.Read)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.flush()
		case err != nil || n == 0:
			return
		}
	}
}

// expect sets how long to wait for more.
func (s *source) expect() {
	var t time.Time
	if s.mark < s.size || s.kept < s.mark || s.lost > 0 {
		t = time.Now().Add(patience)
	}
	_ = s.file.SetReadDeadline(t) // without it an unfinished line waits on
}

// finish takes what is in the pipe, without waiting for more.
func (s *source) finish() {
	for {
		n, err := s.fill(func(f func(uintptr) bool) error {
			return s.pipe.Control(func(fd uintptr) { f(fd) })
		})
		if n == 0 || err != nil {
			break
		}
		s.read()
	}
	s.flush()
}

// fill moves bytes from the pipe to the end of the spool. access is the pipe's
// Read, which waits for them, or Control, which does not.
func (s *source) fill(access func(func(uintptr) bool) error) (n int64, err error) {
	e := access(func(fd uintptr) bool {
		n, err = s.splice(int(fd))
		return err != unix.EAGAIN
	})
	if e != nil {
		err = e
	}
	s.size += n
	return n, err
}

// splice moves once. A full /run costs the oldest lines, and when there are
// none left these ones: a program must not hang because another has filled it.
func (s *source) splice(pipe int) (int64, error) {
	for {
		at := s.size
		n, err := unix.Splice(pipe, nil, int(s.spool.Fd()), &at, move, unix.SPLICE_F_NONBLOCK)
		switch {
		case err == unix.EINTR:
			continue
		case err != unix.ENOSPC:
			return max(n, 0), err
		}
		if s.ring.MakeRoom() {
			continue
		}
		if err := s.discard(pipe); err != nil {
			return 0, err
		}
	}
}

// discard takes from the pipe what cannot be kept.
func (s *source) discard(pipe int) error {
	var b [4096]byte
	n, err := unix.Read(pipe, b[:])
	if n == 0 {
		return io.EOF
	}
	if s.lost == 0 && n > 0 {
		s.logf("logd: %s: /run is full: lines are lost", s.name)
	}
	s.lost += int64(max(n, 0))
	return err
}

// read adds the lines that are complete to the ring.
func (s *source) read() {
	if s.mark == s.size {
		return
	}
	w := <-s.work
	defer func() { s.work <- w }()
	for s.mark < s.size && s.ends(w) {
		n, err := s.spool.ReadAt(w.buf[:min(maxLine, s.size-s.mark)], s.mark)
		if n == 0 {
			s.logf("logd: %s: %v", s.name, err)
			return
		}
		s.lines(w, string(w.buf[:n]))
		s.free()
	}
}

// ends says whether a line ends in what was not read yet. It looks at each byte
// once, however small the pieces are that a program writes.
func (s *source) ends(w *scratch) bool {
	for s.seen < maxLine && s.mark+s.seen < s.size {
		n, _ := s.spool.ReadAt(w.buf[:min(maxLine-s.seen, s.size-s.mark-s.seen)], s.mark+s.seen)
		if n == 0 || bytes.IndexByte(w.buf[:n], '\n') >= 0 {
			return n > 0
		}
		s.seen += int64(n)
	}
	return s.seen >= maxLine
}

// lines adds the lines of text, which begins at the mark, to the ring.
func (s *source) lines(w *scratch, text string) {
	w.list = w.list[:0]
	for {
		n := strings.IndexByte(text, '\n') + 1
		if n == 0 && len(text) == maxLine {
			n = cut(text, maxLine-1)
		}
		if n == 0 {
			break
		}
		s.line(w, text[:n])
		if text = text[n:]; len(w.list) >= batch {
			s.add(w)
		}
	}
	if s.mark-s.kept > move { // only the ring can say how far we are
		s.confess(w)
	}
	s.add(w)
}

// line takes one line over, if it may pass.
func (s *source) line(w *scratch, raw string) {
	pass := s.limit.take(s.ring.Time())
	if pass {
		s.confess(w) // first: who reads this has not read the line yet
	}
	s.mark += int64(len(raw))
	s.seen = 0
	if !pass {
		return
	}
	level, text := Level(raw)
	w.list = append(w.list, ring.Record{Level: level, Name: s.name, Mark: s.mark, Text: Text(s.name, text)})
}

// confess says what was lost before this place.
func (s *source) confess(w *scratch) {
	if missed := s.limit.left(); missed > 0 {
		w.list = append(w.list, s.note("%d lines left out: more than %.0f a second", missed, s.limit.rate))
	}
	if s.lost > 0 {
		w.list = append(w.list, s.note("%d bytes lost: /run was full", s.lost))
		s.lost = 0
	}
}

// note is a line of ours among the program's.
func (s *source) note(format string, args ...any) ring.Record {
	return ring.Record{Level: warning, Name: s.name, Mark: s.mark, Text: fmt.Sprintf(format, args...)}
}

func (s *source) add(w *scratch) {
	if len(w.list) == 0 {
		return
	}
	if err := s.ring.Add(w.list...); err != nil {
		s.logf("logd: %v", err)
	}
	s.kept = w.list[len(w.list)-1].Mark
	w.list = w.list[:0]
}

// flush makes a line of what has waited for its end in vain, as the program may
// have died over it, and says what was lost at the end of a flood.
func (s *source) flush() {
	w := <-s.work
	defer func() { s.work <- w }()
	if s.mark < s.size {
		n, err := s.spool.ReadAt(w.buf[:min(maxLine, s.size-s.mark)], s.mark)
		if err != nil && err != io.EOF {
			s.logf("logd: %s: %v", s.name, err)
		}
		s.line(w, string(w.buf[:n]))
	}
	s.confess(w)
	s.add(w)
}

// free gives the memory of what was read back: from the beginning, because a
// page goes when all of it is in the hole.
func (s *source) free() {
	if s.kept-s.freed < freeAt {
		return
	}
	s.freed = s.kept
	err := unix.Fallocate(int(s.spool.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, s.kept)
	if err != nil {
		s.logf("logd: %s: give memory back: %v", s.name, err)
	}
}

// Text is what a line of program name says: without the newline and without
// "name: " in front, which is added again, made safe to print.
func Text(name, raw string) string {
	text := strings.TrimRight(raw, "\r\n")
	text = strings.TrimPrefix(text, name+": ")
	return tool.Clean(text)
}

// Level takes "<3>" off a line, which says how grave it is (sd-daemon(3)). A
// line that does not say is information.
func Level(text string) (int, string) {
	if len(text) > 2 && text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>' {
		return int(text[1] - '0'), text[3:]
	}
	return info, text
}
