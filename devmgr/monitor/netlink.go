package monitor

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/uevent"
)

// The groups of the socket: the kernel's events, and those that have been
// dealt with.
const (
	Kernel = 1
	Udev   = 2
)

// Sender sends messages. It is for one goroutine.
type Sender struct {
	fd  int
	buf []byte
}

// NewSender opens a socket to send from. Only root is heard.
func NewSender() (*Sender, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open monitor socket: %w", err)
	}
	return &Sender{fd: fd}, nil
}

// Send announces a device, see Append. That nobody listens is no error.
func (s *Sender) Send(properties uevent.Env, tags []string) error {
	s.buf = Append(s.buf[:0], properties, tags)
	err := unix.Sendto(s.fd, s.buf, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: Udev})
	if err != nil && err != unix.ECONNREFUSED {
		return fmt.Errorf("send to monitors: %w", err)
	}
	return nil
}

// Close closes the socket.
func (s *Sender) Close() error { return unix.Close(s.fd) }

// Conn hears messages. Next is for one goroutine, Close for any.
type Conn struct {
	file *os.File
	raw  syscall.RawConn
	buf  []byte
	oob  [128]byte
}

// maxMessage is more than any sender's buffer holds.
const maxMessage = 256 << 10

// receiveBuffer is a limit, not an allocation.
const receiveBuffer = 64 << 20

// Listen hears the groups, Kernel, Udev or both (Kernel|Udev).
func Listen(groups uint32) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open monitor socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "monitor")
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("set up monitor socket: %w", err)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("set up monitor socket: %w", err)
	}
	return &Conn{file: f, raw: raw, buf: make([]byte, maxMessage)}, nil
}

// Next waits for the next message and returns its properties and its group.
// What is malformed, or did not come from root or the kernel, is passed over.
// After Close the error is os.ErrClosed.
func (c *Conn) Next() (properties uevent.Env, group uint32, err error) {
	for {
		var n, oobn int
		var from unix.Sockaddr
		rerr := c.raw.Read(func(fd uintptr) bool {
			n, oobn, _, from, err = unix.Recvmsg(int(fd), c.buf, c.oob[:], 0)
			return err != unix.EINTR && err != unix.EAGAIN
		})
		if rerr != nil {
			err = os.ErrClosed
		}
		if err == unix.ENOBUFS { // some were lost; those that follow are not
			continue
		}
		if err != nil {
			return "", 0, fmt.Errorf("read monitor socket: %w", err)
		}
		if env, group, ok := accept(c.buf[:n], from, c.oob[:oobn]); ok {
			return env, group, nil
		}
	}
}

func accept(b []byte, from unix.Sockaddr, oob []byte) (env uevent.Env, group uint32, ok bool) {
	nl, ok := from.(*unix.SockaddrNetlink)
	sender := credentials(oob)
	if !ok || sender == nil || sender.Uid != 0 {
		return "", 0, false
	}
	switch nl.Groups {
	case Udev:
		env, err := Parse(b)
		return env, Udev, err == nil
	case Kernel:
		// The kernel hands on what root sends to it, from port 0 as its own.
		ev, err := uevent.Parse(b)
		return Properties(ev), Kernel, err == nil && nl.Pid == 0 && sender.Pid == 0
	}
	return "", 0, false
}

// credentials returns who sent a message, nil if that is not known.
func credentials(oob []byte) *unix.Ucred {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range msgs {
		if cred, err := unix.ParseUnixCredentials(&msgs[i]); err == nil {
			return cred
		}
	}
	return nil
}

// Close wakes Next up and closes the socket.
func (c *Conn) Close() error { return c.file.Close() }
