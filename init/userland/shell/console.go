package shell

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"slashdev/init/cmdline"
	"slashdev/init/plan"
	"slashdev/init/userland/edit"
	"slashdev/init/userland/tool"
)

// Interactive runs the shell on its terminal until the user leaves it.
func (s *Shell) Interactive() int {
	t := openTerminal(s.in)
	if t == nil {
		return s.fail(tool.Usage, errors.New("standard input is not a terminal"))
	}
	defer t.takeForeground()()
	n := s.newSession(t)
	if err := n.loop(); err != io.EOF {
		return s.fail(tool.Failed, err)
	}
	return n.status
}

// Console is the shell on a console of the machine: banner, the mode that the
// plan and the boot words ask for, then the shell. When the user leaves it,
// the program starts anew.
func (s *Shell) Console(ctx context.Context, name string) int {
	t := openTerminal(s.in)
	if t == nil {
		return s.fail(tool.Usage, fmt.Errorf("console %s: standard input is not a terminal", tool.Clean(name)))
	}
	t.sane()
	mode := Mode(s.cfg.Root)
	fmt.Fprint(s.out, "\r\n"+Banner(s.cfg.Root, addresses(), mode))
	if mode == "off" {
		<-ctx.Done()
		return tool.OK
	}
	n := s.newSession(t)
	n.onInput = func() { s.cfg.Tee(false) }
	if mode == "password" {
		if err := n.login(ctx); err != nil {
			return s.fail(tool.Failed, err)
		}
	}
	if err := n.loop(); err != io.EOF {
		return s.fail(tool.Failed, err)
	}
	err := syscall.Exec(self, os.Args, os.Environ())
	return s.fail(tool.Failed, fmt.Errorf("start shell anew: %w", err))
}

// Mode says who may use the shell on the console: open, password or off. The
// boot word init.shell= can only tighten what the plan says. Without a plan
// that can be read, a password is asked for.
func Mode(root fs.FS) string {
	const modes = "open password off" // from loose to tight
	mode := "password"
	if text, err := fs.ReadFile(root, strings.TrimPrefix(plan.File, "/")); err == nil {
		if p, err := plan.Parse(string(text)); err == nil {
			mode = p.Shell
		}
	}
	text, _ := fs.ReadFile(root, "proc/cmdline")
	word, _ := cmdline.Parse(string(text)).Get("init.shell")
	if word != "" && !strings.Contains(" "+modes+" ", " "+word+" ") {
		word = "off" // a word that we do not know was meant to tighten something
	}
	if strings.Index(modes, word) > strings.Index(modes, mode) {
		mode = word
	}
	return mode
}

// tryPause is how long after one try the next may come.
const tryPause = time.Second

// login asks for the password until it is right.
func (n *session) login(ctx context.Context) error {
	for {
		password, ok := password(n.cfg.Root)
		prompt := "password: "
		if !ok {
			fmt.Fprint(n.out, "No shell: there is no password in /perm/gokr-pw.txt or /etc/gokr-pw.txt.\r\n")
			prompt = "press Enter to look again "
		}
		tried, ev, err := n.readLine(edit.New(edit.Config{Hidden: true}), prompt)
		switch {
		case err != nil:
			return err
		case ev == edit.Line && ok && equal(tried, password):
			return nil
		}
		select {
		case <-time.After(tryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		n.tty.discardInput()
	}
}

func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// password returns the first line of the password file. An empty one is none.
func password(root fs.FS) (string, bool) {
	for _, name := range []string{"perm/gokr-pw.txt", "etc/gokr-pw.txt"} {
		text, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		first, _, _ := strings.Cut(string(text), "\n")
		first = strings.TrimSuffix(first, "\r")
		return first, err == nil && first != ""
	}
	return "", false
}
