package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/shadow"
)

// deadline is generous: nothing waits for it when the code is right.
const deadline = 20 * time.Second

// terminal is the other end of the terminal that a shell runs on.
type terminal struct {
	t      *testing.T
	master *os.File
	output chan []byte
	seen   []byte // not yet matched
	all    []byte
	cmd    *exec.Cmd
	exited chan error
}

// newTerminal runs the shell on a new pty as session leader, as PID 1 does.
func newTerminal(t *testing.T, root, term string, args ...string) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	x := &terminal{t: t, master: master, output: make(chan []byte, 1000), exited: make(chan error, 1)}
	x.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{"sh"}, args...), Dir: "/", Stdin: slave, Stdout: slave, Stderr: slave,
		Env:         []string{rootVariable + "=" + root, "TERM=" + term, "PATH=/user:/bin:/usr/bin"},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true},
	}
	if x.cmd.Path, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go x.read()
	go func() { x.exited <- x.cmd.Wait() }()
	t.Cleanup(func() {
		x.cmd.Process.Kill()
		master.Close()
	})
	return x
}

func (x *terminal) read() {
	defer close(x.output)
	for {
		buf := make([]byte, 4096)
		n, err := x.master.Read(buf)
		if err != nil {
			return
		}
		x.output <- buf[:n]
	}
}

