package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const greeting = `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}`

// fakeQEMU answers on one end of a pipe; answer gets each command and writes
// whole lines.
func fakeQEMU(t *testing.T, answer func(w io.Writer, command string, args map[string]any, id any)) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	go func() {
		defer theirs.Close()
		fmt.Fprintln(theirs, greeting)
		lines := bufio.NewScanner(theirs)
		for lines.Scan() {
			var request struct {
				Execute   string
				Arguments map[string]any
				ID        any
			}
			if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
				t.Errorf("client sent %q: %v", lines.Text(), err)
				return
			}
			if request.Execute == "qmp_capabilities" {
				fmt.Fprintf(theirs, `{"return": {}, "id": %v}`+"\n", request.ID)
				continue
			}
			answer(theirs, request.Execute, request.Arguments, request.ID)
		}
	}()
	return ours
}

func open(t *testing.T, conn net.Conn) *Client {
	t.Helper()
	c, err := Open(deadline(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestExecuteDecodesTheResult(t *testing.T) {
	c := open(t, fakeQEMU(t, func(w io.Writer, command string, _ map[string]any, id any) {
		fmt.Fprintf(w, `{"event": "RESUME", "timestamp": {"seconds": 1}}`+"\n")
		fmt.Fprintf(w, `{"return": {"status": "running", "running": true}, "id": %v}`+"\n", id)
	}))
	status, err := c.Status(deadline(t))
	if err != nil || status != "running" {
		t.Fatalf("Status() = %q, %v", status, err)
	}
}

func TestRefusalIsTyped(t *testing.T) {
	c := open(t, fakeQEMU(t, func(w io.Writer, command string, _ map[string]any, id any) {
		fmt.Fprintf(w, `{"error": {"class": "DeviceNotFound", "desc": "Device 'x' not found"}, "id": %v}`+"\n", id)
	}))
	err := c.DeviceDel(deadline(t), "x")
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Class != "DeviceNotFound" || refusal.Command != "device_del" {
		t.Fatalf("DeviceDel = %v, want a *qmp.Error of class DeviceNotFound", err)
	}
}

func TestDeviceDelWaitsForItsOwnEvent(t *testing.T) {
	c := open(t, fakeQEMU(t, func(w io.Writer, command string, args map[string]any, id any) {
		fmt.Fprintf(w, `{"event": "DEVICE_DELETED", "data": {"device": "other", "path": "/x"}}`+"\n")
		fmt.Fprintf(w, `{"return": {}, "id": %v}`+"\n", id)
		fmt.Fprintf(w, `{"event": "DEVICE_DELETED", "data": {"path": "/y"}}`+"\n")
		fmt.Fprintf(w, `{"event": "DEVICE_DELETED", "data": {"device": %q}}`+"\n", args["id"])
	}))
	if err := c.DeviceDel(deadline(t), "disk0"); err != nil {
		t.Fatal(err)
	}
	if got := int(c.Mark()); got != 3 {
		t.Errorf("DeviceDel returned after %d events, want all 3: the last is the one to wait for", got)
	}
}

func TestDeviceDelEndsWithItsContext(t *testing.T) {
	c := open(t, fakeQEMU(t, func(w io.Writer, _ string, _ map[string]any, id any) {
		fmt.Fprintf(w, `{"return": {}, "id": %v}`+"\n", id)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.DeviceDel(ctx, "disk0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("DeviceDel = %v, want the deadline", err)
	}
}

func TestRepliesOutOfOrder(t *testing.T) {
	held := make(chan any, 1)
	c := open(t, fakeQEMU(t, func(w io.Writer, command string, _ map[string]any, id any) {
		if command == "first" {
			held <- id
			return
		}
		fmt.Fprintf(w, `{"return": "second", "id": %v}`+"\n", id)
		fmt.Fprintf(w, `{"return": "first", "id": %v}`+"\n", <-held)
	}))
	results := make(chan string, 1)
	go func() {
		var text string
		c.Execute(deadline(t), "first", nil, &text)
		results <- text
	}()
	id := <-held
	held <- id
	var text string
	if err := c.Execute(deadline(t), "second", nil, &text); err != nil || text != "second" {
		t.Fatalf("second = %q, %v", text, err)
	}
	if got := <-results; got != "first" {
		t.Fatalf("first = %q", got)
	}
}

func TestEndOfConnection(t *testing.T) {
	c := open(t, fakeQEMU(t, func(w io.Writer, _ string, _ map[string]any, _ any) {
		w.(io.Closer).Close()
	}))
	if err := c.Stop(deadline(t)); !errors.Is(err, ErrClosed) {
		t.Fatalf("Stop = %v, want ErrClosed", err)
	}
	if _, _, err := c.WaitEvent(deadline(t), c.Mark(), Named("SHUTDOWN")); !errors.Is(err, ErrClosed) {
		t.Fatalf("WaitEvent = %v, want ErrClosed", err)
	}
}

func TestQuitRepliesBeforeTheEnd(t *testing.T) {
	for range 50 {
		c := open(t, fakeQEMU(t, func(w io.Writer, _ string, _ map[string]any, id any) {
			fmt.Fprintf(w, `{"return": {}, "id": %v}`+"\n", id)
			w.(io.Closer).Close()
		}))
		if err := c.Quit(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGarbageIsAProtocolError(t *testing.T) {
	for _, text := range []string{"SSH-2.0-OpenSSH_9.2\n", "{\n", "[1]\n", strings.Repeat("x", 100) + "\n"} {
		ours, theirs := net.Pipe()
		go func() {
			io.WriteString(theirs, text)
			theirs.Close()
		}()
		_, err := Open(deadline(t), ours)
		var protocol *ProtocolError
		if !errors.As(err, &protocol) {
			t.Errorf("Open after %.20q = %v, want a ProtocolError", text, err)
		}
	}
}

func TestNoGreeting(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, ours); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Open = %v, want the deadline", err)
	}
}

func TestEventLogIsBounded(t *testing.T) {
	l := eventLog{changed: make(chan struct{})}
	for i := range maxEvents + 10 {
		l.add(Event{Name: fmt.Sprint(i)})
	}
	if len(l.events) != maxEvents || l.dropped != 10 || l.events[0].Name != "10" {
		t.Fatalf("%d events, %d dropped, first %s", len(l.events), l.dropped, l.events[0].Name)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{greeting, `{"return": {}, "id": 1}`, `{"event": "STOP", "data": {"a": 1}}`,
		`{"error": {"class": "GenericError", "desc": "no"}, "id": 2}`, `{"id": -1}`, `{"id": "x"}`, `null`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err != nil {
			return
		}
		e := Event{Name: m.Event, Data: m.Data}
		e.Text("device")
		e.Flag("guest")
	})
}
