package ipc

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A program gets sockets that work with any listener of its language, and a
// client that came before the program is served by it.
func TestBoundSocketsTakeClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, tt := range []struct{ spec, network string }{
		{"tcp:127.0.0.1:0", "tcp"}, {"tcp::0", "tcp"}, {"tcp:[::1]:0", "tcp"}, {"unix:" + path, "unix"},
	} {
		t.Run(tt.spec, func(t *testing.T) {
			fd, err := Host{}.Bind(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(fd)
			waited := make(chan error)
			go func() { waited <- Host{}.AwaitClient(fd) }()
			l, err := net.FileListener(os.NewFile(uintptr(dup(t, fd)), "socket"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c, err := net.Dial(tt.network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := <-waited; err != nil {
				t.Fatal(err)
			}
			if err := (Host{}).AwaitClient(fd); err != nil { // it is still there
				t.Fatal(err)
			}
			served, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			served.Close()
		})
	}
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	own, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func TestBindSaysWhatIsWrong(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for spec, want := range map[string]string{
		"tcp:" + busy.Addr().String(): "listen on tcp:" + busy.Addr().String() + ": address already in use",
		"tcp:localhost:80":            "use :PORT or ADDRESS:PORT",
		"pipe:x":                      "listen on pipe:x: use tcp:ADDR, udp:ADDR or unix:PATH",
		"unix:/nosuch/s":              "listen on unix:/nosuch/s: no such file or directory",
	} {
		if _, err := (Host{}).Bind(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Bind(%s): %v, want %s", spec, err, want)
		}
	}
}

func TestLineOrEndOfAPipe(t *testing.T) {
	for text, want := range map[string]bool{"ready\n": true, "\n": true, "dying": false, "": false} {
		var p [2]int
		if err := syscall.Pipe(p[:]); err != nil {
			t.Fatal(err)
		}
		_, _ = syscall.Write(p[1], []byte(text))
		syscall.Close(p[1])
		if got := (Host{}).AwaitLine(p[0]); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