func (x *terminal) send(keys string) {
	x.t.Helper()
	if _, err := x.master.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// expect waits for text and returns what came before it.
func (x *terminal) expect(text string) string {
	x.t.Helper()
	before, _ := x.await(text)
	return before
}

// expectAny waits for one of two texts and says which came.
func (x *terminal) expectAny(a, b string) string {
	x.t.Helper()
	_, text := x.await(a, b)
	return text
}

func (x *terminal) await(texts ...string) (before, text string) {
	x.t.Helper()
	limit := time.After(deadline)
	for {
		for _, text := range texts {
			if i := bytes.Index(x.seen, []byte(text)); i >= 0 {
				before = string(x.seen[:i])
				x.seen = x.seen[i+len(text):]
				return before, text
			}
		}
		select {
		case p, ok := <-x.output:
			if !ok {
				x.t.Fatalf("terminal closed while waiting for %q; last: %q", texts, x.seen)
			}
			x.seen, x.all = append(x.seen, p...), append(x.all, p...)
		case <-limit:
			x.t.Fatalf("no %q; last: %q", texts, x.seen)
		}
	}
}

func (x *terminal) exit() error {
	x.t.Helper()
	select {
	case err := <-x.exited:
		return err
	case <-time.After(deadline):
		x.t.Fatalf("shell does not end; last: %q", x.seen)
		return nil
	}
}

const promptText = "slashdev:/# "

func TestShellOnATerminal(t *testing.T) {
	x := newTerminal(t, "/", "dumb")
	x.expect(promptText)
	x.send("echo one $((1+1))\r")
	x.expect("\none 2\r\n" + promptText)
	x.send("cd /tmp; pwd\r")
	x.expect("\n/tmp\r\nslashdev:/tmp# ")
	x.send("cd /; for i in a b\r")
	x.expect("\n> ")
	x.send("do echo $i$i; done\r")
	x.expect("\naa\r\nbb\r\n" + promptText)
	x.send("echo 'x\r")
	x.expect("\n> ")
	x.send("\x03echo $?\r")
	x.expect("\n0\r\n" + promptText)
	x.send("exit 7\r")
	err := x.exit()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 7 {
		t.Errorf("exit 7 gives %v", err)
	}
	if bytes.ContainsRune(x.all, 0x1b) {
		t.Errorf("escape sequence on a dumb terminal: %q", x.all)
	}
}

func TestCtrlCInterruptsTheCommandOnly(t *testing.T) {
	for _, command := range []string{
		"sleep 1000",                        // inside the shell
		"cat",                               // a process of its own, waiting for the terminal
		"while true; do :; done",            // the interpreter
		"/bin/sleep 1000; echo not reached", // another program
		"while true; do cat /dev/null; done",
		"sleep 1000 | cat",
	} {
		t.Run(command, func(t *testing.T) {
			x := newTerminal(t, "/", "dumb")
			x.expect(promptText)
			x.send("echo rea''dy; " + command + "\r")
			x.expect("\nready\r\n")
			x.send("\x03")
			if got := x.expect(promptText); strings.Contains(got, "reached") {
				t.Errorf("went on: %q", got)
			}
			x.send("echo still here\r")
			x.expect("\nstill here\r\n" + promptText)
		})
	}
}

// wait waits for what earlier lines left in the background.
func TestCtrlCEndsWaiting(t *testing.T) {
	x := newTerminal(t, "/", "dumb")
	x.expect(promptText)
	x.send("sleep 1000 &\r")
	x.expect(promptText)
	x.send("echo rea''dy; wait\r")
	x.expect("\nready\r\n")
	x.send("\x03")
	x.expect(promptText)
	x.send("echo still here\r")
	x.expect("\nstill here\r\n" + promptText)
}

func TestSecondCtrlCKills(t *testing.T) {
	x := newTerminal(t, "/", "dumb")
	x.expect(promptText)
	x.send("/bin/sh -c 'trap \"echo caught\" INT; echo rea''dy; while :; do :; done'\r")
	x.expect("\nready\r\n")
	x.send("\x03")
	x.expect("caught")
	x.send("\x03")
	// Signals that come at once are one: press until it works, as a person does.
	for x.expectAny("caught", promptText) == "caught" {
		x.send("\x03")
	}
}

func TestExecFrame(t *testing.T) {
	x := newTerminal(t, "/", "dumb")
	for _, c := range []struct {
		script, out, err string
		status           int
	}{
		{"echo hello; echo oops >&2; exit 3", "hello\n", "oops\n", 3},
		{"head -c 3000 /dev/zero | wc -c", "3000\n", "", 0},
		{"cat; echo $?", "0\n", "", 0}, // no input
		{"if", "", "*", 2},
		{"nosuchcommand", "", "*", 127},
		{"echo 'it''s'; false", "its\n", "", 1},
		{"/bin/sleep 1000 & echo done", "done\n", "", 0}, // must not wait for the background
	} {
		x.expect(promptText)
		x.send("exec-frame 0badcafe '" + strings.ReplaceAll(c.script, "'", `'\''`) + "'\r")
		out, errs, status := decodeFrames(t, x)
		if out != c.out || status != c.status || errs != c.err && (c.err != "*" || errs == "") {
			t.Errorf("%s: out %q err %q status %d", c.script, out, errs, status)
		}
	}
}

// decodeFrames reads frames up to the exit frame. The real decoder is the
// host's; this one knows the grammar only.
func decodeFrames(t *testing.T, x *terminal) (out, errs string, status int) {
	t.Helper()
	form := regexp.MustCompile(`^@0badcafe ([oex]) (\d+) (\S+) [0-9a-f]{8}$`)
	for seq := 0; ; {
		line := strings.TrimSpace(x.expect("\n"))
		m := form.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[2] != fmt.Sprint(seq) {
			t.Fatalf("frame %s, want %d", m[2], seq)
		}
		seq++
		if m[1] == "x" {
			status, _ = strconv.Atoi(m[3])
			return out, errs, status
		}
		data, err := base64.StdEncoding.DecodeString(m[3])
		if err != nil {
			t.Fatal(err)
		}
		if m[1] == "o" {
			out += string(data)
		} else {
			errs += string(data)
		}
	}
}

// writeRoot makes a tree with a plan and a password.
func writeRoot(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestConsoleOpen(t *testing.T) {
	x := newTerminal(t, writeRoot(t, map[string]string{"etc/slashdev/plan": "slashdev-plan 1\nshell open\n"}), "vt102", "--console", "ttyS0")
	x.expect("This console is open: no password.")
	x.expect(promptText)
	x.send("echo a\r")
	x.expect("\na\r\n" + promptText)
	x.send("\x04") // starts anew
	x.expect("This console is open")
	x.expect(promptText)
	x.send("exit\r")
	x.expect("This console is open")
	x.expect(promptText)
}

func TestConsolePassword(t *testing.T) {
	line, err := shadow.Line("root", "open sesame", []byte("salt"))
	if err != nil {
		t.Fatal(err)
	}
	x := newTerminal(t, writeRoot(t, map[string]string{
		"etc/slashdev/plan": "slashdev-plan 1\nshell password\n", "etc/slashdev/shadow": line,
	}), "vt102", "--console", "ttyS0")
	x.expect("password: ")
	x.send("wrong\r")
	if got := x.expect("password: "); strings.Contains(got, "wrong") || strings.Contains(got, promptText) {
		t.Errorf("after a wrong password: %q", got)
	}
	x.send("open sesame\r")
	if got := x.expect(promptText); strings.Contains(got, "sesame") {
		t.Errorf("password shown: %q", got)
	}
	x.send("\x04")
	x.expect("password: ")
}

func TestConsoleWithoutPasswordFileStaysClosed(t *testing.T) {
	x := newTerminal(t, writeRoot(t, map[string]string{"etc/slashdev/plan": "slashdev-plan 1\nshell password\n"}), "vt102", "--console", "ttyS0")
	x.expect("No shell: this image has no password")
	x.expect("press Enter to look again ")
	x.send("\r")
	if got := x.expect("press Enter to look again "); strings.Contains(got, promptText) {
		t.Errorf("a shell without a password: %q", got)
	}
}

func TestConsoleOff(t *testing.T) {
	x := newTerminal(t, writeRoot(t, map[string]string{
		"etc/slashdev/plan": "slashdev-plan 1\nshell open\n", "proc/cmdline": "init.shell=off\n",
	}), "vt102", "--console", "ttyS0")
	x.expect("The shell on this console is off")
	x.send("echo x\r")
	if got := x.expect("echo x"); strings.Contains(got, promptText) {
		t.Errorf("a prompt: %q", got)
	}
}

func TestCompletionAndHistory(t *testing.T) {
	x := newTerminal(t, "/", "dumb")
	x.expect(promptText)
	x.send("ec\tab\r")
	x.expect("\nab\r\n" + promptText)
	x.send("ls /proc/self/mounti\t\r")
	x.expect("\n/proc/self/mountinfo\r\n" + promptText)
	x.send("\x1b[A\x1b[A\r")
	x.expect("\nab\r\n" + promptText)
	x.send("help\r")
	help := x.expect(promptText)
	for l := range strings.Lines(help) {
		if len(strings.TrimSpace(l)) > 80 {
			t.Errorf("help is wider than 80: %q", l)
		}
	}
	for _, name := range []string{"dmesg", "svc", "lsusb", "console"} {
		if !strings.Contains(help, "\n"+name+" ") {
			t.Errorf("help does not list %s", name)
		}
	}
}

func TestTypedAheadGoesToTheCommand(t *testing.T) {
	x := newTerminal(t, "/", "dumb")
	x.expect(promptText)
	x.send("head -n 1\rfor head\r")
	x.expect("\nfor head\r\n" + promptText)
}

// run runs the shell without a terminal.
func run(t *testing.T, input string, args ...string) (out string, status int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: exe, Args: args, Env: []string{rootVariable + "=/"}, Stdin: strings.NewReader(input)}
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestScripts(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("echo script $1\nexit 4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		input  string
		out    string
		status int
	}{
		{[]string{"sh", "-c", "true"}, "", "", 0},
		{[]string{"sh", "-c", "echo $0 $1", "name", "arg"}, "", "* arg\n", 0},
		{[]string{"sh", "-c", "exit 9"}, "", "", 9},
		{[]string{"sh"}, "echo from input\nfalse\n", "from input\n", 1},
		{[]string{"sh", plain, "x"}, "", "script x\n", 4},
		{[]string{"sh", "-c", plain + " y"}, "", "script y\n", 4}, // no #! line
		{[]string{"sh", "-c", "echo abc | cat | wc -c"}, "", "4\n", 0},
		{[]string{"sh", "-c", "kill -l | head -n 1 | wc -l"}, "", "1\n", 0},
		{[]string{"sh", "-c", "X=5 env | grep ^X="}, "", "X=5\n", 0},
		{[]string{"sh", "/no/such/script"}, "", "*", 127},
		{[]string{"sh", "-c", "/etc"}, "", "sh: /etc: is a directory\n", 126},
		{[]string{"sh", "-c", "echo 'unclosed"}, "", "*", 2},
		{[]string{"sh", "--nonsense"}, "", "*", 2},
		{[]string{"userland", "nosuch"}, "", "*", 2},
		{[]string{"userland", "uname"}, "", "Linux\n", 0},
		{[]string{"/sbin/reboot", "--nonsense"}, "", "*", 2},
	} {
		out, status := run(t, c.input, c.args...)
		want := strings.TrimPrefix(c.out, "*")
		if status != c.status || !strings.HasSuffix(out, want) || c.out == want && out != want {
			t.Errorf("%q: exit %d, output %q", c.args, status, out)
		}
	}
}
