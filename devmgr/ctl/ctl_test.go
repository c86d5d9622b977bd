package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"slashdev/init/line"
)

// serve starts a server with a few verbs and returns its socket.
func serve(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	s := &Server{Path: path, Mode: 0o600, Handle: handle, Logf: t.Logf}
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

func handle(ctx context.Context, words []string, w *Writer) error {
	switch words[0] {
	case "echo":
		for _, word := range words[1:] {
			w.Record("word", word)
		}
		return nil
	case "many":
		for i := range 20000 {
			if err := w.Record("n", fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	case "wait":
		w.Record("waiting", "1")
		w.Flush()
		<-ctx.Done()
		return ctx.Err()
	case "panic":
		panic("oh")
	case "plain":
		return errors.New("open /dev/x: no such device")
	}
	return Errorf(NotFound, "no %q\nhere", words[0])
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDo(t *testing.T) {
	c := dial(t, serve(t))
	words := []string{"plain", "two words", `"`, "", "new\nline", "\xff\x00", "a=b"}
	got, err := c.Do(append([]string{"echo"}, words...)...)
	if err != nil || len(got) != len(words) {
		t.Fatalf("got %q, %v", got, err)
	}
	for i, r := range got {
		if r.Get("word") != words[i] {
			t.Errorf("got %q, want %q", r.Get("word"), words[i])
		}
	}
	// The connection serves further requests, after errors too.
	tests := []struct {
		verb string
		code int
		text string
	}{
		{"nosuch", NotFound, "no \"nosuch\"\nhere"},
		{"panic", Failed, "internal error"},
		{"plain", Failed, "open /dev/x: no such device"},
	}
	for _, tt := range tests {
		_, err := c.Do(tt.verb)
		if ExitCode(err) != tt.code || err.Error() != tt.text {
			t.Errorf("%s: got %d %v", tt.verb, ExitCode(err), err)
		}
	}
	if got, err := c.Do("many"); err != nil || len(got) != 20000 || got[19999].Get("n") != "19999" {
		t.Errorf("many: %d records, %v", len(got), err)
	}
}

func TestRecord(t *testing.T) {
	r := Record{"link=a", "name=x=y", "odd", "link=b"}
	if got := slices.Collect(r.Values("link")); !slices.Equal(got, []string{"a", "b"}) || r.Get("name") != "x=y" || r.Get("odd") != "" {
		t.Errorf("got %q", got)
	}
}

func TestStreamEndsWhenTheClientGoes(t *testing.T) {
	path := serve(t)
	c := dial(t, path)
	for r, err := range c.Stream("wait") {
		if err != nil || r.Get("waiting") != "1" {
			t.Fatal(r, err)
		}
		break
	}
	c.Close()
	// Cleanup waits for the handler: it must have seen its context end.
}

func TestRequestsThatAreNone(t *testing.T) {
	path := serve(t)
	tests := map[string]string{
		"\n":                                   "err 2 \"empty request\"\n",
		"   \n":                                "err 2 \"empty request\"\n",
		"a \"open\n":                           "err 2 \"request: column 3: quote is not closed\"\n",
		"a\x00b\n":                             "err 2 \"request: column 2: newline or NUL outside quotes\"\n",
		"no newline":                           "",
		"":                                     "",
		"echo\necho ":                          "ok\n",
		strings.Repeat("x", 3*line.Max) + "\n": "err 2 \"request is longer than 4096 bytes\"\n",
		strings.Repeat("\xff", 1<<20):          "err 2 \"request is longer than 4096 bytes\"\n",
	}
	for in, want := range tests {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		conn.Write([]byte(in)) // may fail when the server has heard enough
		conn.(*net.UnixConn).CloseWrite()
		got, _ := bufio.NewReader(conn).ReadString(0)
		conn.Close()
		if got != want {
			t.Errorf("%.20q: got %q, want %q", in, got, want)
		}
	}
}

func TestTooLongRequestIsNotSent(t *testing.T) {
	c := dial(t, serve(t))
	if _, err := c.Do("echo", strings.Repeat("x", line.Max)); ExitCode(err) != Usage {
		t.Errorf("got %v", err)
	}
}

func TestClientsAreBounded(t *testing.T) {
	path := serve(t)
	for range maxClients {
		c := dial(t, path)
		if _, err := c.Do("echo"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dial(t, path).Do("echo"); err == nil || !strings.Contains(err.Error(), "too many clients") {
		t.Errorf("one more: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	_, err := Dial(filepath.Join(dir, "none"))
	if ExitCode(err) != Unreachable || !strings.HasSuffix(err.Error(), "/none: no such file or directory") {
		t.Errorf("got %v", err)
	}
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := Dial(stale); ExitCode(err) != Unreachable || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	s := &Server{Path: stale, Mode: 0o666, Handle: handle}
	l, err = s.Listen()
	if err != nil {
		t.Fatalf("a stale socket is not replaced: %v", err)
	}
	defer l.Close()
	if st, _ := os.Stat(stale); st.Mode().Perm() != 0o666 {
		t.Errorf("mode %v", st.Mode())
	}
	if _, err := s.Listen(); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("a second server: %v", err)
	}
}

func TestExitCode(t *testing.T) {
	for err, want := range map[error]int{nil: 0, errors.New("x"): 1, fmt.Errorf("a: %w", Errorf(5, "b")): 5} {
		if got := ExitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

// FuzzReply: whatever a daemon says, the client does not panic, and an error
// has a code that a process can exit with.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"ok", "= a=b c=\"d e\"", "err 3 \"no such\"", "err", "err 999 x", "err -1", "", "=", "== x", "\"", "err 0 ok"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, done, err := parseReply(s)
		if code := ExitCode(err); err != nil && (code < 1 || code > 127) {
			t.Fatalf("code %d", code)
		}
		if r != nil && done {
			t.Fatal("a record that ends the reply")
		}
		_ = r.Get("a")
	})
}

// FuzzRequest: whatever a client sends, the server answers each line once and
// lives on.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"echo a\n", "\n\n", "echo \"\\x00\"\n", "\x00\n", "panic\nplain\n", strings.Repeat("a ", 3000)} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "s")
	s := &Server{Path: path, Mode: 0o600, Handle: handle}
	l, err := s.Listen()
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.Cleanup(cancel)
	go s.Serve(ctx, l)
	f.Fuzz(func(t *testing.T, b []byte) {
		if strings.Contains(string(b), "wait") || strings.Contains(string(b), "many") {
			return
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		go func() { conn.Write(b); conn.(*net.UnixConn).CloseWrite() }()
		answers := 0
		for in := bufio.NewScanner(conn); in.Scan(); {
			_, done, err := parseReply(in.Text())
			if err != nil && !done {
				t.Fatalf("answer %q", in.Text())
			}
			if done {
				answers++
			}
		}
		if lines := strings.Count(string(b), "\n"); answers > lines+1 {
			t.Fatalf("%d answers to %d requests", answers, lines)
		}
	})
}

// The mode of the socket keeps others out already; this must hold without it.
func TestRootOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: plays another user")
	}
	for uid, want := range map[int]string{0: "ok\n", 65534: "err 4 \"permission denied: this socket is for root\"\n"} {
		ours, theirs := socketPair(t, uid)
		s := &Server{RootOnly: true, Handle: handle}
		var client sync.WaitGroup
		client.Go(func() { s.client(t.Context(), ours) })
		theirs.Write([]byte("echo\n")) // may fail: nobody reads it from the wrong user
		theirs.CloseWrite()
		got, err := io.ReadAll(theirs)
		if string(got) != want {
			t.Errorf("user %d: got %q, %v", uid, got, err)
		}
		theirs.Close()
		client.Wait()
	}
}

// socketPair makes connected sockets as another user. The ids of one thread
// change, and with root as its real user it may go back.
func socketPair(t *testing.T, uid int) (ours, theirs *net.UnixConn) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const keep = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
		t.Fatal(errno)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, 0, keep); errno != 0 || err != nil {
		t.Fatal(errno, err)
	}
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		conns[i] = conn.(*net.UnixConn)
	}
	return conns[0], conns[1]
}
