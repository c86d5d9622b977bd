package ipc

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// backlog is how many clients wait while a program is being started again.
const backlog = 512

// Host makes and watches descriptors on the machine that it runs on.
type Host struct{}

// Bind makes a socket that a program is to serve, as its plan spells it:
// tcp:ADDR, udp:ADDR, unix:PATH; the logger's is unixgram:PATH. ADDR is an IP address and a port; without an
// address it takes both IPv4 and IPv6. The program gets it without O_NONBLOCK.
func (Host) Bind(spec string) (int, error) {
	fd, err := bind(spec)
	if err != nil {
		return -1, wrap("listen on "+spec, err)
	}
	return fd, nil
}

func bind(spec string) (int, error) {
	kind, addr, _ := strings.Cut(spec, ":")
	switch kind {
	case "unix":
		_ = unix.Unlink(addr) // a socket of an earlier life
		return serve(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: addr})
	case "unixgram":
		_ = unix.Unlink(addr)
		fd, err := serve(unix.AF_UNIX, unix.SOCK_DGRAM, &unix.SockaddrUnix{Name: addr})
		if err != nil {
			return -1, err
		}
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
		return fd, unix.Chmod(addr, 0o666) // anybody may write, and the kernel says who it was
	case "tcp", "udp":
		style := unix.SOCK_STREAM
		if kind == "udp" {
			style = unix.SOCK_DGRAM
		}
		return bindPort(addr, style)
	}
	return -1, errors.New("use tcp:ADDR, udp:ADDR or unix:PATH")
}

func bindPort(addr string, style int) (int, error) {
	any := strings.HasPrefix(addr, ":")
	if any {
		addr = "[::]" + addr
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return -1, fmt.Errorf("%w: use :PORT or ADDRESS:PORT", err)
	}
	if ap.Addr().Is4() {
		return serve(unix.AF_INET, style, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()})
	}
	fd, err := serve(unix.AF_INET6, style, &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()})
	if any && (err == unix.EAFNOSUPPORT || err == unix.EADDRNOTAVAIL) { // a kernel without IPv6
		return serve(unix.AF_INET, style, &unix.SockaddrInet4{Port: int(ap.Port())})
	}
	return fd, err
}

func serve(family, style int, addr unix.Sockaddr) (int, error) {
	fd, err := unix.Socket(family, style|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if family != unix.AF_UNIX {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err = unix.Bind(fd, addr); err == nil && style == unix.SOCK_STREAM {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// AwaitClient waits until a client has come to a socket made by Bind, and takes
// nothing from it. O_NONBLOCK belongs to the socket, which the program shares,
// and Go's poller takes only files that have it: so it watches an epoll
// descriptor that watches the socket.
func (Host) AwaitClient(fd int) error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return wrap("await client", err)
	}
	if err := errors.Join(
		unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}),
		unix.SetNonblock(ep, true),
	); err != nil {
		unix.Close(ep)
		return wrap("await client", err)
	}
	file := os.NewFile(uintptr(ep), "clients")
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		return wrap("await client", err)
	}
	return raw.Read(func(ep uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(ep), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

// AwaitLine waits until a newline, or the end, has come out of a pipe, and
// closes it. It says whether it was a newline: s6's way to say that a program
// is ready.
func (Host) AwaitLine(fd int) bool {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return false
	}
	file := os.NewFile(uintptr(fd), "pipe")
	defer file.Close()
	chunk := make([]byte, 64)
	for {
		n, err := file.Read(chunk)
		if bytes.IndexByte(chunk[:n], '\n') >= 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
}
