package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mvdan.cc/sh/v3/interp"

	"slashdev/init/userland/frame"
	"slashdev/init/userland/tool"
)

type builtin func(ctx context.Context, args []string) int

// builtins are the commands that need the shell itself.
func builtins() []string { return []string{"console", "exec-frame", "help", "history"} }

func (s *Shell) builtin(name string) builtin {
	switch name {
	case "console":
		return s.console
	case "exec-frame":
		return s.execFrame
	case "help":
		return s.help
	case "history":
		return s.history
	}
	return nil
}

// console turns the printing of programs' lines on the consoles on or off.
func (s *Shell) console(ctx context.Context, args []string) int {
	hc := interp.HandlerCtx(ctx)
	if len(args) != 1 || args[0] != "on" && args[0] != "off" {
		fmt.Fprint(hc.Stderr, "usage: console on|off\nprint what the programs say on the consoles, or not\n")
		return tool.Usage
	}
	if err := s.cfg.Tee(args[0] == "on"); err != nil {
		fmt.Fprintf(hc.Stderr, "console: %s\n", tool.Clean(err.Error()))
		return tool.Code(err)
	}
	return tool.OK
}

// execFrame runs a script for the program at the other end of the serial
// line: nothing but frames is printed, and the kernel is kept quiet.
func (s *Shell) execFrame(ctx context.Context, args []string) int {
	hc := interp.HandlerCtx(ctx)
	if len(args) != 2 || !frame.ValidNonce(args[0]) {
		fmt.Fprint(hc.Stderr, "usage: exec-frame NONCE SCRIPT\nNONCE is 8 lower-case hex digits\n")
		return tool.Usage
	}
	defer s.quietKernel()()
	s.cfg.Tee(false) // without logd nobody prints either
	enc := frame.NewEncoder(hc.Stdout, args[0])
	status, err := s.framed(ctx, enc, args[1])
	if err != nil {
		status = tool.Failed
		fmt.Fprintf(enc.Writer(frame.Stderr), "exec-frame: %v\n", err)
	}
	if err := enc.Exit(status); err != nil {
		return tool.Failed
	}
	return tool.OK
}

// drainTime is how long output of what the script left running is waited for.
const drainTime = 200 * time.Millisecond

func (s *Shell) framed(ctx context.Context, enc *frame.Encoder, script string) (int, error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer outR.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		outW.Close()
		return 0, err
	}
	defer errR.Close()
	var pumps sync.WaitGroup
	var ended atomic.Bool
	pumps.Go(func() { pump(enc.Writer(frame.Stdout), outR, &ended) })
	pumps.Go(func() { pump(enc.Writer(frame.Stderr), errR, &ended) })
	status := s.apart(ctx, script, streams{nil, outW, errW})
	outW.Close()
	errW.Close()
	ended.Store(true)
	outR.SetReadDeadline(time.Now().Add(drainTime))
	errR.SetReadDeadline(time.Now().Add(drainTime))
	pumps.Wait()
	return status, nil
}

// pump copies what the script prints. Once it has ended, a pipe that somebody
// still holds open is left when it has been silent for drainTime; a deadline
// over all of it would cut off what a slow line has not yet taken.
func pump(w io.Writer, r *os.File, ended *atomic.Bool) {
	buf := make([]byte, 32<<10)
	for {
		last := ended.Load()
		if last {
			r.SetReadDeadline(time.Now().Add(drainTime))
		}
		n, err := r.Read(buf)
		if n > 0 {
			_, _ = w.Write(buf[:n])
			continue
		}
		if err != nil && (last || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return
		}
	}
}

// apart runs a script in an interpreter of its own, in the same directory and
// environment, with no input.
func (s *Shell) apart(ctx context.Context, script string, std streams) int {
	sub := &Shell{cfg: s.cfg, applets: s.applets, out: std.out, err: std.err}
	hc := interp.HandlerCtx(ctx)
	if null, err := os.Open(os.DevNull); err == nil {
		defer null.Close()
		std.in = null
	}
	var err error
	if sub.runner, err = sub.newRunner(hc.Dir, hc.Env, std); err != nil {
		return sub.fail(tool.Failed, err)
	}
	return sub.RunText(ctx, strings.NewReader(script), "", nil)
}

const printk = "/proc/sys/kernel/printk"

// quietKernel lets the kernel print emergencies only, until the returned
// function is called.
func (s *Shell) quietKernel() func() {
	old, err := fs.ReadFile(s.cfg.Root, printk[1:])
	level, _, _ := strings.Cut(strings.TrimSpace(string(old)), "\t")
	if err != nil || level == "" || os.WriteFile(printk, []byte("1\n"), 0) != nil {
		return func() {}
	}
	return func() { os.WriteFile(printk, []byte(level+"\n"), 0) }
}

func (s *Shell) history(ctx context.Context, _ []string) int {
	hc := interp.HandlerCtx(ctx)
	text, err := os.ReadFile(historyFile)
	if err != nil {
		return tool.OK
	}
	for l := range strings.Lines(string(text)) {
		fmt.Fprintln(hc.Stdout, tool.Clean(strings.TrimSuffix(l, "\n")))
	}
	return tool.OK
}
