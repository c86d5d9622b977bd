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
	"slashdev/init/shadow"
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
		if err := n.login(ctx, name); err != nil {
			return s.fail(tool.Failed, err)
		}
	}
	switch err := n.loop(); {
	case errors.Is(err, errIdle):
		fmt.Fprintf(s.out, "\r\nlogged out after %s\r\n", idle)
	case err != io.EOF:
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

const (
	tryPause = time.Second      // from one try to the next
	typing   = time.Minute      // for one try; then what was typed is forgotten
	idle     = 15 * time.Minute // without a command; then the password is asked for again
)

// login asks for the password until it is right.
func (n *session) login(ctx context.Context, name string) error {
	n.patience = typing
	defer func() { n.patience = idle }()
	for {
		check := passwords(n.cfg.Root)
		prompt := "password: "
		if check == nil {
			fmt.Fprint(n.out, "No shell: this image has no password (Update.HTTPPassword), and there is none in /perm/gokr-pw.txt.\r\n")
			prompt = "press Enter to look again "
		}
		tried, ev, err := n.readLine(edit.New(edit.Config{Hidden: true}), prompt)
		switch {
		case err != nil && !errors.Is(err, errIdle):
			return err
		case err == nil && ev == edit.Line && check != nil:
			if check(tried) {
				n.cfg.Say("somebody is logged in", "")
				return nil
			}
			n.cfg.Say("", "wrong password on "+tool.Clean(name))
		}
		select {
		case <-time.After(tryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		n.tty.discardInput()
	}
}

// passwords returns what judges a password, nil where there is none. What is in
// /perm/gokr-pw.txt, gokrazy's place, wins over the image.
func passwords(root fs.FS) func(tried string) bool {
	text, err := fs.ReadFile(root, "perm/gokr-pw.txt")
	if err == nil {
		first, _, _ := strings.Cut(string(text), "\n")
		if first = strings.TrimSuffix(first, "\r"); first == "" {
			return nil
		}
		return func(tried string) bool { return equal(tried, first) }
	}
	text, err = fs.ReadFile(root, strings.TrimPrefix(shadow.File, "/"))
	hash, unusable := shadow.Find(string(text), "root")
	if err != nil || unusable != nil {
		return nil
	}
	return hash.Of
}

func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
