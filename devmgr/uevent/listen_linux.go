package uevent

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrOverrun means that the kernel had to drop events for this socket: what is
// known must be compared with /sys again.
var ErrOverrun = errors.New("uevent socket overrun")

// IdleError is what Next returns, once, when everything that the kernel had
// queued at the time of a Kick has been returned before.
type IdleError struct{ Kicks uint64 }

func (e *IdleError) Error() string { return "uevent socket idle" }

const (
	defaultReceiveBuffer = 64 << 20 // a limit, not an allocation
	kernelGroup          = 1        // group 2 is udev's
)

// Config says how to listen; the zero value is right for a device manager.
type Config struct {
	ReceiveBuffer int // bytes the kernel may queue; 0 means 64 MiB
}

// Stats counts what was received. Forged messages did not come from the
// kernel; malformed ones did, or were cut, and made no sense.
type Stats struct {
	Events, Forged, Malformed, Overruns uint64
}

// Conn is a socket that hears the kernel's uevents. Next is for one goroutine;
// Kick, Stats and Close are for any.
type Conn struct {
	closed atomic.Bool
	file   *os.File
	raw    syscall.RawConn
	buf    []byte
	oob    [128]byte
	idle   bool // a kick was seen: say so at the end of the queue
	upTo   uint64
	kicks  atomic.Uint64

	events, forged, malformed, overruns atomic.Uint64
}

// Listen opens the socket. From now on the kernel queues events for it, so
// that a scan that starts later misses nothing.
func Listen(c Config) (*Conn, error) {
	if c.ReceiveBuffer == 0 {
		c.ReceiveBuffer = defaultReceiveBuffer
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open uevent socket: %w", err)
	}
	if err := setUp(fd, c); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set up uevent socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "uevent")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("set up uevent socket: %w", err)
	}
	return &Conn{file: f, raw: raw, buf: make([]byte, MaxSize+1)}, nil
}

func setUp(fd int, c Config) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, c.ReceiveBuffer) != nil {
		// Without CAP_NET_ADMIN the system's limit holds; overruns are repaired.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, c.ReceiveBuffer)
	}
	return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup})
}

// Next waits for the next event of the kernel. It returns ErrOverrun when
// events were lost, *IdleError after a Kick, and os.ErrClosed in the end;
// messages that are forged or malformed are counted and passed over.
func (c *Conn) Next() (Event, error) {
	for {
		m, err := c.receive()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.noteKick()
			continue
		case err == unix.EAGAIN:
			c.idle = false
			return Event{}, &IdleError{c.upTo}
		case err == unix.ENOBUFS:
			c.overruns.Add(1)
			return Event{}, ErrOverrun
		case err != nil && c.closed.Load(): // which the poller has an error of its own for
			return Event{}, os.ErrClosed
		case err != nil:
			return Event{}, fmt.Errorf("read uevent socket: %w", err)
		}
		if ev, ok := c.accept(m); ok {
			return ev, nil
		}
	}
}

// noteKick clears the deadline before it reads the counter: a kick in between
// sets the deadline again and only costs another round.
func (c *Conn) noteKick() {
	_ = c.file.SetReadDeadline(time.Time{})
	c.upTo = c.kicks.Load()
	c.idle = true
}

type message struct {
	n, oobn, flags int
	from           unix.Sockaddr
}

// receive waits through Go's poller, so that no thread sleeps in the kernel.
func (c *Conn) receive() (m message, err error) {
	perr := c.raw.Read(func(fd uintptr) bool {
		m.n, m.oobn, m.flags, m.from, err = unix.Recvmsg(int(fd), c.buf, c.oob[:], 0)
		return err != unix.EINTR && (err != unix.EAGAIN || c.idle)
	})
	if perr != nil {
		return m, perr
	}
	return m, err
}

func (c *Conn) accept(m message) (Event, bool) {
	if !fromKernel(m.from) || !rootCredentials(c.oob[:m.oobn]) {
		c.forged.Add(1)
		return Event{}, false
	}
	if m.flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		c.malformed.Add(1)
		return Event{}, false
	}
	ev, err := Parse(c.buf[:m.n])
	if err != nil {
		c.malformed.Add(1)
		return Event{}, false
	}
	c.events.Add(1)
	return ev, true
}

// fromKernel is the first half of the check of the sender (CVE-2009-1185): the
// kernel's port id is 0, and it sends to the group, never to us alone.
func fromKernel(sa unix.Sockaddr) bool {
	nl, ok := sa.(*unix.SockaddrNetlink)
	return ok && nl.Pid == 0 && nl.Groups == kernelGroup
}

// rootCredentials is the second half: the kernel sends as pid 0 and uid 0,
// which no process can claim.
func rootCredentials(oob []byte) bool {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return false
	}
	for i := range msgs {
		cred, err := unix.ParseUnixCredentials(&msgs[i])
		if err == nil {
			return cred.Pid == 0 && cred.Uid == 0
		}
	}
	return false
}

// Kick makes Next return *IdleError as soon as the queue is empty, with the
// number that Kick returned or a later one. This is how "all events up to now
// have been handled" is known without comparing sequence numbers, which jump
// over events of other network namespaces.
func (c *Conn) Kick() uint64 {
	n := c.kicks.Add(1)
	_ = c.file.SetReadDeadline(time.Unix(1, 0))
	return n
}

// Stats returns the counters.
func (c *Conn) Stats() Stats {
	return Stats{c.events.Load(), c.forged.Load(), c.malformed.Load(), c.overruns.Load()}
}

// Close wakes Next up and closes the socket.
func (c *Conn) Close() error {
	c.closed.Store(true)
	return c.file.Close()
}
