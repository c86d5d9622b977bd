// Package ipc makes the sockets and the FIFO by which others reach PID 1, and
// those that programs serve.
//
// PID 1 may execute itself anew: what others have written and nobody has read
// then waits in the descriptors, which the next PID 1 takes over (kept).
package ipc

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Endpoint is a descriptor of PID 1's that others write to. It goes without the
// net package, whose resolver and pollers PID 1 does not need.
type Endpoint struct {
	file *os.File // keeps the descriptor from the finalizer
	raw  syscall.RawConn
	fd   int
}

func newEndpoint(fd int, name string) (Endpoint, error) {
	file := os.NewFile(uintptr(fd), name)
	raw, err := file.SyscallConn()
	return Endpoint{file, raw, fd}, wrap("open "+name, err)
}

// FD is the descriptor's number.
func (e *Endpoint) FD() int { return e.fd }

// Interrupt makes whoever reads come back with os.ErrDeadlineExceeded, before
// it takes anything more, until Resume.
func (e *Endpoint) Interrupt() { _ = e.file.SetReadDeadline(time.Unix(1, 0)) }

// Resume lets it be read again.
func (e *Endpoint) Resume() { _ = e.file.SetReadDeadline(time.Time{}) }

// Listener accepts connections on a Unix socket.
type Listener struct{ Endpoint }

// Listen makes a stream socket at path, mode 0600, or takes over the one that
// was kept; kept is 0 when there is none.
func Listen(path string, kept int) (*Listener, error) {
	e, err := openUnix(path, kept, unix.SOCK_STREAM, 0o600)
	if err != nil {
		return nil, err
	}
	return &Listener{e}, wrap("listen "+path, unix.Listen(e.fd, 16))
}

// openUnix makes a socket, unless a kept descriptor is one of this kind.
func openUnix(path string, kept, kind int, mode uint32) (Endpoint, error) {
	if have, err := unix.GetsockoptInt(kept, unix.SOL_SOCKET, unix.SO_TYPE); kept > 0 && err == nil && have == kind {
		return newEndpoint(kept, path)
	}
	fd, err := bindUnix(path, kind, mode)
	if err != nil {
		return Endpoint{}, err
	}
	return newEndpoint(fd, path)
}

func bindUnix(path string, kind int, mode uint32) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, wrap("make socket "+path, err)
	}
	_ = unix.Unlink(path) // a socket of an earlier life
	if err = unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err == nil {
		err = unix.Chmod(path, mode)
	}
	if err != nil {
		unix.Close(fd)
		return -1, wrap("bind "+path, err)
	}
	return fd, nil
}

// Accept waits for the next client. uid is the peer's (SO_PEERCRED).
func (l *Listener) Accept() (conn *os.File, uid uint32, err error) {
	fd := -1
	e := l.raw.Read(func(s uintptr) bool {
		fd, _, err = unix.Accept4(int(s), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		return err != unix.EAGAIN
	})
	if e != nil {
		return nil, 0, e
	}
	if err != nil {
		return nil, 0, wrap("accept", err)
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		unix.Close(fd)
		return nil, 0, wrap("peer credentials", err)
	}
	return os.NewFile(uintptr(fd), "client"), cred.Uid, nil
}

// Datagrams receives sd_notify messages.
type Datagrams struct{ Endpoint }

// ListenDatagrams makes a datagram socket at path that anybody may write to, or
// takes over the one that was kept; the kernel stamps each message with its
// sender.
func ListenDatagrams(path string, kept int) (*Datagrams, error) {
	e, err := openUnix(path, kept, unix.SOCK_DGRAM, 0o666)
	if err != nil {
		return nil, err
	}
	return &Datagrams{e}, wrap("listen "+path, unix.SetsockoptInt(e.fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
}

// Datagram is one message. The descriptors that came along are the receiver's
// to close.
type Datagram struct {
	Text []byte // empty when it was too long, or came with too many descriptors
	Pid  int    // of the sender; 0: the kernel does not say
	FDs  []int
}

// maxFDs is how many descriptors one message may bring (S-08).
const maxFDs = 64

// Receive waits for the next message.
func (d *Datagrams) Receive(buf []byte) (g Datagram, err error) {
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(maxFDs*4))
	var n, oobn, flags int
	e := d.raw.Read(func(s uintptr) bool {
		n, oobn, flags, _, err = unix.Recvmsg(int(s), buf, oob, unix.MSG_CMSG_CLOEXEC)
		return err != unix.EAGAIN
	})
	if e != nil {
		return g, e
	}
	if err != nil {
		return g, wrap("receive", err)
	}
	if g.Text = buf[:n]; flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		g.Text = nil
	}
	g.Pid, g.FDs = attached(oob[:oobn])
	return g, nil
}

// attached reads what the kernel attached to a message.
func attached(oob []byte) (pid int, fds []int) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0, nil
	}
	for i := range messages {
		if cred, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			pid = int(cred.Pid)
		}
		if rights, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, rights...)
		}
	}
	return pid, fds
}

// Fifo is a named pipe that PID 1 keeps open for reading and writing, so that
// it never sees an end of file.
type Fifo struct {
	Endpoint
	path     string
	dev, ino uint64
}

// OpenFifo makes the FIFO (0600, root) and opens it, or takes over the one that
// was kept. Something else that stands at path is replaced (devfs-semantics
// D.3).
func OpenFifo(path string, kept int) (*Fifo, error) {
	if f, err := newFifo(path, kept); kept > 0 && err == nil {
		return f, nil
	}
	_ = unix.Unlink(path)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, wrap("make fifo "+path, err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, wrap("open fifo "+path, err)
	}
	f, err := newFifo(path, fd)
	if err != nil {
		unix.Close(fd)
	}
	return f, err
}

func newFifo(path string, fd int) (*Fifo, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil, wrap("open fifo "+path, unix.EINVAL)
	}
	e, err := newEndpoint(fd, path)
	return &Fifo{e, path, st.Dev, st.Ino}, err
}

func (f *Fifo) Read(b []byte) (int, error) { return f.file.Read(b) }

// Close ends whoever reads it.
func (f *Fifo) Close() { f.file.Close() }

// Current says whether the path still names this FIFO.
func (f *Fifo) Current() bool {
	var st unix.Stat_t
	return unix.Lstat(f.path, &st) == nil && st.Dev == f.dev && st.Ino == f.ino
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
