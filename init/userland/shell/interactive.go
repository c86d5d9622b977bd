package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"slashdev/init/userland/edit"
	"slashdev/init/userland/tool"
)

// historyFile keeps the lines over a restart of the shell, not of the machine.
// Where its directory is missing, the machine was not booted by us.
const historyFile = "/run/slashdev/history"

// session is an interactive shell on a terminal.
type session struct {
	*Shell
	tty      *terminal
	editor   *edit.Editor
	history  edit.History
	ints     chan os.Signal
	job      *job
	onInput  func()        // called for the first byte typed, then nil
	patience time.Duration // for a line; zero: any
}

var errIdle = errors.New("nothing was typed")

func (s *Shell) newSession(t *terminal) *session {
	n := &session{Shell: s, tty: t, ints: make(chan os.Signal, 2)}
	if text, err := os.ReadFile(historyFile); err == nil {
		n.history.Load(string(text))
	}
	c := completer{root: s.cfg.Root, dir: func() string { return s.runner.Dir }, verbs: s.cfg.Verbs, names: s.commandNames}
	n.editor = edit.New(edit.Config{Columns: t.columns, Clear: clearScreen(), Complete: c.complete, History: &n.history})
	return n
}

// clearScreen is empty for a terminal that does not know escape sequences.
func clearScreen() string {
	if os.Getenv("TERM") == "dumb" {
		return ""
	}
	return "\x1b[H\x1b[2J"
}

// loop reads and runs lines until the end of input. It returns io.EOF when
// the user has asked for that, and an error when the terminal is gone.
func (n *session) loop() error {
	signal.Notify(n.ints, os.Interrupt)
	defer signal.Stop(n.ints)
	for {
		stmts, err := n.read()
		if err != nil {
			return err
		}
		if n.run(stmts) {
			return io.EOF
		}
	}
}

func (n *session) prompt() string { return "slashdev:" + tool.Clean(n.runner.Dir) + "# " }

// read reads lines until they are whole statements.
func (n *session) read() ([]*syntax.Stmt, error) {
	prompt, text := n.prompt(), ""
	for {
		line, ev, err := n.readLine(n.editor, prompt)
		switch {
		case err != nil:
			return nil, err
		case ev == edit.EOF && text == "":
			return nil, io.EOF
		case ev != edit.Line:
			return nil, nil
		}
		n.remember(line)
		text += line + "\n"
		file, err := parser().Parse(strings.NewReader(text), "")
		if err == nil {
			return file.Stmts, nil
		}
		if !syntax.IsIncomplete(err) {
			n.status = n.fail(tool.Usage, err)
			return nil, nil
		}
		prompt = "> "
	}
}

// readLine edits one line.
func (n *session) readLine(e *edit.Editor, prompt string) (string, edit.Event, error) {
	if err := n.tty.raw(); err != nil {
		return "", edit.EOF, err
	}
	defer n.tty.restore()
	e.Start(prompt)
	var b [1]byte
	var until time.Time
	if n.patience > 0 {
		until = time.Now().Add(n.patience)
	}
	for {
		if !n.tty.pending() {
			n.tty.file.Write(e.Output())
		}
		if !until.IsZero() && !n.tty.await(time.Until(until)) {
			return "", edit.EOF, errIdle
		}
		if c, err := n.tty.file.Read(b[:]); c == 0 || err != nil {
			return "", edit.EOF, fmt.Errorf("read terminal: hung up: %v", err)
		}
		if n.onInput != nil {
			n.onInput()
			n.onInput = nil
		}
		if ev := e.Feed(b[0]); ev != edit.None {
			n.tty.file.Write(e.Output())
			return e.Text(), ev, nil
		}
	}
}

// remember adds a line to the history, here and in the file if that can be.
func (n *session) remember(line string) {
	if strings.HasPrefix(line, "exec-frame ") || !n.history.Add(line) {
		return
	}
	os.WriteFile(historyFile, []byte(n.history.Text()), 0o600)
}

// run runs statements and reports whether the shell is to end.
func (n *session) run(stmts []*syntax.Stmt) (exit bool) {
	for len(n.ints) > 0 {
		<-n.ints // came while nothing ran
	}
	ctx, release := n.interruptible()
	defer release()
	for _, st := range stmts {
		n.status = n.finish(ctx, n.runner.Run(ctx, st))
		if ctx.Err() != nil || n.status == statusInterrupted {
			fmt.Fprintln(n.err)
			return false
		}
		if n.runner.Exited() {
			return true
		}
	}
	return false
}

// job is what ends at a Ctrl-C: the command that runs and all that went to the
// background since the last one, for to them too the terminal sends it.
type job struct {
	context.Context
	end   context.CancelFunc
	again chan struct{} // closed at the second Ctrl-C
}

func newJob() *job {
	second := make(chan struct{})
	ctx, end := context.WithCancel(context.WithValue(context.Background(), againKey{}, second))
	return &job{ctx, end, second}
}

// interruptible returns the context of the next command; it ends at the first
// Ctrl-C, and again sees the second. What went to the background keeps it
// after release.
func (n *session) interruptible() (context.Context, func()) {
	if n.job == nil || n.job.Err() != nil {
		n.job = newJob()
	}
	j, done, stopped := n.job, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-n.ints:
			}
			if j.Err() != nil {
				close(j.again)
				return
			}
			j.end()
		}
	}()
	return j, func() {
		close(done)
		<-stopped
	}
}
