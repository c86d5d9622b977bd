package qemu

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// ReadyLine is what PID 1 prints when devices and programs are up.
const ReadyLine = "init: ready"

func promptPattern() *regexp.Regexp { return regexp.MustCompile(`slashdev:\S*# `) }

// Login waits until the machine is ready and its shell prompts. If the shell
// asks for a password, it gets this one.
func (m *Machine) Login(ctx context.Context, password string) error {
	_, err := m.console.wait(ctx, m.prompt, func(line string) bool { return strings.Contains(line, ReadyLine) })
	if err != nil {
		return m.explain(fmt.Sprintf("%q", ReadyLine), err)
	}
	at, asks, err := m.promptOrPassword(ctx, m.prompt)
	if err != nil || !asks {
		return err
	}
	if password == "" {
		return m.harnessFailed("log in", errors.New("the shell asks for a password: set SLASHDEV_PASSWORD"))
	}
	if err := m.Send(password + "\r"); err != nil {
		return err
	}
	m.prompt = at
	_, asks, err = m.promptOrPassword(ctx, at)
	if err == nil && asks {
		err = m.harnessFailed("log in", errors.New("the shell refused the password in SLASHDEV_PASSWORD"))
	}
	return err
}

// promptOrPassword waits for either. An appliance that has no shell for anybody
// says so; waiting for one would only end in a timeout.
func (m *Machine) promptOrPassword(ctx context.Context, from position) (at position, asks bool, err error) {
	prompt, none := promptPattern(), ""
	at, err = m.console.wait(ctx, from, func(line string) bool {
		// Not at the end only: programs print behind the question.
		asks = strings.HasPrefix(line, "password: ")
		if shellOff.MatchString(line) {
			none = line
		}
		return asks || none != "" || prompt.MatchString(line)
	})
	switch {
	case err != nil:
		return at, false, m.explain("shell prompt", err)
	case none != "":
		return at, false, m.harnessFailed("log in", fmt.Errorf("%w: %s", ErrNoShell, strings.TrimSpace(none)))
	}
	return at, asks, nil
}

// ErrNoShell says that the appliance lets nobody in.
var ErrNoShell = errors.New("the appliance has no shell")

var shellOff = regexp.MustCompile(`^init: the shell is off|^No shell: `)

// awaitPrompt waits until the shell has answered what it was last told.
func (m *Machine) awaitPrompt(ctx context.Context) error {
	if _, err := m.console.wait(ctx, m.prompt, promptPattern().MatchString); err != nil {
		return m.explain("shell prompt", err)
	}
	return nil
}

// Run runs command in the shell and copies its output, byte for byte, as it
// comes. It returns the command's exit status.
func (m *Machine) Run(ctx context.Context, command string, stdout, stderr io.Writer) (int, error) {
	if err := m.awaitPrompt(ctx); err != nil {
		return 0, err
	}
	decoder := frameDecoder{nonce: nonce()}
	from := m.console.mark()
	if err := m.Send("exec-frame " + decoder.nonce + " " + quoteShell(command) + "\r"); err != nil {
		return 0, err
	}
	for {
		f, next, err := m.nextFrame(ctx, from, &decoder)
		if err != nil {
			return 0, m.explain("end of command "+command, err)
		}
		from, m.prompt = next, next
		switch f.kind {
		case 'x':
			return f.status, nil
		case 'o':
			_, err = stdout.Write(f.data)
		case 'e':
			_, err = stderr.Write(f.data)
		}
		if err != nil {
			return 0, err
		}
	}
}

func (m *Machine) nextFrame(ctx context.Context, from position, d *frameDecoder) (f *frame, next position, err error) {
	var damaged error
	next, err = m.console.waitLine(ctx, from, func(line string) bool {
		f, damaged = d.line(line)
		return f != nil || damaged != nil
	})
	return f, next, errors.Join(err, damaged)
}

// PowerOff powers the machine off through its shell and waits for its end. A
// machine that ends in any other way failed.
func (m *Machine) PowerOff(ctx context.Context) error {
	if err := m.awaitPrompt(ctx); err != nil {
		return err
	}
	if err := m.Send("poweroff\r"); err != nil {
		return err
	}
	return m.PoweredOff(ctx)
}

// PoweredOff waits for the end of a machine that is about to power off.
func (m *Machine) PoweredOff(ctx context.Context) error {
	err := m.console.until(ctx, func() bool { return false })
	if !errors.Is(err, errConsoleEnded) {
		return m.explain("power-off", err)
	}
	<-m.exited
	<-m.eventsDone
	if m.exit == nil && m.ShutdownReason() == "guest-shutdown" {
		return nil
	}
	return m.ended("a clean power-off")
}

// Reboot reboots the machine through its shell and returns when the firmware
// has it again; Login waits for the shell.
func (m *Machine) Reboot(ctx context.Context) error {
	if !m.config.Reboot {
		return m.harnessFailed("reboot", errors.New("the machine was started so that a reset ends it"))
	}
	if err := m.awaitPrompt(ctx); err != nil {
		return err
	}
	m.resetExpected.Store(true)
	if err := m.Send("reboot\r"); err != nil {
		return err
	}
	select {
	case m.prompt = <-m.resetSeen:
		return nil
	case <-m.exited:
		return m.ended("reboot")
	case <-ctx.Done():
		return m.explain("reset", context.Cause(ctx))
	}
}

func nonce() string {
	var b [4]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
