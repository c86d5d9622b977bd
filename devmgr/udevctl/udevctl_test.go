package udevctl

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"slashdev/devmgr/ctl"
)

func TestMessages(t *testing.T) {
	for _, m := range []Message{{Kind: End}, {Kind: SetLogLevel, Number: 7}, {Kind: SetProperty, Text: "A=b c"}, {Kind: Kind(99), Number: -1}} {
		b, err := m.Append(nil)
		if err != nil || len(b) != 280 || string(b[:5]) != "udev-" || b[16] != 0xea && b[16] != 0xde {
			t.Fatalf("%+v: %x, %v", m, b, err)
		}
		if got, err := Parse(b); err != nil || got != m {
			t.Errorf("%+v is read as %+v, %v", m, got, err)
		}
	}
	if _, err := (Message{Kind: SetProperty, Text: strings.Repeat("x", 256)}).Append(nil); err == nil {
		t.Error("a text that is too long was taken")
	}
	full, _ := Message{Kind: SetProperty, Text: strings.Repeat("x", 255)}.Append(nil)
	full[279] = 'x'
	for i, b := range [][]byte{nil, full, full[:279], append(full, 0), make([]byte, 280)} {
		if m, err := Parse(b); err == nil {
			t.Errorf("%d: read as %+v", i, m)
		}
	}
}

// FuzzParse: no packet makes it panic, and what was read can be sent again.
func FuzzParse(f *testing.F) {
	for _, m := range []Message{{Kind: Ping}, {Kind: SetProperty, Text: "A=b"}} {
		b, _ := m.Append(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(again); err != nil || got != m {
			t.Fatalf("%+v is read again as %+v, %v", m, got, err)
		}
	})
}

// serve returns the path of a socket and the orders that came in there.
func serve(t *testing.T) (path string, orders <-chan Message, cancel func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "control")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	got, done := make(chan Message, 10), make(chan error, 1)
	go func() { done <- Serve(ctx, l, func(_ context.Context, m Message) { got <- m }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path, got, cancel
}

func TestOrders(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root is obeyed")
	}
	path, orders, cancel := serve(t)
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	want := []Message{{Kind: Reload}, {Kind: SetProperty, Text: "A=1"}, {Kind: Ping}}
	if err := Send(path, time.Minute, want...); err != nil {
		t.Fatal(err)
	}
	var got []Message
	for range want {
		got = append(got, <-orders)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("a second one: %v", err)
	}
	// Exit is answered when the daemon is gone.
	answer := make(chan error, 1)
	go func() { answer <- Send(path, time.Minute, Message{Kind: Exit}) }()
	if m := <-orders; m.Kind != Exit {
		t.Errorf("got %+v", m)
	}
	select {
	case err := <-answer:
		t.Errorf("answered before the end: %v", err)
	default:
	}
	cancel()
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if err := Send(path, time.Minute); ctl.ExitCode(err) != ctl.Unreachable {
		t.Errorf("nobody there: %v", err)
	}
}

// A packet that is no order ends the connection, and no more.
func TestJunk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root is obeyed")
	}
	path, orders, _ := serve(t)
	for _, junk := range []string{"x", strings.Repeat("x", 280), strings.Repeat("x", 5000)} {
		conn, err := net.Dial(network, path)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(junk))
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%.5q: answered %d bytes", junk, n)
		}
		conn.Close()
	}
	if err := Send(path, time.Minute, Message{Kind: Ping}); err != nil || (<-orders).Kind != Ping {
		t.Errorf("after junk: %v", err)
	}
}
