package linux

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// collect reaps until the process has ended, woken by SIGCHLD as PID 1 is.
func collect(t *testing.T, pid int, wake <-chan os.Signal) Exit {
	t.Helper()
	for {
		for {
			e, ok := Kernel{}.Reap()
			if !ok {
				break
			}
			if e.Pid == pid {
				return e
			}
		}
		select {
		case <-wake:
		case <-t.Context().Done():
			t.Fatalf("process %d did not end", pid)
		}
	}
}

func TestStartSignalReap(t *testing.T) {
	wake := childSignals(t)
	k := Kernel{}
	r, w, err := k.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := k.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		script string
		sig    syscall.Signal
		want   Exit
	}{
		{"exit 7", 0, Exit{Code: 7}},
		{"echo up; exec sleep 1000", syscall.SIGTERM, Exit{Code: 143, Signal: syscall.SIGTERM}},
	}
	for _, tt := range tests {
		p, err := k.Start(Command{Path: "/bin/sh", Args: []string{"sh", "-c", tt.script}, Env: []string{"PATH=/bin"}, Dir: "/nosuch", Files: []int{null, w, w}})
		if err != nil {
			t.Fatal(err)
		}
		if tt.sig != 0 {
			_, _ = syscall.Read(r, make([]byte, 3)) // it runs
			if err := k.Signal(p, tt.sig); err != nil {
				t.Error(err)
			}
		}
		tt.want.Pid = p.Pid
		if got := collect(t, p.Pid, wake); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.script, got, tt.want)
		}
		// S-11: the descriptor outlives the number.
		if err := k.Signal(p, syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("signal to the dead: %v", err)
		}
		k.Forget(p)
	}
}

// S-12: a child has its three descriptors and no others.
func TestS12_NoDescriptorLeaks(t *testing.T) {
	wake := childSignals(t)
	k := Kernel{}
	k.CloseOnExec() // what this test was started with
	r, w, err := k.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l, err := k.Listen(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.file.Close()
	p, err := k.Start(Command{Path: "/bin/sh", Args: []string{"sh", "-c", "cd /proc/self/fd && echo *"}, Files: []int{w, w, w}})
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(w)
	b := make([]byte, 256)
	n, _ := syscall.Read(r, b)
	collect(t, p.Pid, wake)
	k.Forget(p)
	// The shell opens one more to read the folder.
	if got := strings.Fields(string(b[:n])); len(got) > 4 || got[0] != "0" || got[2] != "2" {
		t.Errorf("the child has descriptors %q", got)
	}
}

func TestStartOfNothing(t *testing.T) {
	_, err := Kernel{}.Start(Command{Path: "/nosuch/program", Args: []string{"x"}})
	if err == nil || err.Error() != "start /nosuch/program: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestControlSocketKnowsItsPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "init.sock")
	l, err := Kernel{}.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.file.Close()
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", st.Mode(), err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn, uid, err := l.Accept()
	if err != nil || int(uid) != os.Getuid() {
		t.Fatalf("uid %d, %v; want %d", uid, err, os.Getuid())
	}
	defer conn.Close()
	go func() { _, _ = c.Write([]byte("ls\n")) }()
	b := make([]byte, 16)
	if n, err := conn.Read(b); err != nil || string(b[:n]) != "ls\n" {
		t.Errorf("read %q, %v", b[:n], err)
	}
}

func TestNoticesNameTheirSender(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	d, err := Kernel{}.ListenDatagrams(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.file.Close()
	c, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// S-08: also an empty one, and one with a descriptor in it.
	u := c.(*net.UnixConn)
	_, _ = u.Write(nil)
	raw, err := u.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := control(raw, func(fd int) error { return syscall.Sendmsg(fd, []byte("READY=1"), syscall.UnixRights(0), nil, 0) }); err != nil {
		t.Fatal(err)
	}
	before := openDescriptors(t)
	for _, want := range []string{"", "READY=1"} {
		b := make([]byte, 4096)
		n, pid, err := d.Receive(b)
		if err != nil || string(b[:n]) != want || pid != os.Getpid() {
			t.Errorf("got %q from %d, %v; want %q from %d", b[:n], pid, err, want, os.Getpid())
		}
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after: one that came along was kept", before, after)
	}
}

func TestFifoKnowsWhenItIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "initctl")
	if err := os.WriteFile(path, nil, 0o644); err != nil { // what stands there goes
		t.Fatal(err)
	}
	f, err := Kernel{}.MakeFifo(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.File.Close()
	if st, err := os.Lstat(path); err != nil || st.Mode() != os.ModeNamedPipe|0o600 || !f.Current() {
		t.Errorf("mode %v, %v, current %v", st.Mode(), err, f.Current())
	}
	if err := os.Remove(path); err != nil || f.Current() {
		t.Errorf("removed (%v), still current: %v", err, f.Current())
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil || f.Current() {
		t.Errorf("replaced (%v), still current: %v", err, f.Current())
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
