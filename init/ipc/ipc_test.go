package ipc

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestControlSocketKnowsItsPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "init.sock")
	l, err := Listen(path, 0)
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

// S-08: empty, 64 KiB, a bomb of descriptors.
func TestS08_NoticesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	d, err := ListenDatagrams(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.file.Close()
	c, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	send := func(text string, fds int) {
		t.Helper()
		var err error
		e := raw.Control(func(fd uintptr) {
			err = syscall.Sendmsg(int(fd), []byte(text), syscall.UnixRights(make([]int, fds)...), nil, 0)
		})
		if e != nil || err != nil {
			t.Fatal(e, err)
		}
	}
	send("", 0)
	send("READY=1", 1)
	send(strings.Repeat("x", 64<<10), 2)
	send("FDSTORE=1", 250)
	before := openDescriptors(t)
	for _, want := range []struct {
		text string
		fds  int
	}{{"", 0}, {"READY=1", 1}, {"", 2}, {"", maxFDs}} {
		g, err := d.Receive(make([]byte, 4096))
		if err != nil || string(g.Text) != want.text || g.Pid != os.Getpid() || len(g.FDs) < want.fds || len(g.FDs) > want.fds+1 {
			t.Errorf("got %q from %d with %d descriptors, %v; want %q from %d with %d", g.Text, g.Pid, len(g.FDs), err, want.text, os.Getpid(), want.fds)
		}
		for _, fd := range g.FDs {
			syscall.Close(fd)
		}
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after: one that came along was kept", before, after)
	}
}

// What was written while nobody reads is read by whoever takes the descriptor
// over.
func TestKeptDescriptors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	d, err := ListenDatagrams(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	d.Interrupt()
	if _, err := d.Receive(make([]byte, 16)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("interrupted: %v", err)
	}
	c, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("READY=1")); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(d.FD())
	if err != nil {
		t.Fatal(err)
	}
	d.file.Close()
	next, err := ListenDatagrams(path, fd)
	if err != nil {
		t.Fatal(err)
	}
	defer next.file.Close()
	g, err := next.Receive(make([]byte, 16))
	if err != nil || string(g.Text) != "READY=1" || g.Pid != os.Getpid() {
		t.Errorf("got %q from %d, %v", g.Text, g.Pid, err)
	}
	// Something else is not taken for the socket.
	other, err := Listen(path, fd)
	if err != nil || other.FD() == fd {
		t.Errorf("a datagram socket taken for a listener: %v", err)
	}
}

func TestFifoKnowsWhenItIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "initctl")
	if err := os.WriteFile(path, nil, 0o644); err != nil { // what stands there goes
		t.Fatal(err)
	}
	f, err := OpenFifo(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
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
