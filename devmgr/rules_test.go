package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestC01_RulesCheck(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "10-good.rules"), filepath.Join(dir, "20-bad.rules")
	for name, text := range map[string]string{good: `KERNEL=="x", TAG+="y"`, bad: "# \n  KERNAL==\"x\", TAG+=\"a,b\"\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "devd.conf")
	if err := os.WriteFile(conf, []byte("attach 1 { action \"a\"; };\nattach 0 { action \"a | b\"; };"), 0o644); err != nil {
		t.Fatal(err)
	}
	problem := bad + ":2:3: unknown key KERNAL: did you mean KERNEL?\n"
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{good}, 0, "1 rule in 1 file: no problem\n", ""},
		{[]string{bad}, 1, problem, "dev rules: 1 problem in 1 file"},
		{[]string{dir}, 1, problem, "dev rules: 1 problem in 2 files"},
		{[]string{good, conf}, 1, conf + ":2:22: '|' takes a shell, and none is run: write a script and name it here; it finds the variables in its environment as DEVD_NAME\n", "1 problem in 2 files"},
		{[]string{"--github", bad}, 1, "::error file=" + bad + ",line=2,col=3::unknown key KERNAL%3A did you mean KERNEL?\n", "1 problem"},
	} {
		code, stdout, stderr := call(append([]string{"dev", "rules", "check"}, tt.args...)...)
		if code != tt.code || stdout != tt.stdout || !strings.HasPrefix(stderr, tt.stderr) && !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%q: %d\n%s\n%s", tt.args, code, stdout, stderr)
		}
	}
	_, stdout, _ := call("dev", "rules", "check", bad, "--json")
	var list []struct {
		File, Text, Hint string
		Line, Col        int
	}
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list) != 1 || list[0].Line != 2 || list[0].Hint != "did you mean KERNEL?" {
		t.Errorf("%v in %s", err, stdout)
	}
}

func TestLinesFitTheTerminal(t *testing.T) {
	for _, text := range []string{
		"  imports " + strings.Repeat("ID_SOMETHING ", 20), strings.Repeat("x", 300), "  " + strings.Repeat("y", 100) + " z", "a\x1b[31m", "",
	} {
		var out bytes.Buffer
		c := &command{env: environment{width: 80}}
		c.out = bufio.NewWriter(&out)
		c.indented("label", text)
		c.out.Flush()
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 || strings.ContainsRune(line, 0x1b) {
				t.Errorf("%q: line %q", text, line)
			}
		}
		if got := strings.Join(strings.Fields(out.String()), ""); len(got) < len(strings.Join(strings.Fields(text), "")) {
			t.Errorf("%q lost something: %q", text, out.String())
		}
	}
}
