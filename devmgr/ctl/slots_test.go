package ctl

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestOneUserKeepsNobodyOut(t *testing.T) {
	s := slots{most: 5, perUser: 2}
	for i, tt := range []struct {
		uid  uint32
		want bool
	}{{1000, true}, {1000, true}, {1000, false}, {1001, true}, {0, true}, {0, true}, {0, false}, {1002, false}} {
		if got := s.take(tt.uid); got != tt.want {
			t.Errorf("%d: uid %d: %v", i, tt.uid, got)
		}
	}
	s.give(1000)
	if !s.take(1000) || s.take(1001) {
		t.Error("a slot that was given back is not free, or more than that")
	}
	for _, uid := range []uint32{1000, 1000, 1001, 0, 0} {
		s.give(uid)
	}
	if s.all != 0 || len(s.users) != 0 {
		t.Errorf("left: %d, %v", s.all, s.users)
	}
}

func TestAcceptGoesOnAfterAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetDeadline(time.Unix(1, 0)) // each accept fails
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	time.AfterFunc(2*acceptPause, func() { l.SetDeadline(time.Time{}) })
	conn, err := accept(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	l.Close()
	if _, err := accept(t.Context(), l); err == nil {
		t.Error("a closed socket accepts")
	}
}
