package logd

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/init/userland/logd/option"
	"slashdev/init/userland/logd/ring"
)

// linesDefault and linesMax are how many lines "log" returns.
const (
	linesDefault = 20
	linesMax     = 1000000
)

// piece is how much of a long line one record of an answer carries: quoted it
// still fits into a line of the protocol.
const piece = 8 << 10

// Handle answers one request of the control socket.
func (l *Logger) Handle(ctx context.Context, words []string, w *ctl.Writer) error {
	switch {
	case len(words) == 2 && words[0] == "console" && (words[1] == "on" || words[1] == "off"):
		l.tee.mode.Store(int32(map[string]mode{"on": on, "off": off}[words[1]]))
		return nil
	case len(words) >= 2 && words[0] == "log":
		q, err := parseQuery(words[1:])
		if err != nil {
			return ctl.Errorf(ctl.Usage, "log: %v", err)
		}
		return l.answer(ctx, q, w)
	}
	return ctl.Errorf(ctl.Usage, "unknown request: console on|off, log NAME|* [lines=N] [since=SECONDS] [follow=1]")
}

// query is which lines a client wants.
type query struct {
	name   string // "*": all
	lines  int
	since  time.Duration // age of the oldest; 0: any
	follow bool
}

func parseQuery(words []string) (q query, err error) {
	q = query{name: words[0], lines: linesDefault}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		switch {
		case err != nil || n < 0 || n > 1<<31:
			return q, fmt.Errorf("%s: %q is not a number", key, value)
		case key == "lines" && n > linesMax:
			return q, fmt.Errorf("lines=%d: at most %d", n, linesMax)
		case key == "lines":
			q.lines = n
		case key == "since":
			q.since = time.Duration(n) * time.Second
		case key == "follow":
			q.follow = n != 0
		default:
			return q, fmt.Errorf("unknown key %s", key)
		}
	}
	return q, nil
}

func (l *Logger) answer(ctx context.Context, q query, w *ctl.Writer) error {
	end := l.ring.End()
	oldest := time.Duration(0)
	if q.since > 0 {
		oldest = max(l.cfg.Now()-q.since, 0)
	}
	n, err := tell(w, q, oldest, func(yield func(ring.Record) bool) {
		for r := range l.ring.Now {
			if r.Seq > end.Seq || !yield(r) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if n == 0 && q.name != "*" && !l.knows(q.name) {
		return ctl.Errorf(ctl.NotFound, "no line of %s", q.name)
	}
	if q.follow {
		return l.follow(ctx, q, w, end)
	}
	return nil
}

// tell writes the last lines of those asked for. It goes through them twice, so
// that it need not hold them.
func tell(w *ctl.Writer, q query, oldest time.Duration, all iter.Seq[ring.Record]) (n int, err error) {
	fits := func(r ring.Record) bool { return (q.name == "*" || r.Name == q.name) && r.When >= oldest }
	for r := range all {
		if fits(r) {
			n++
		}
	}
	skip := n - q.lines
	for r := range all {
		if !fits(r) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if err := writeRecord(w, r); err != nil {
			return n, err
		}
	}
	return n, nil
}

// follow writes lines as they come until the client goes.
func (l *Logger) follow(ctx context.Context, q query, w *ctl.Writer, at ring.Cursor) error {
	rd := l.ring.Reader(at)
	for {
		list, lost, err := rd.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err == nil && lost > 0 {
			err = w.Record("lost", strconv.Itoa(lost))
		}
		for _, r := range list {
			if err == nil && (q.name == "*" || r.Name == q.name) {
				err = writeRecord(w, r)
			}
		}
		if err == nil {
			err = w.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// writeRecord writes one line; a long one in pieces, of which all but the last
// say that there is more.
func writeRecord(w *ctl.Writer, r ring.Record) error {
	n := cut(r.Text, piece)
	pairs := []string{
		"seq", strconv.FormatUint(r.Seq, 10), "time", fmt.Sprintf("%.6f", r.When.Seconds()),
		"name", r.Name, "level", option.Levels()[r.Level], "text", r.Text[:n],
	}
	for {
		rest := r.Text[n:]
		if rest != "" {
			pairs = append(pairs, "more", "1")
		}
		if err := w.Record(pairs...); err != nil || rest == "" {
			return err
		}
		n += cut(rest, piece)
		pairs = []string{"text", rest[:cut(rest, piece)]}
	}
}

func (l *Logger) knows(name string) bool {
	for _, s := range l.sources {
		if s.name == name {
			return true
		}
	}
	return false
}
