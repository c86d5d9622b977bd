package logd

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"slashdev/init/userland/tool"
)

// maxFile is the size of each of the ring's two files.
const maxFile = 1 << 20

// Record is one line: when, whose, what.
type Record struct {
	When time.Duration // since boot
	Name string
	Text string
}

// String is the line in the ring's file.
func (r Record) String() string {
	return fmt.Sprintf("%d.%06d %s %s", r.When/time.Second, r.When%time.Second/time.Microsecond, r.Name, r.Text)
}

// ParseRecord reads a line of the ring's file.
func ParseRecord(s string) (Record, error) {
	stamp, rest, _ := strings.Cut(s, " ")
	name, text, ok := strings.Cut(rest, " ")
	sec, frac, dot := strings.Cut(stamp, ".")
	n, err := strconv.ParseUint(sec, 10, 32)
	us, err2 := strconv.ParseUint(frac, 10, 32)
	if !ok || !dot || len(frac) != 6 || name == "" || err != nil || err2 != nil {
		return Record{}, fmt.Errorf("parse log record: %q", tool.Cut(s, 40))
	}
	return Record{time.Duration(n)*time.Second + time.Duration(us)*time.Microsecond, name, text}, nil
}

// Ring keeps the newest lines in two files, current and old: when current is
// full it becomes old. It may be used by several goroutines.
type Ring struct {
	mu   sync.Mutex
	dir  string
	max  int64
	file *os.File
	size int64
}

// OpenRing goes on with the ring in dir, or starts one.
func OpenRing(dir string) (*Ring, error) {
	r := &Ring{dir: dir, max: maxFile}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return r, err
	}
	return r, r.open()
}

func (r *Ring) open() error {
	f, err := os.OpenFile(r.path("current"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	r.file, r.size = f, fi.Size()
	return nil
}

func (r *Ring) path(name string) string { return filepath.Join(r.dir, name) }

// Append adds one record. A ring that could not be opened takes it silently:
// the error was told when it was.
func (r *Ring) Append(rec Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	s := rec.String() + "\n"
	if r.size+int64(len(s)) > r.max {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	n, err := r.file.WriteString(s)
	r.size += int64(n)
	return err
}

func (r *Ring) rotate() error {
	r.file.Close()
	r.file = nil
	if err := os.Rename(r.path("current"), r.path("old")); err != nil {
		return err
	}
	return r.open()
}

// Tail returns the newest n records of program name, oldest first; name "*"
// is all of them.
func (r *Ring) Tail(name string, n int) ([]Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Record
	for _, file := range []string{"old", "current"} {
		f, err := os.Open(r.path(file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = scan(found, f, name, n)
		f.Close()
	}
	return found, nil
}

func scan(found []Record, f *os.File, name string, n int) []Record {
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 8*maxLine)
	for sc.Scan() {
		rec, err := ParseRecord(sc.Text())
		if err != nil || name != "*" && rec.Name != name {
			continue // a line cut off by a full file system
		}
		found = append(found, rec)
		if len(found) > 2*n {
			found = append(found[:0], found[len(found)-n:]...)
		}
	}
	return found[max(0, len(found)-n):]
}
