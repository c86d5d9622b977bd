package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// artifactTimeout bounds the questions to a QEMU that may hang.
const artifactTimeout = 5 * time.Second

// explain turns why a wait for what ended into the error that callers see, and
// saves what is left of the machine.
func (m *Machine) explain(what string, err error) error {
	var crash *crashError
	switch {
	case errors.As(err, &crash):
		return m.guestFailed(fmt.Sprintf("%s (while waiting for %s)", crash.line, what), false)
	case errors.Is(err, errConsoleEnded):
		return m.ended(what)
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return m.guestFailed("no "+what+" in time", true)
	}
	return m.harnessFailed(what, err)
}

func (m *Machine) guestFailed(reason string, timeout bool) error {
	return &BootError{Reason: reason, Tail: tail(m.console.text()), Artifacts: m.Artifacts(), Timeout: timeout}
}

func (m *Machine) harnessFailed(op string, err error) error {
	return &HarnessError{Op: op, Err: err, Artifacts: m.Artifacts()}
}

// tail returns the last lines that a person can read: no frames, no long ones.
func tail(lines []string) string {
	frame := regexp.MustCompile(`^@[0-9a-f]{8} [oex] `)
	var out []string
	for _, line := range slices.Backward(lines) {
		if frame.MatchString(line) {
			continue
		}
		if runes := []rune(line); len(runes) > tailColumns {
			line = string(runes[:tailColumns]) + " ..."
		}
		if out = append(out, line); len(out) == tailLines {
			break
		}
	}
	slices.Reverse(out)
	return strings.Join(out, "\n")
}

// ended tells a guest that went away from a QEMU that broke. A guest's silent
// death and a power-off both end QEMU with status 0.
func (m *Machine) ended(what string) error {
	<-m.exited
	<-m.eventsDone // QEMU's last word may still be on its way
	if m.exit != nil {
		return m.harnessFailed("QEMU ended before "+what, fmt.Errorf("%w: %s", m.exit, m.stderr))
	}
	reason := m.ShutdownReason()
	if reason == "" {
		reason = "without a word"
	}
	return m.guestFailed(fmt.Sprintf("the machine ended (%s) before %s", reason, what), false)
}

// Artifacts saves what is left of the machine, the first time that it is
// called, and returns the folder.
func (m *Machine) Artifacts() string { return m.artifacts() }

// saveArtifacts writes console.log, command-line.txt and qmp-state.json, and
// returns the folder, or "" when there is none to write to.
func (m *Machine) saveArtifacts() string {
	dir, err := m.artifactDir()
	if err != nil {
		m.logf("artifacts: %v", err)
		return ""
	}
	err = errors.Join(
		copyFile(filepath.Join(dir, "console.log"), m.log.Name()),
		os.WriteFile(filepath.Join(dir, "command-line.txt"), []byte(m.commandLine()), 0o644),
		os.WriteFile(filepath.Join(dir, "qmp-state.json"), m.qmpState(), 0o644))
	if err != nil {
		m.logf("artifacts: %v", err)
	}
	return dir
}

func (m *Machine) artifactDir() (string, error) {
	dir := m.config.Artifacts
	if dir == "" {
		dir = os.Getenv("SLASHDEV_ARTIFACTS")
	}
	if dir == "" {
		return os.MkdirTemp("", "slashdev-failure-")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, m.config.Machine+"-")
}

func (m *Machine) commandLine() string {
	byHand := m.config
	byHand.QMPSocket = ""
	if byHand.Machine == "pc-uefi" {
		byHand.Extra = append(slices.Clone(byHand.Extra), "-snapshot")
	}
	args, err := Args(byHand)
	if err != nil {
		args = m.args
	}
	return "# as it ran:\n" + shellLine(m.cmd.Path, m.args) +
		"# by hand, with the serial console on your terminal (Ctrl-C ends it):\n" + shellLine(m.cmd.Path, args)
}

func shellLine(binary string, args []string) string {
	words := []string{binary}
	for _, a := range args {
		if strings.ContainsFunc(a, func(r rune) bool { return !strings.ContainsRune(safeInShell, r) }) || a == "" {
			a = quoteShell(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ") + "\n"
}

const safeInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,/:@%"

func (m *Machine) qmpState() []byte {
	ctx, cancel := context.WithTimeout(context.Background(), artifactTimeout)
	defer cancel()
	state := map[string]any{"shutdown-reason": m.ShutdownReason(), "qemu-stderr": m.stderr.String()}
	for _, command := range []string{"query-status", "query-block", "query-cpus-fast", "query-chardev"} {
		state[command] = m.ask(ctx, command, nil)
	}
	state["devices"] = m.ask(ctx, "qom-list", map[string]string{"path": "/machine/peripheral"})
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return []byte(err.Error())
	}
	return append(text, '\n')
}

func (m *Machine) ask(ctx context.Context, command string, args any) any {
	result, err := m.QMP.Query(ctx, command, args)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return result
}

func (m *Machine) logf(format string, args ...any) {
	if m.config.Logf != nil {
		m.config.Logf(format, args...)
	}
}
