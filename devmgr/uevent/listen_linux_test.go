package uevent

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const poked = "/devices/virtual/mem/null" // on every Linux; a "change" of it is harmless

func listen(t *testing.T, c Config) *Conn {
	t.Helper()
	conn, err := Listen(c)
	if err != nil {
		t.Skipf("no uevent socket here: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// poke makes the kernel send an event that carries a tag.
func poke(t *testing.T, tag string) {
	t.Helper()
	text := "change 00000000-0000-0000-0000-000000000000 TAG=" + tag
	if err := os.WriteFile("/sys"+poked+"/uevent", []byte(text), 0); err != nil {
		t.Skipf("cannot trigger events here: %v", err)
	}
}

func portID(t *testing.T, c *Conn) uint32 {
	t.Helper()
	var sa unix.Sockaddr
	var err error
	if cerr := c.raw.Control(func(fd uintptr) { sa, err = unix.Getsockname(int(fd)) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return sa.(*unix.SockaddrNetlink).Pid
}

// drain returns all events that are queued now.
func drain(t *testing.T, c *Conn) (events []Event, overruns int) {
	t.Helper()
	want := c.Kick()
	for {
		ev, err := c.Next()
		var idle *IdleError
		switch {
		case errors.As(err, &idle):
			if idle.Kicks >= want {
				return events, overruns
			}
		case errors.Is(err, ErrOverrun):
			overruns++
		case err != nil:
			t.Fatal(err)
		default:
			events = append(events, ev)
		}
	}
}

func tagged(events []Event, tag string) (n int) {
	for _, e := range events {
		if e.Env.Get("SYNTH_ARG_TAG") == tag {
			n++
		}
	}
	return n
}

func TestListenHearsTheKernel(t *testing.T) {
	c := listen(t, Config{})
	poke(t, "heard")
	events, _ := drain(t, c)
	if tagged(events, "heard") != 1 {
		t.Fatalf("got %+v", events)
	}
	for _, e := range events {
		if e.SeqNum == 0 {
			t.Errorf("no sequence number in %+v", e)
		}
	}
}

func TestU01_ForgedEventsAreDroppedAndCounted(t *testing.T) {
	c := listen(t, Config{})
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	forged := []byte("add@/devices/evil\x00ACTION=add\x00DEVPATH=/devices/evil\x00SUBSYSTEM=block\x00SEQNUM=1\x00")
	to := map[string]*unix.SockaddrNetlink{
		"our port id":        {Family: unix.AF_NETLINK, Pid: portID(t, c)},
		"the kernel's group": {Family: unix.AF_NETLINK, Groups: 1},
	}
	for name, sa := range to {
		before, sent := c.Stats().Forged, uint64(0)
		for range 5000 {
			if err = unix.Sendto(fd, forged, 0, sa); err == nil {
				sent++
			}
		}
		if sent == 0 {
			t.Logf("to %s: the kernel refuses: %v", name, err)
			continue
		}
		events, overruns := drain(t, c)
		for _, e := range events {
			if e.DevPath == "/devices/evil" {
				t.Errorf("to %s: accepted %+v", name, e)
			}
		}
		if got := c.Stats().Forged; got != before+sent && overruns == 0 {
			t.Errorf("to %s: %d messages counted as forged, want %d", name, got-before, sent)
		}
	}
	poke(t, "after")
	if events, _ := drain(t, c); tagged(events, "after") != 1 {
		t.Error("real events no longer arrive")
	}
}

func TestU02_SmallBufferGivesErrOverrun(t *testing.T) {
	c := listen(t, Config{ReceiveBuffer: 2048})
	for range 200 {
		poke(t, "flood")
	}
	if _, overruns := drain(t, c); overruns == 0 {
		t.Fatal("200 events in a 2 KiB buffer and no ErrOverrun")
	}
	if c.Stats().Overruns == 0 {
		t.Error("the overrun was not counted")
	}
	poke(t, "later")
	if events, _ := drain(t, c); tagged(events, "later") != 1 {
		t.Error("the socket is deaf after an overrun")
	}
}

func TestCloseWakesNext(t *testing.T) {
	c := listen(t, Config{})
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := c.Next(); err != nil {
				done <- err
				return
			}
		}
	}()
	c.Close()
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Next still waits after Close")
	}
}

// Each half of the check must do without the other: a forger without root
// fails both, and would not show that one is broken.
func TestU01_EachHalfOfTheSenderCheck(t *testing.T) {
	for _, tt := range []struct {
		from unix.Sockaddr
		want bool
	}{
		{&unix.SockaddrNetlink{Groups: kernelGroup}, true},
		{&unix.SockaddrNetlink{Groups: kernelGroup, Pid: 42}, false},
		{&unix.SockaddrNetlink{}, false},
		{&unix.SockaddrNetlink{Groups: 2}, false}, // udevd's
		{&unix.SockaddrUnix{}, false},
		{nil, false},
	} {
		if got := fromKernel(tt.from); got != tt.want {
			t.Errorf("from %+v: %v", tt.from, got)
		}
	}
	for _, tt := range []struct {
		oob  []byte
		want bool
	}{
		{unix.UnixCredentials(&unix.Ucred{}), true},
		{unix.UnixCredentials(&unix.Ucred{Pid: 42}), false}, // root, but a process
		{unix.UnixCredentials(&unix.Ucred{Uid: 1000, Gid: 1000}), false},
		{nil, false},
		{[]byte("short"), false},
	} {
		if got := rootCredentials(tt.oob); got != tt.want {
			t.Errorf("credentials %x: %v", tt.oob, got)
		}
	}
}
