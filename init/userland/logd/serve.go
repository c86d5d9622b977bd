package logd

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/init/userland/logd/archive"
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
		l.setMode(words[1])
		return nil
	case len(words) == 1 && words[0] == "mounted":
		tell(l.mounted)
		return nil
	case len(words) == 1 && words[0] == "boots":
		return l.boots(w)
	case len(words) >= 2 && words[0] == "log":
		q, err := parseQuery(words[1:])
		if err != nil {
			return ctl.Errorf(ctl.Usage, "log: %v", err)
		}
		return l.answer(ctx, q, w)
	}
	return ctl.Errorf(ctl.Usage, "unknown request: log NAME|* [lines=N] [since=SECONDS] [boot=N] [follow=1], boots, mounted, console on|off")
}

// tell leaves a word for whoever waits for it.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// query is which lines a client wants.
type query struct {
	name   string // "*": all
	lines  int
	since  time.Duration // age of the oldest; 0: any
	boot   int           // 0: this one; -1: the one before; 12: the one of that number
	follow bool
}

func parseQuery(words []string) (q query, err error) {
	q = query{name: words[0], lines: linesDefault}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		switch {
		case err != nil || n < 0 && key != "boot" || n > 1<<31:
			return q, fmt.Errorf("%s: %q is not a number", key, value)
		case key == "lines" && n > linesMax:
			return q, fmt.Errorf("lines=%d: at most %d", n, linesMax)
		case key == "lines":
			q.lines = n
		case key == "since":
			q.since = time.Duration(n) * time.Second
		case key == "boot":
			q.boot = n
		case key == "follow":
			q.follow = n != 0
		default:
			return q, fmt.Errorf("unknown key %s", key)
		}
	}
	return q, nil
}

func (l *Logger) answer(ctx context.Context, q query, w *ctl.Writer) error {
	if q.boot != 0 {
		return l.answerOld(q, w)
	}
	tell(l.asked)
	select {
	case <-l.kernel:
	case <-ctx.Done():
	}
	end := l.ring.End()
	a := answer{query: q, w: w, wall: l.wall()}
	if q.since > 0 {
		a.oldest = max(l.cfg.Now()-q.since, 0)
	}
	n, err := a.tell(func(yield func(ring.Record) bool) {
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
		return l.follow(ctx, a, end)
	}
	return nil
}

// answerOld answers with lines of an earlier boot, from the disk.
func (l *Logger) answerOld(q query, w *ctl.Writer) error {
	dir := l.cfg.Disk.Dir
	boots, err := archive.Boots(dir)
	if err != nil {
		return ctl.Errorf(ctl.NotFound, "no lines are kept: %v", err)
	}
	boot := q.boot
	if boot < 0 {
		boots = slices.DeleteFunc(boots, func(b archive.Boot) bool { return b.ID == l.cfg.Disk.BootID })
		if len(boots)+boot < 0 {
			return ctl.Errorf(ctl.NotFound, "boot %d: lines of %d earlier boots are kept", boot, len(boots))
		}
		boot = boots[len(boots)+boot].Number
	}
	if !slices.ContainsFunc(boots, func(b archive.Boot) bool { return b.Number == boot }) {
		return ctl.Errorf(ctl.NotFound, "boot %d: no lines of it are kept", boot)
	}
	a := answer{query: q, w: w, wall: archive.Clock(dir, boot)}
	if q.since > 0 && a.wall > 0 {
		a.oldest = l.wall() + l.cfg.Now() - q.since - a.wall
	}
	_, err = a.tell(archive.Records(dir, boot))
	return err
}

// boots lists the boots of which there are lines on the disk.
func (l *Logger) boots(w *ctl.Writer) error {
	list, err := archive.Boots(l.cfg.Disk.Dir)
	if err != nil {
		return ctl.Errorf(ctl.NotFound, "no lines are kept: %v", err)
	}
	for _, b := range list {
		wall := archive.Clock(l.cfg.Disk.Dir, b.Number)
		if err := w.Record("boot", strconv.Itoa(b.Number), "id", b.ID, "began", seconds(wall)); err != nil {
			return err
		}
	}
	return nil
}

// wall is the time of day at boot.
func (l *Logger) wall() time.Duration { return time.Duration(time.Now().UnixNano()) - l.cfg.Now() }

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// answer is an answer on its way to a client.
type answer struct {
	query
	w      *ctl.Writer
	oldest time.Duration // since boot
	wall   time.Duration // the time of day at boot; 0: nobody knows
}

func (a *answer) fits(r ring.Record) bool {
	return (a.name == "*" || r.Name == a.name) && r.When >= a.oldest
}

// tell writes the last lines of those asked for. It goes through them twice, so
// that it need not hold them.
func (a *answer) tell(all iter.Seq[ring.Record]) (n int, err error) {
	for r := range all {
		if a.fits(r) {
			n++
		}
	}
	skip := n - a.lines
	for r := range all {
		if !a.fits(r) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if err := a.record(r); err != nil {
			return n, err
		}
	}
	return n, nil
}

// follow writes lines as they come until the client goes.
func (l *Logger) follow(ctx context.Context, a answer, at ring.Cursor) error {
	if err := a.w.Flush(); err != nil {
		return err
	}
	for rd := l.ring.Reader(at); ; {
		list, lost, err := rd.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.more(list, lost); err != nil {
			return err
		}
	}
}

func (a *answer) more(list []ring.Record, lost int) error {
	if lost > 0 {
		if err := a.w.Record("lost", strconv.Itoa(lost)); err != nil {
			return err
		}
	}
	for _, r := range list {
		if !a.fits(r) {
			continue
		}
		if err := a.record(r); err != nil {
			return err
		}
	}
	return a.w.Flush()
}

// record writes one line; a long one in pieces, of which all but the last say
// that there is more.
func (a *answer) record(r ring.Record) error {
	n := cut(r.Text, piece)
	pairs := []string{"seq", strconv.FormatUint(r.Seq, 10), "time", seconds(r.When)}
	if a.wall > 0 {
		pairs = append(pairs, "wall", seconds(a.wall+r.When))
	}
	pairs = append(pairs, "name", r.Name, "level", option.Levels()[r.Level], "text", r.Text[:n])
	for {
		rest := r.Text[n:]
		if rest != "" {
			pairs = append(pairs, "more", "1")
		}
		if err := a.w.Record(pairs...); err != nil || rest == "" {
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
