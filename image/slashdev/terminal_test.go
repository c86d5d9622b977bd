package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with slashdev run on it.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	before unix.Termios

	mu      sync.Mutex
	seen    bytes.Buffer
	changed chan struct{}
}

func openTerminal(t *testing.T, rows, columns uint16) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	peer, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, uintptr(os.O_RDWR|syscall.O_NOCTTY))
	if errno != 0 {
		t.Fatal(errno)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, master: master, slave: os.NewFile(peer, "slave"), changed: make(chan struct{}, 1)}
	x.before = x.settings()
	t.Cleanup(func() {
		if x.cmd != nil && x.cmd.ProcessState == nil {
			x.cmd.Process.Kill()
			x.cmd.Wait()
		}
		x.slave.Close()
		x.master.Close()
	})
	return x
}

func (x *terminal) settings() unix.Termios {
	x.t.Helper()
	settings, err := unix.IoctlGetTermios(int(x.slave.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return *settings
}

// run starts slashdev run with a fake QEMU on the terminal.
func (x *terminal) run() {
	x.t.Helper()
	dir := x.t.TempDir()
	disk := make([]byte, 512)
	disk[510], disk[511] = 0x55, 0xaa
	if err := os.WriteFile(filepath.Join(dir, "disk.img"), disk, 0o644); err != nil {
		x.t.Fatal(err)
	}
	if err := makeBin(dir); err != nil {
		x.t.Fatal(err)
	}
	x.cmd = exec.Command("slashdev", "run", filepath.Join(dir, "disk.img"))
	x.cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
		"XDG_CACHE_HOME="+dir, "SLASHDEV_ACCEL=tcg", "FAKE=shell", "SLASHDEV_ARTIFACTS="+dir)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = x.slave, x.slave, x.slave
	if err := x.cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	go x.read()
}

func (x *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := x.master.Read(buf)
		x.mu.Lock()
		x.seen.Write(buf[:n])
		x.mu.Unlock()
		select {
		case x.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (x *terminal) expect(text string) {
	x.t.Helper()
	late := time.After(time.Minute)
	for {
		seen := x.text()
		if strings.Contains(seen, text) {
			return
		}
		select {
		case <-x.changed:
		case <-late:
			x.t.Fatalf("no %q on the terminal: %q", text, seen)
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seen.String()
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := x.master.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for the program and compares the terminal with what it was.
func (x *terminal) ends(code int) {
	x.t.Helper()
	x.cmd.Wait()
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit code %d, want %d", got, code)
	}
	if after := x.settings(); after != x.before {
		x.t.Errorf("the terminal was left as\n%+v, it was\n%+v", after, x.before)
	}
}

func (x *terminal) isRaw() bool {
	return x.settings().Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == 0
}

func TestConsoleKeys(t *testing.T) {
	x := openTerminal(t, 30, 100)
	x.run()
	x.expect("Ctrl-A x quits")
	x.expect("slashdev:/# ")
	if !x.isRaw() {
		t.Error("the terminal is not raw: Ctrl-C would not reach the machine")
	}
	x.press("a\x03b\r")
	x.expect(`you said "a\x03b\r"`)
	x.press("\x01h")
	x.expect("the machine's power is cut")
	x.press("\x01x")
	x.ends(0)
}

func TestPowerOffEndsTheConsole(t *testing.T) {
	x := openTerminal(t, 24, 80)
	x.run()
	x.expect("slashdev:/# ")
	x.press("poweroff\r")
	x.ends(0)
	if strings.Contains(x.text(), "enlarge the window") {
		t.Error("80x24 is large enough")
	}
}

func TestSmallTerminalGetsAHint(t *testing.T) {
	x := openTerminal(t, 10, 40)
	x.run()
	x.expect("this terminal is 40x10; the console assumes 80x24: enlarge the window")
	x.expect("slashdev:/# ")
	x.press("\x01x")
	x.ends(0)
}

func TestTerminalIsRestored(t *testing.T) {
	for name, kill := range map[string]func(x *terminal){
		"after SIGTERM":                func(x *terminal) { x.cmd.Process.Signal(syscall.SIGTERM) },
		"after SIGHUP":                 func(x *terminal) { x.cmd.Process.Signal(syscall.SIGHUP) },
		"after QEMU ends by a signal":  func(x *terminal) { x.press("kill\r") },
		"after QEMU ends without word": func(x *terminal) { x.press("exec-frame 0 die\r") },
	} {
		t.Run(name, func(t *testing.T) {
			x := openTerminal(t, 24, 80)
			x.run()
			x.expect("slashdev:/# ")
			kill(x)
			x.ends(map[bool]int{true: 0, false: 1}[strings.Contains(name, "without word")])
		})
	}
}
