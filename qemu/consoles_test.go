package qemu_test

import (
	"context"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"slashdev/qemu"
)

// serial is a second serial line of a machine.
type serial struct {
	t    *testing.T
	conn net.Conn
	text string
}

// withSecond adds a serial line to a machine; connect takes its other end.
func withSecond(c *qemu.Config, dir string) (path string) {
	path = filepath.Join(dir, "second")
	c.Extra = append(c.Extra, "-chardev", "socket,id=second,path="+path+",server=on,wait=off")
	return path
}

func connect(t *testing.T, path string) *serial {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &serial{t: t, conn: conn}
}

func (s *serial) send(text string) {
	s.t.Helper()
	if _, err := s.conn.Write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits for a pattern, and returns what was printed up to its end.
func (s *serial) expect(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	_ = s.conn.SetReadDeadline(time.Now().Add(3 * time.Minute))
	for buf := make([]byte, 4096); ; {
		if at := re.FindStringIndex(s.text); at != nil {
			before := s.text[:at[1]]
			s.text = s.text[at[1]:]
			return before
		}
		n, err := s.conn.Read(buf)
		s.text += string(buf[:n])
		if err != nil {
			s.t.Fatalf("second line: no %q: %v: %q", pattern, err, s.text)
		}
	}
}

// shortDir is a folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	if dir := t.TempDir(); len(dir) < 80 {
		return dir
	}
	dir, err := filepath.EvalSymlinks("/tmp")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// two boots the beacon appliance with a second serial line that is a console.
func two(t *testing.T, words string, without ...string) (*qemu.Machine, context.Context, *serial) {
	t.Helper()
	c := beaconMachine(t, repoRoot(t)+"/bin")
	c.Initrd = strip(t, c.Initrd, without)
	c.Watchdog, c.Cmdline = strings.Contains(words, "init.watchdog="), "console=ttyS0 console=ttyS1 quiet panic=1 "+words
	path := withSecond(&c, shortDir(t))
	c.Extra = append(c.Extra, "-serial", "chardev:second")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	m, err := qemu.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, ctx, connect(t, path)
}

// P-07: a console that is stopped by XOFF under a flood of lines holds up
// nobody, and says afterwards what it lost.
func TestP07_StoppedConsole(t *testing.T) {
	t.Parallel()
	m, ctx, second := two(t, "init.watchdog=20")
	if err := m.Login(ctx, ""); err != nil {
		t.Fatal(err)
	}
	second.expect("init: ready")
	second.send("\x13")
	// Requests with a command that there is none of: PID 1 says a line for each,
	// however late it reads; and its queue and the kernel's hold a few hundred.
	say(t, ctx, m, `(printf 'i\031\011\003c\000\000\000'; head -c 376 /dev/zero) > /tmp/request`)
	say(t, ctx, m, "i=0; while [ $i -lt 600 ]; do cat /tmp/request > /run/initctl; i=$((i+1)); done")
	if list := say(t, ctx, m, "sleep 45; svc ls"); !regexp.MustCompile(`(?m)^beacon +up\b`).MatchString(list) {
		t.Errorf("the program does not run:\n%s", list)
	}
	second.send("\x11")
	second.expect(`console ttyS1 was stopped: \d{2,} lines dropped`)
	if err := m.PowerOff(ctx); err != nil {
		t.Error(err)
	}
}

// M16: what keeps a machine from booting as it was meant to is said on every
// console, and a way to act is left.
func TestM16_EveryConsoleSaysTheCause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		without string
		causes  []string
		shell   bool
	}{
		{"etc/slashdev/plan", []string{
			"init: /etc/slashdev/plan is missing", "init: no valid plan: no program is started; the shell is off",
			"init: it reboots in 5m0s .panic=1; kill -HUP 1 stops that.; boot the other slot or write the image anew",
		}, false},
		{"sbin/devmgr", []string{
			"init: devmgr: start /sbin/devmgr: no such file or directory", "init: devmgr: not ready after \\d+s: programs are started without it",
		}, true},
		{"sbin/userland", []string{"init: sh-ttyS0: start /sbin/userland: no such file or directory"}, false},
	} {
		t.Run(strings.ReplaceAll(c.without, "/", "_"), func(t *testing.T) {
			m, ctx, second := two(t, "", c.without)
			for _, cause := range c.causes {
				second.expect(cause)
				if _, err := m.Expect(ctx, regexp.MustCompile(cause)); err != nil {
					t.Fatal(err)
				}
			}
			second.expect("init: ready")
			if !c.shell {
				return
			}
			if err := m.Login(ctx, ""); err != nil {
				t.Fatal(err)
			}
			second.send("\r")
			second.expect("slashdev:/# ")
			if err := m.PowerOff(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// A console on a USB adapter gets its lines and a shell whenever it is there.
func TestPluggedConsole(t *testing.T) {
	t.Parallel()
	c := beaconMachine(t, repoRoot(t)+"/bin")
	c.Cmdline = "console=ttyUSB0 console=ttyS0 quiet panic=1"
	path := withSecond(&c, shortDir(t))
	m, ctx := talkTo(t, c)
	second := connect(t, path)
	for range 2 {
		if err := m.QMP.DeviceAdd(ctx, "usb-serial", "adapter", map[string]any{"chardev": "second"}); err != nil {
			t.Fatal(err)
		}
		second.expect("slashdev:/# ")
		second.send("echo one$((1+1))\r")
		second.expect("one2")
		if err := m.QMP.DeviceDel(ctx, "adapter"); err != nil {
			t.Fatal(err)
		}
		say(t, ctx, m, "dev settle --gone ttyUSB0")
	}
	if err := m.PowerOff(ctx); err != nil {
		t.Error(err)
	}
}
