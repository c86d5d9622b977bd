package script

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func expect(h *host, _ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: expect PATTERN")
	}
	re, err := regexp.Compile(`(?m)` + args[0])
	if err != nil {
		return err
	}
	m, err := h.running()
	if err != nil {
		return err
	}
	ctx, cancel := h.within(expectTimeout)
	defer cancel()
	_, err = m.Expect(ctx, re)
	return err
}

// send types at the console. The usual escapes of Go strings work: \x03 is
// Ctrl-C.
func send(h *host, _ *testscript.TestScript, args []string) error {
	end := "\r"
	if len(args) > 0 && args[0] == "-n" {
		end, args = "", args[1:]
	}
	m, err := h.running()
	if err != nil {
		return err
	}
	text, err := unescape(strings.Join(args, " "))
	if err != nil {
		return err
	}
	return m.Send(text + end)
}

func runVerb(ts *testscript.TestScript, neg bool, args []string) {
	h := hostOf(ts)
	if len(args) == 0 {
		ts.Fatalf("usage: [!] run COMMAND...")
	}
	m, err := h.shell()
	ts.Check(err)
	ctx, cancel := h.within(runTimeout)
	defer cancel()
	command := strings.Join(args, " ")
	status, err := m.Run(ctx, command, ts.Stdout(), ts.Stderr())
	ts.Check(err)
	if status != 0 && !neg {
		ts.Fatalf("%s: exit status %d", command, status)
	}
	if status == 0 && neg {
		ts.Fatalf("%s: unexpected success", command)
	}
}

func consoleVerb(ts *testscript.TestScript, neg bool, args []string) {
	h := hostOf(ts)
	if len(args) != 1 {
		ts.Fatalf("usage: [!] console PATTERN")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	lines := h.past
	if h.machine != nil {
		lines = slices.Concat(lines, h.machine.Console())
	}
	i := slices.IndexFunc(lines, re.MatchString)
	if i < 0 && !neg {
		ts.Fatalf("no line of the console matches %#q; its end:\n%s", args[0], strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	if i >= 0 && neg {
		ts.Fatalf("the console has a line that matches %#q: %s", args[0], lines[i])
	}
}

func freeze(h *host, _ *testscript.TestScript, args []string) error {
	m, err := h.running()
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return errors.New("usage: freeze on|off|TIME")
	}
	switch args[0] {
	case "on":
		return m.QMP.Stop(h.ctx)
	case "off":
		return m.QMP.Cont(h.ctx)
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return fmt.Errorf("freeze: %w", err)
	}
	if err := m.QMP.Stop(h.ctx); err != nil {
		return err
	}
	select {
	case <-time.After(d):
	case <-h.ctx.Done():
	}
	return m.QMP.Cont(h.ctx)
}

func powercut(h *host, _ *testscript.TestScript, args []string) error {
	m, err := h.running()
	if err != nil {
		return err
	}
	err = m.Kill()
	h.stop()
	return err
}

func halt(h *host, _ *testscript.TestScript, args []string) error {
	m, err := h.shell()
	if err != nil {
		return err
	}
	ctx, cancel := h.within(runTimeout)
	defer cancel()
	if err := m.PowerOff(ctx); err != nil {
		return err
	}
	h.stop()
	return nil
}

func reboot(h *host, _ *testscript.TestScript, args []string) error {
	m, err := h.shell()
	if err != nil {
		return err
	}
	ctx, cancel := h.within(runTimeout)
	defer cancel()
	h.loggedIn = false
	return m.Reboot(ctx)
}

// unescape reads the escapes of a Go string in text that has no quotes.
func unescape(s string) (string, error) {
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		return "", fmt.Errorf("send %q: %w", s, err)
	}
	return text, nil
}
