package control

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"slashdev/init/initreq"
	"slashdev/init/ipc"
)

// P-12: what is no request is answered, and nothing is read without bound.
func TestP12_BadRequests(t *testing.T) {
	for _, s := range []string{"", "\n", "\"open\n", strings.Repeat("x", 1<<20)} {
		if words, err := Read(strings.NewReader(s)); err == nil {
			t.Errorf("request %.10q: got %q, want an error", s, words)
		}
	}
}

// asUser is a listener whose clients all are one user.
type asUser struct {
	*ipc.Listener
	uid uint32
}

func (a asUser) Accept() (*os.File, uint32, error) {
	conn, _, err := a.Listener.Accept()
	return conn, a.uid, err
}

func TestServe(t *testing.T) {
	echo := func(words []string) ([]byte, error) {
		if words[0] == "fail" {
			return nil, errors.New("no such thing")
		}
		return []byte("= said=" + words[0] + "\n"), nil
	}
	tests := []struct {
		uid        uint32
		send, want string
	}{
		{0, "ls\n", "= said=ls\nok\n"},
		{0, "fail\n", "err 2 \"no such thing\"\n"},
		{65534, "ls\n", "err 4 \"only root may ask PID 1\"\n"},
		{0, strings.Repeat("x", 5000), "err 2 \"request is longer than 4096 bytes\"\n"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "s")
		l, err := ipc.Listen(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		go Serve(asUser{l, tt.uid}, echo)
		if got := exchange(t, path, tt.send); got != tt.want {
			t.Errorf("uid %d, %.10q: got %q, want %q", tt.uid, tt.send, got, tt.want)
		}
	}
}

// P-12: clients that say nothing cannot keep others out for longer than their
// time; those that leave make room at once.
func TestP12_ManyClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := ipc.Listen(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	go Serve(asUser{l, 0}, func([]string) ([]byte, error) { return nil, nil })
	for range 1000 {
		dial(t, path).Close()
	}
	if got := exchange(t, path, "status\n"); got != "ok\n" {
		t.Errorf("got %q", got)
	}
}

// P-12: ten mebibytes are refused, and no more than a line of them is read.
func TestP12_HugeRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := ipc.Listen(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	go Serve(asUser{l, 0}, func([]string) ([]byte, error) { return nil, nil })
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Write(make([]byte, 10<<20)); err == nil {
		t.Errorf("all %d bytes were taken", n)
	}
	if got := exchange(t, path, "status\n"); got != "ok\n" {
		t.Errorf("the next client got %q", got)
	}
}

// A shut door has answered whom it had let in; who comes then waits until it is
// open again.
func TestDoor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := ipc.Listen(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	asked, reply := make(chan bool), make(chan bool)
	d := Open(l, func() {
		Serve(asUser{l, 0}, func([]string) ([]byte, error) {
			asked <- true
			<-reply
			return nil, nil
		})
	})
	answers := make(chan string)
	go func() { answers <- exchange(t, path, "ls\n") }()
	<-asked
	shut := make(chan bool)
	go func() { d.Shut(); close(shut) }()
	reply <- true
	if got := <-answers; got != "ok\n" {
		t.Errorf("let in and not answered: %q", got)
	}
	<-shut
	go func() { answers <- exchange(t, path, "ls\n") }()
	d.Open()
	<-asked
	reply <- true
	if got := <-answers; got != "ok\n" {
		t.Errorf("after it was opened again: %q", got)
	}
}

// empty is a listener without descriptors for clients, for a while.
type empty struct{ refusals int }

func (e *empty) Accept() (*os.File, uint32, error) {
	if e.refusals--; e.refusals < 0 {
		return nil, 0, os.ErrClosed
	}
	return nil, 0, syscall.EMFILE
}

// E-03: without descriptors PID 1 rests between tries.
func TestE03_AcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		Serve(&empty{refusals: 100}, nil)
		if d := time.Since(begun); d != 100*backOff {
			t.Errorf("100 tries took %s", d)
		}
	})
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	for errors.Is(err, syscall.EAGAIN) { // the queue is full: the server is at it
		runtime.Gosched()
		c, err = net.Dial("unix", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func exchange(t *testing.T, path, send string) string {
	t.Helper()
	c := dial(t, path)
	defer c.Close()
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.UnixConn).CloseWrite()
	b, _ := io.ReadAll(c) // a server that hung up early resets
	return string(b)
}

// script is a FIFO that gives one part for each read.
type script struct{ parts []string }

func (s *script) Read(b []byte) (int, error) {
	if len(s.parts) == 0 {
		return 0, os.ErrClosed
	}
	n := copy(b, s.parts[0])
	if s.parts[0] = s.parts[0][n:]; s.parts[0] == "" {
		s.parts = s.parts[1:]
	}
	return n, nil
}

func TestReadInitctl(t *testing.T) {
	good := string(initreq.Request{Cmd: initreq.RunLevel, RunLevel: '6'}.Append(nil))
	garbage := strings.Repeat("x", 60000)
	var acted []byte
	var bad int
	ReadInitctl(&script{parts: []string{good + good, garbage + good, good, good[:100], good}},
		func(r initreq.Request) { acted = append(acted, r.RunLevel) },
		func(error) { bad++ })
	// The third is thrown away with the garbage in front of it, the fourth with
	// the part of a request.
	if !slices.Equal(acted, []byte("666")) || bad != 2 {
		t.Errorf("acted on %q, %d bad; want 666 and 2", acted, bad)
	}
}
