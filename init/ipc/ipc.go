// Package ipc makes the sockets and the FIFO by which others reach PID 1.
package ipc

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener accepts connections on a Unix socket without the net package, whose
// resolver and pollers PID 1 does not need.
type Listener struct {
	file *os.File
	raw  syscall.RawConn
}

// Listen makes a stream socket at path, mode 0600.
func Listen(path string) (*Listener, error) {
	file, err := bindUnix(path, unix.SOCK_STREAM, 0o600)
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, wrap("listen "+path, err)
	}
	err = control(raw, func(fd int) error { return unix.Listen(fd, 16) })
	return &Listener{file, raw}, wrap("listen "+path, err)
}

func bindUnix(path string, kind int, mode uint32) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, wrap("make socket "+path, err)
	}
	_ = unix.Unlink(path) // a socket of an earlier life
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, wrap("bind "+path, err)
	}
	if err := unix.Chmod(path, mode); err != nil {
		unix.Close(fd)
		return nil, wrap("chmod "+path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

func control(raw syscall.RawConn, f func(fd int) error) error {
	var err error
	if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
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
type Datagrams struct {
	file *os.File // keeps the descriptor from the finalizer
	raw  syscall.RawConn
}

// ListenDatagrams makes a datagram socket at path that anybody may write to;
// the kernel stamps each message with its sender.
func ListenDatagrams(path string) (*Datagrams, error) {
	file, err := bindUnix(path, unix.SOCK_DGRAM, 0o666)
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, wrap("listen "+path, err)
	}
	err = control(raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	return &Datagrams{file, raw}, wrap("listen "+path, err)
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
	File *os.File
	path string
	dev  uint64
	ino  uint64
}

// MakeFifo makes the FIFO (0600, root) and opens it. Something else that
// stands at path is replaced (devfs-semantics D.3).
func MakeFifo(path string) (*Fifo, error) {
	_ = unix.Unlink(path)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, wrap("make fifo "+path, err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, wrap("open fifo "+path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		unix.Close(fd)
		return nil, wrap("open fifo "+path, unix.EINVAL)
	}
	return &Fifo{os.NewFile(uintptr(fd), path), path, st.Dev, st.Ino}, nil
}

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
