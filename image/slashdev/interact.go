package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"slashdev/qemu"
)

// The serial console's own size: programs in the machine assume it.
const (
	consoleColumns = 80
	consoleRows    = 24
)

// errQuit says that the person at the console has had enough.
var errQuit = errors.New("quit")

// interact boots a machine with its console on this terminal, until the
// machine ends, Ctrl-A x is typed, a signal comes or the time is up.
func interact(ctx context.Context, config qemu.Config, timeout time.Duration) (err error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	config.Reboot, config.Quiet, config.Output = true, true, screen{os.Stdout, end}
	raw := term.IsTerminal(int(os.Stdin.Fd()))
	if raw {
		greet(config)
		restore, err := makeRaw(os.Stdin)
		if err != nil {
			return err
		}
		defer restore()
	}
	m, err := qemu.Start(ctx, config)
	if err != nil {
		return err
	}
	defer m.Close()
	return attend(ctx, m, forwardInput(m, raw))
}

// screen ends the run when nobody reads it any more, as in slashdev run | head.
type screen struct {
	io.Writer
	end context.CancelCauseFunc
}

func (s screen) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err != nil {
		s.end(&exitError{exitFailed, err})
	}
	return n, err
}

// greet says how to leave, and that a small window is the window's fault.
func greet(config qemu.Config) {
	accel := "TCG"
	if config.Accel == qemu.KVM {
		accel = "KVM"
	}
	config.Logf("booting %s with %s. Ctrl-A x quits, Ctrl-A h lists the keys", config.Machine, accel)
	columns, rows, err := term.GetSize(int(os.Stdin.Fd()))
	if err == nil && columns > 0 && (columns < consoleColumns || rows < consoleRows) { // 0: it does not know
		config.Logf("this terminal is %dx%d; the console assumes %dx%d: enlarge the window, or lines will wrap",
			columns, rows, consoleColumns, consoleRows)
	}
}

// makeRaw gives the keys to the machine. The function that it returns undoes
// that, and what the machine may have left on the screen: colours, a hidden
// cursor, no line wrap.
func makeRaw(f *os.File) (func(), error) {
	state, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	return func() {
		term.Restore(int(f.Fd()), state)
		if term.IsTerminal(int(os.Stdout.Fd())) {
			fmt.Fprint(os.Stdout, "\x1b[?7h\x1b[?25h\x1b[0m\r\n")
		}
	}, nil
}

// forwardInput types stdin into the machine. The goroutine cannot be stopped
// while it reads; it ends with the program.
func forwardInput(m *qemu.Machine, raw bool) <-chan error {
	failed := make(chan error, 1)
	go func() {
		// A panic here would end the program without restoring the terminal.
		defer func() {
			if r := recover(); r != nil {
				failed <- fmt.Errorf("read keys: panic: %v", r)
			}
		}()
		if err := copyKeys(os.Stdin, os.Stdout, m, raw); err != nil {
			failed <- err
		}
	}()
	return failed
}

// copyKeys reads until the end of in, which is no reason to stop the machine.
func copyKeys(in io.Reader, out, machine io.Writer, commands bool) error {
	var k keys
	buf := make([]byte, 256)
	for {
		n, err := in.Read(buf)
		text, action := buf[:n], keyNone
		if commands {
			text, action = k.feed(buf[:n])
		}
		if len(text) > 0 {
			if _, err := machine.Write(text); err != nil {
				return nil // the machine has ended, which attend sees
			}
		}
		switch {
		case action == keyQuit:
			return errQuit
		case action == keyHelp:
			io.WriteString(out, keyHelpText)
		case err != nil:
			return nil
		}
	}
}

// attend waits for the end.
func attend(ctx context.Context, m *qemu.Machine, input <-chan error) error {
	select {
	case <-m.Exited():
		return m.Wait(context.Background())
	case err := <-input:
		if errors.Is(err, errQuit) {
			return nil
		}
		return err
	case <-ctx.Done():
		var unread *exitError
		switch {
		case errors.As(context.Cause(ctx), &unread):
			return unread
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return &exitError{exitTimeout, errors.New("the time given with --timeout has passed")}
		}
		return errors.New("ended by a signal")
	}
}
