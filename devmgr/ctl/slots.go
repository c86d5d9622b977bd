package ctl

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// slots bounds the clients of a socket: all of them, and those of one user, who
// must not keep the others out. Root may have them all.
type slots struct {
	most, perUser int

	mu    sync.Mutex
	all   int
	users map[uint32]int
}

// of says whether one more client may be served. If so, release must be called in
// the end.
func (s *slots) of(conn *net.UnixConn) (release func(), ok bool) {
	uid, ok := peer(conn)
	if !ok || !s.take(uid) {
		return nil, false
	}
	return func() { s.give(uid) }, true
}

func (s *slots) take(uid uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most || uid != 0 && s.users[uid] >= s.perUser {
		return false
	}
	if s.users == nil {
		s.users = map[uint32]int{}
	}
	s.all++
	s.users[uid]++
	return true
}

func (s *slots) give(uid uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.users[uid]--; s.users[uid] == 0 {
		delete(s.users, uid)
	}
}

// peer returns the user of the process that connected to conn.
func peer(conn *net.UnixConn) (uid uint32, ok bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if ok = err == nil; ok {
			uid = cred.Uid
		}
	})
	return uid, ok && err == nil
}

// FromRoot says whether the process that connected to conn is of root.
func FromRoot(conn *net.UnixConn) bool {
	uid, ok := peer(conn)
	return ok && uid == 0
}

// acceptPause is how long a server waits that could not take a client.
const acceptPause = 100 * time.Millisecond

// accept waits for a client until ctx ends or l is closed. Nothing else ends a
// server: that too many files are open passes.
func accept(ctx context.Context, l *net.UnixListener) (*net.UnixConn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err == nil || ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(acceptPause):
		}
	}
}
