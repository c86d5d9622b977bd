// Package logd is the logger: it reads what the programs print, line by line,
// and passes each line on to a ring of two files, to the kernel's log (whose
// clock stamps it) and, while that is wanted, to the consoles.
//
// It trusts no line: control characters become visible escapes before they
// reach a log or a terminal. It waits for nobody: a console that does not take
// its lines loses them, and says how many.
package logd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"slashdev/init/console"
	"slashdev/init/userland/tool"
)

// maxLine is how many bytes of a line stay together; a longer one is split.
const maxLine = 8 << 10

// Source is one program's output.
type Source struct {
	Name string
	R    io.Reader
}

// Config is what the logger reads and where it writes.
type Config struct {
	Sources  []Source
	Ring     *Ring
	Kmsg     io.Writer // nil: none
	Consoles []*console.Console
	Now      func() time.Duration // since boot
	Logf     func(format string, args ...any)
}

// Logger passes lines on. Each source has a goroutine; the ring and the
// consoles' queues are what they share.
type Logger struct {
	cfg Config
	tee tee
}

// New returns a logger that prints the first lines of each program on the
// consoles, until told otherwise.
func New(cfg Config) *Logger {
	return &Logger{cfg: cfg, tee: tee{consoles: cfg.Consoles}}
}

// Run reads all sources until ctx ends.
func (l *Logger) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range l.cfg.Sources {
		wg.Go(func() { l.read(s) })
	}
	<-ctx.Done()
	for _, s := range l.cfg.Sources {
		if c, ok := s.R.(io.Closer); ok {
			c.Close()
		}
	}
	wg.Wait() // not for the consoles: one may be stopped
	return ctx.Err()
}

// read passes on the lines of one source until its end.
func (l *Logger) read(s Source) {
	r := bufio.NewReaderSize(s.R, maxLine)
	quota := quota{tokens: quotaBurst, last: l.cfg.Now()}
	for nth := 1; ; nth++ {
		part, err := r.ReadSlice('\n')
		if len(part) > 0 {
			text := Text(s.Name, string(part))
			l.tee.print(s.Name, text, nth)
			l.pass(s.Name, text, &quota)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// pass hands one line to the ring and to the kernel.
func (l *Logger) pass(name, text string, q *quota) {
	now := l.cfg.Now()
	if err := l.cfg.Ring.Append(Record{now, name, text}); err != nil {
		l.cfg.Logf("logd: %v", err)
	}
	if text == "" || l.cfg.Kmsg == nil {
		return
	}
	if ok, missed := q.take(now); ok {
		writeKmsg(l.cfg.Kmsg, name, text, missed)
	}
}

// Text is what a line of program name says: without the newline and without
// "name: " in front, which is added again, made safe to print.
func Text(name, raw string) string {
	text := strings.TrimRight(raw, "\r\n")
	text = strings.TrimPrefix(text, name+": ")
	return tool.Clean(text)
}
