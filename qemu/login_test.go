package qemu_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// execLocked runs a command on an appliance whose shell asks for a password.
func execLocked(t *testing.T, password, words, command string) (status int, stdout, stderr string) {
	t.Helper()
	program := slashdevProgram(t)
	cmd := exec.CommandContext(t.Context(), program, "run", "--direct", "--append", words, "--exec", command, "testdata/locked")
	cmd.Env = append(os.Environ(), "SLASHDEV_ARTIFACTS="+t.ArtifactDir(), "SLASHDEV_PASSWORD="+password)
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), bad.String()
}

// an image with a password lets nobody in without, keeps only its hash for
// the shell, and lets scripts log in.
func TestA02_ShellAsksForThePassword(t *testing.T) {
	status, stdout, stderr := execLocked(t, "open sesame", "marked=yes", "cat /etc/slashdev/shadow; stat /etc/slashdev/shadow; svc ls --json; exit 7")
	if status != 7 || !strings.HasPrefix(stdout, "root:$pbkdf2-sha256$") {
		t.Fatalf("status %d, %s%s", status, stdout, stderr)
	}
	for _, want := range []string{`0?600`, `"somebody is logged in"`} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "sesame") {
		t.Error("the password itself is there")
	}
}

// What cannot work fails at once and says why, with the status of a machine
// that did not come up.
func TestA02_NobodyGetsIn(t *testing.T) {
	for _, c := range []struct{ name, password, words, why string }{
		{"wrong password", "sesame", "x=y", "the shell refused the password in SLASHDEV_PASSWORD"},
		{"no password", "", "x=y", "the shell asks for a password: set SLASHDEV_PASSWORD"},
		{"off", "open sesame", "init.shell=off", "the appliance has no shell: init: the shell is off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := execLocked(t, c.password, c.words, "echo in")
			if status != 125 || stdout != "" || !strings.Contains(stderr, c.why) {
				t.Errorf("status %d, %q, %s; want 125 and %q", status, stdout, stderr, c.why)
			}
		})
	}
}
