package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"

	"slashdev/init/userland/tool"
)

// ours marks a command of our own whose name the interpreter has taken.
const ours = "slashdev:"

// call keeps names for us that the interpreter reserves, but does not do.
func (s *Shell) call(_ context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "kill", "help", "history":
		return append([]string{ours + args[0]}, args[1:]...), nil
	}
	return args, nil
}

// exec runs a simple command: a builtin of ours, an applet, or a program.
func (s *Shell) exec(ctx context.Context, args []string) error {
	name := strings.TrimPrefix(args[0], ours)
	args = append([]string{name}, args[1:]...)
	if f := s.builtin(name); f != nil {
		return exitStatus(f(ctx, args[1:]))
	}
	hc := interp.HandlerCtx(ctx)
	if a, ok := s.applets[name]; ok {
		if a.Inside {
			return exitStatus(a.Start(ctx, s.env(hc, name), args[1:]))
		}
		return s.start(ctx, &exec.Cmd{Path: self, Args: args})
	}
	path, err := interp.LookPathDir(hc.Dir, hc.Env, name)
	if err != nil {
		return exitStatus(s.notFound(hc, name))
	}
	return s.start(ctx, &exec.Cmd{Path: path, Args: args})
}

// self is this program, whatever its file is called and even if it was replaced.
const self = "/proc/self/exe"

func exitStatus(code int) error {
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(uint8(code))
}

// notFound tells apart what the user may have meant. Status 126 and 127 are POSIX's.
func (s *Shell) notFound(hc interp.HandlerContext, name string) int {
	if !strings.Contains(name, "/") {
		fmt.Fprintf(hc.Stderr, "sh: %s: no such command; help lists them\n", tool.Clean(name))
		return 127
	}
	status, why := 127, "no such file"
	if fi, err := os.Stat(s.env(hc, name).Path(name)); err == nil {
		status, why = 126, "not executable"
		if fi.IsDir() {
			why = "is a directory"
		}
	}
	fmt.Fprintf(hc.Stderr, "sh: %s: %s\n", tool.Clean(name), why)
	return status
}

func (s *Shell) env(hc interp.HandlerContext, name string) *tool.Env {
	return &tool.Env{
		Name: name, In: hc.Stdin, Out: hc.Stdout, Err: hc.Stderr, Dir: hc.Dir, Root: s.cfg.Root,
		Getenv: func(key string) string { return hc.Env.Get(key).String() },
	}
}

func exported(env expand.Environ) (list []string) {
	env.Each(func(name string, v expand.Variable) bool {
		if v.IsSet() && v.Exported && v.Kind == expand.String {
			list = append(list, name+"="+v.String())
		}
		return true
	})
	return list
}

// start runs a program and waits for it. It stays in the shell's process
// group, so the terminal itself sends it SIGINT on Ctrl-C.
func (s *Shell) start(ctx context.Context, cmd *exec.Cmd) error {
	if ctx.Err() != nil {
		return exitStatus(statusInterrupted)
	}
	hc := interp.HandlerCtx(ctx)
	cmd.Dir, cmd.Env = hc.Dir, exported(hc.Env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = hc.Stdin, hc.Stdout, hc.Stderr
	cmd.WaitDelay = time.Second // for output of grandchildren that goes through us
	err := cmd.Start()
	if errors.Is(err, syscall.ENOEXEC) && !strings.HasPrefix(cmd.Path, "/proc/") {
		return s.start(ctx, &exec.Cmd{Path: self, Args: append([]string{"sh", cmd.Path}, cmd.Args[1:]...)})
	}
	if err != nil {
		fmt.Fprintf(hc.Stderr, "sh: %s: %s\n", tool.Clean(cmd.Args[0]), tool.Clean(cause(err).Error()))
		return exitStatus(126)
	}
	return waitStatus(hc, wait(ctx, cmd))
}

// startWindow is how old a program may be when an interrupt arrives that the
// terminal may have sent before the program was there.
const startWindow = 500 * time.Millisecond

// wait waits for cmd, which was just started. The terminal interrupts it; when
// it goes on all the same, a second interrupt kills it.
func wait(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		cmd.Process.Signal(os.Interrupt)
	case <-time.After(startWindow):
	}
	select {
	case err := <-done:
		return err
	case <-again(ctx):
		cmd.Process.Kill()
	}
	return <-done
}

func waitStatus(hc interp.HandlerContext, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case !errors.As(err, &exit):
		return exitStatus(126)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return exitStatus(exit.ExitCode())
	}
	if sig := status.Signal(); sig != syscall.SIGINT && sig != syscall.SIGPIPE {
		fmt.Fprintf(hc.Stderr, "sh: ended by signal %d (%v)\n", sig, sig)
	}
	return exitStatus(128 + int(status.Signal()))
}

func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// An interrupt is told in two steps: the first ends the script's context, the
// second is seen here.
type againKey struct{}

func again(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(againKey{}).(chan struct{})
	return c
}
