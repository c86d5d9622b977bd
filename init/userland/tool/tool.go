// Package tool is what every applet stands on: its streams and directory, its
// options, its tables, and the answer to a string that a device or a file
// name brought along.
//
// An applet is a Func. It runs as its own process or inside the shell, so it
// takes everything from its Env and nothing from package os's globals.
package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Exit codes: the same everywhere in slashdev.
const (
	OK       = 0
	Failed   = 1
	Usage    = 2
	NotFound = 3
	Refused  = 4
	Timeout  = 5
)

// Func runs one applet; args are without its name.
type Func func(ctx context.Context, e *Env, args []string) error

// Env is where an applet runs.
type Env struct {
	Name   string // as it was called
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	Dir    string // relative paths start here
	Getenv func(string) string
	Root   fs.FS // the file tree, for what is read below /proc and /sys
}

// Path makes an argument absolute.
func (e *Env) Path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(e.Dir, p)
}

// Printf writes to the applet's output. The error of a closed pipe is the
// reader's wish, so it is not looked at here.
func (e *Env) Printf(format string, args ...any) { fmt.Fprintf(e.Out, format, args...) }

// Complain writes one line to the applet's error output, for errors after
// which it goes on.
func (e *Env) Complain(err error) {
	fmt.Fprintf(e.Err, "%s: %s\n", e.Name, Clean(err.Error()))
}

// ExitError is an error with an exit code of its own. An empty Msg is not printed.
type ExitError struct {
	Code int
	Msg  string
}

func (e *ExitError) Error() string { return e.Msg }

// Usagef is the error for arguments that the applet does not take.
func Usagef(format string, args ...any) error {
	return &ExitError{Usage, fmt.Sprintf(format, args...)}
}

// Errorf is an error with an exit code.
func Errorf(code int, format string, args ...any) error {
	return &ExitError{code, fmt.Sprintf(format, args...)}
}

// Silent ends an applet with a code when it has said everything already.
func Silent(code int) error { return &ExitError{Code: code} }

// Code returns the exit code that err stands for.
func Code(err error) int {
	var e *ExitError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.Is(err, fs.ErrPermission):
		return Refused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	}
	return Failed
}
