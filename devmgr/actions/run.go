package actions

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type outcome struct {
	Result
	timedOut bool
	leftOver bool
}

// run runs one job to its end.
func (r *Runner) run(j Job) (o outcome) {
	start := time.Now()
	o.Job = j
	err := r.execute(r.ctx, &o, nil)
	o.Took = time.Since(start)
	switch {
	case err == nil:
		return o
	case r.ctx.Err() != nil:
		o.Failure = "killed: the device manager was stopping"
	default:
		o.Failure = err.Error()
	}
	from := ""
	if j.Line != "" {
		from = " (" + j.Line + ")"
	}
	r.cfg.Logf("%s: %s%s", j.name(), printable(o.Failure), from)
	return o
}

// Output runs a job at once and returns what it prints on its standard output,
// up to a bound: rules want to know before they can decide. It waits for no
// other job.
func (r *Runner) Output(ctx context.Context, j Job) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	var said strings.Builder
	err := r.execute(ctx, &outcome{Result: Result{Job: j}}, &said)
	return said.String(), err
}

// maxOutput bounds what a rule takes from a program.
const maxOutput = 16 << 10

// execute runs the job of o. What it prints is logged; with said, its standard
// output is collected instead.
func (r *Runner) execute(ctx context.Context, o *outcome, said *strings.Builder) error {
	j := o.Job
	file, err := r.find(j)
	if err != nil {
		return err
	}
	timeout := j.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	group, err := r.groups.make()
	if err != nil {
		return err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: file, Args: j.Argv, Dir: "/", Env: environ(j.Env), Stdout: in}
	if said == nil {
		cmd.Stderr = in
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if group != nil {
		defer group.Close()
		defer r.groups.remove(group.Name())
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return err
	}
	p := &process{cmd: cmd, group: group, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		if said != nil {
			_, _ = io.Copy(said, io.LimitReader(out, maxOutput))
			_, _ = io.Copy(io.Discard, out)
			return
		}
		r.print(j, out)
	}()
	err = p.wait(ctx, timeout, o)
	_ = out.SetReadDeadline(time.Now().Add(drainTime))
	<-printed
	out.Close()
	if p.wantedMore() {
		r.cfg.Logf("%s: wanted more than %s processes at once", j.name(), maxPids)
	}
	return err
}

// drainTime is for what a job has printed before it ended.
const drainTime = time.Second

// process is a job that runs.
type process struct {
	cmd   *exec.Cmd
	group *os.File
	ended chan error
}

func (p *process) wait(ctx context.Context, timeout time.Duration, o *outcome) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		if o.leftOver = p.populated(); o.leftOver {
			p.kill()
		}
		return exit(err)
	case <-ctx.Done():
		p.kill()
		<-p.ended
		return ctx.Err()
	case <-timer.C:
		p.kill()
		<-p.ended
		o.timedOut = true
		return fmt.Errorf("killed: not done after %s", timeout)
	}
}

func (p *process) wantedMore() bool {
	if p.group == nil {
		return false
	}
	text, _ := os.ReadFile(filepath.Join(p.group.Name(), "pids.events"))
	return len(text) > 0 && strings.TrimSpace(string(text)) != "max 0"
}

func (p *process) populated() bool { return p.group != nil && populated(p.group.Name()) }

// kill ends the job and all that it has started. Without a control group that
// means its session's process group.
func (p *process) kill() {
	if p.group != nil {
		kill(p.group.Name())
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}

// exit says how a process ended.
func exit(err error) error {
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	if s, ok := failed.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return fmt.Errorf("ended by signal %d (%s)", s.Signal(), s.Signal())
	}
	return fmt.Errorf("ended with status %d", failed.ExitCode())
}

// environ is the job's own, with a PATH if it says none. Nothing of ours is
// handed down.
func environ(env []string) []string {
	if !slices.ContainsFunc(env, func(s string) bool { return strings.HasPrefix(s, "PATH=") }) {
		env = append(slices.Clip(env), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	return env
}

// find returns the file of a job's program. It is run as root: a file or folder
// that others may write is refused (C-08).
func (r *Runner) find(j Job) (string, error) {
	name := j.program()
	if len(j.Argv) == 0 || name == "" {
		return "", errors.New("no program is named")
	}
	candidates := []string{name}
	if !filepath.IsAbs(name) {
		if !filepath.IsLocal(name) || strings.Contains(name, "..") {
			return "", fmt.Errorf("refused: %q leads out of %s", name, strings.Join(r.cfg.Dirs, " and "))
		}
		candidates = nil
		for _, dir := range r.cfg.Dirs {
			candidates = append(candidates, filepath.Join(dir, name))
		}
	}
	for _, file := range candidates {
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return file, trusted(file, info)
	}
	if filepath.IsAbs(name) {
		return "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return "", fmt.Errorf("%s: %w in %s", name, fs.ErrNotExist, strings.Join(r.cfg.Dirs, " and "))
}

func trusted(file string, info fs.FileInfo) error {
	dir, err := os.Stat(filepath.Dir(file))
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("refused: %s is no program", file)
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("refused: anybody may write %s; chmod o-w it", file)
	case dir.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("refused: anybody may write into %s; chmod o-w it", filepath.Dir(file))
	}
	return nil
}

// Bounds on what a job prints into the log.
const (
	maxLine  = 1024
	maxLines = 200
)

// print logs what a job says, line by line, and counts what is too much. It
// reads to the end, so that nobody blocks on a full pipe.
func (r *Runner) print(j Job, out io.Reader) {
	lines, more := 0, 0
	b := bufio.NewReaderSize(out, maxLine)
	for {
		text, cut, err := b.ReadLine()
		if err != nil {
			break
		}
		if lines++; lines > maxLines {
			more++
			continue
		}
		if s := printable(string(text)); s != "" || cut {
			r.cfg.Logf("%s: %s", j.name(), s)
		}
	}
	if more > 0 {
		r.cfg.Logf("%s: and %d lines more", j.name(), more)
	}
}
