// Package logd is the logger. It reads what the programs print, what the kernel
// and PID 1 say and what is sent to /dev/log into a ring of lines (package
// ring), and passes the lines on: to the consoles, to the kernel's log, to
// files that outlast the boot, and to another machine.
//
// A program's bytes go from its pipe to the spool and from there into the ring,
// and both are files in /run: a logger that is killed at any moment loses
// nothing (S-05). The ring is also the only queue: whoever reads from it may be
// as slow as a dead disk and holds nobody up but loses lines that are
// overwritten, and says how many.
//
// It trusts no line: control characters become visible escapes before they
// reach a log or a terminal.
package logd

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/console"
	"slashdev/init/userland/logd/option"
	"slashdev/init/userland/logd/ring"
)

// Levels of lines, as syslog(3) numbers them.
const (
	warning = 4
	info    = 6
)

// Source is one program's output: the end of a pipe to read from, not blocking.
type Source struct {
	Name string
	Pipe *os.File
}

// Config is what the logger reads and where it writes.
type Config struct {
	Dir      string // of the ring and the spools, on a tmpfs
	Sources  []Source
	DevLog   *os.File  // the socket that /dev/log leads to; nil: none
	Kernel   *os.File  // to read the kernel's log from; nil: not
	Kmsg     io.Writer // to write to the kernel's log; nil: not
	Consoles []*console.Console
	Disk     Disk
	Options  option.Options
	Now      func() time.Duration // since boot
	Logf     func(format string, args ...any)
}

// Logger passes lines on.
type Logger struct {
	cfg     Config
	ring    *ring.Ring
	tee     tee
	kmsg    kmsg
	sources []*source

	mounted  chan struct{} // gets a word when there may be a disk
	asked    chan struct{} // gets a word when somebody asks for lines
	kernel   chan struct{} // closed when the ring has what the kernel had said
	caughtUp func()        // closes it
}

// New returns a logger that goes on where the one before it ended.
func New(cfg Config) (*Logger, error) {
	file, err := ring.Create(cfg.Dir)
	if err != nil {
		return nil, err
	}
	l := &Logger{cfg: cfg, mounted: make(chan struct{}, 1), asked: make(chan struct{}, 1), kernel: make(chan struct{})}
	l.caughtUp = sync.OnceFunc(func() { close(l.kernel) })
	if l.ring, err = ring.Open(file, cfg.Options.Ring, cfg.Now); err != nil {
		return nil, err
	}
	l.tee = tee{consoles: cfg.Consoles, level: cfg.Options.Tee, printed: map[string]int{}}
	l.restoreMode()
	l.kmsg = kmsg{w: cfg.Kmsg, limits: map[string]*limit{}}
	work := make(chan *scratch, 2)
	work <- new(scratch)
	work <- new(scratch)
	for _, s := range cfg.Sources {
		src, err := l.openSource(s)
		if err != nil {
			return nil, fmt.Errorf("open source %s: %w", s.Name, err)
		}
		src.work = work
		l.sources = append(l.sources, src)
	}
	return l, nil
}

func (l *Logger) openSource(s Source) (*source, error) {
	raw, err := s.Pipe.SyscallConn()
	if err != nil {
		return nil, err
	}
	_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) }) // without it programs wait sooner
	src := &source{name: s.Name, file: s.Pipe, pipe: raw, ring: l.ring, logf: l.cfg.Logf}
	if slices.Contains(l.cfg.Options.Drop, s.Name) {
		src.limit = newLimit(dropBurst, dropRate)
	}
	return src, src.open(l.cfg.Dir)
}

// endTime is how long the sinks may take at the end for what they have not
// passed on yet.
const endTime = 3 * time.Second

// Run reads all sources until ctx ends, takes what is still in the pipes, and
// gives the sinks a little time for it.
func (l *Logger) Run(ctx context.Context) error {
	var sources, sinks sync.WaitGroup
	for _, s := range l.sources {
		sources.Go(func() { s.run(ctx) })
	}
	if l.cfg.Kernel != nil {
		sources.Go(func() { l.readKernel(ctx) })
	} else {
		l.caughtUp()
	}
	if l.cfg.DevLog != nil {
		sources.Go(func() { l.readDevLog(ctx) })
	}
	sinkCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	for _, s := range l.sinks() {
		sinks.Go(func() { l.feed(sinkCtx, s) })
	}
	sinks.Go(func() {
		if l.disk(ctx) { // no end waits for one that has not come
			l.keep(sinkCtx)
		}
	})
	<-ctx.Done()
	sources.Wait()
	l.ring.Close()
	over := make(chan struct{})
	go func() { sinks.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(endTime):
	}
	return ctx.Err()
}

func (l *Logger) sinks() []sink {
	list := []sink{{"console", l.put}}
	if server := l.cfg.Options.Remote; server.Net != "" {
		r := remote{Logger: l, server: server}
		list = append(list, sink{"remote", r.put})
	}
	return list
}

// interrupt ends reads of f, whatever deadline they had, once ctx ends.
func interrupt(ctx context.Context, f *os.File) (stop func() bool) {
	return context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
}
