// Package shell is the diagnostics shell: mvdan.cc/sh as interpreter, our own
// line editor, and the appliance's commands inside.
//
// On the console it is started by PID 1 with the terminal as descriptors 0 to
// 2. It never trusts the terminal (TERM may be unset, the window has no size)
// nor any name that it prints.
package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"slashdev/init/userland/tool"
)

// Config is what the shell knows of the program it is part of.
type Config struct {
	Applets func() []tool.Applet
	Root    fs.FS                        // the file tree
	Tee     func(on bool) error          // asks logd to print programs' lines on the consoles, or not
	Say     func(status, warning string) // to PID 1 and to the log
	Verbs   func(said string) []string   // for completion: "svc" -> ls, status ...
}

// Shell is one shell. One goroutine owns it.
type Shell struct {
	cfg     Config
	applets map[string]tool.Applet
	runner  *interp.Runner
	in      *os.File
	out     io.Writer
	err     io.Writer
	status  int
}

// New returns a shell on the streams and in the directory of env.
func New(cfg Config, env *tool.Env) (*Shell, error) {
	s := &Shell{cfg: cfg, applets: map[string]tool.Applet{}, out: env.Out, err: env.Err}
	s.in, _ = env.In.(*os.File)
	for _, a := range cfg.Applets() {
		s.applets[a.Name] = a
	}
	var err error
	s.runner, err = s.newRunner(env.Dir, expand.ListEnviron(environ(os.Environ())...), streams{s.in, s.out, s.err})
	return s, err
}

type streams struct {
	in       *os.File
	out, err io.Writer
}

func (s *Shell) newRunner(dir string, env expand.Environ, std streams) (*interp.Runner, error) {
	var in io.Reader
	if std.in != nil {
		in = std.in
	}
	r, err := interp.New(
		interp.Dir(dir),
		interp.Env(env),
		interp.StdIO(in, std.out, std.err),
		interp.CallHandler(s.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
		interp.Interactive(true),
	)
	if err != nil {
		return nil, fmt.Errorf("start interpreter: %w", err)
	}
	return r, nil
}

// environ completes the environment that a shell needs.
func environ(env []string) []string {
	set := map[string]bool{}
	for _, kv := range env {
		key, _, _ := strings.Cut(kv, "=")
		set[key] = true
	}
	for _, kv := range []string{"PATH=/user:/gokrazy:/sbin:/bin", "HOME=/", "USER=root", "SHELL=/bin/sh"} {
		if key, _, _ := strings.Cut(kv, "="); !set[key] {
			env = append(env, kv)
		}
	}
	return env
}

// RunText runs a script and returns its exit status. Each statement starts
// when it has been read, so that an error further on does not undo it.
func (s *Shell) RunText(ctx context.Context, text io.Reader, name string, args []string) int {
	if err := interp.Params(append([]string{"--"}, args...)...)(s.runner); err != nil {
		return s.fail(2, err)
	}
	file, err := parser().Parse(text, name)
	if err != nil {
		return s.fail(tool.Usage, err)
	}
	return s.finish(ctx, s.runner.Run(ctx, file))
}

func parser() *syntax.Parser { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }

// finish turns what the interpreter returned into an exit status.
func (s *Shell) finish(ctx context.Context, err error) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case ctx.Err() != nil:
		return statusInterrupted
	}
	return s.fail(1, err)
}

// statusInterrupted is the exit status of what Ctrl-C ended.
const statusInterrupted = 130

func (s *Shell) fail(status int, err error) int {
	fmt.Fprintf(s.err, "sh: %s\n", tool.Clean(err.Error()))
	return status
}
