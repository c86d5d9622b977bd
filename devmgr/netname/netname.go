// Package netname gives a network interface another name.
//
// That is one message to the kernel, which answers, announces a move, and
// refuses names that are taken; kernels before 6.2 also refuse while the
// interface is up.
package netname

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// patience is how long the kernel may take to answer, in seconds.
const patience = 5

// Rename renames the interface with an index.
func Rename(index int, name string) error {
	if err := rename(index, name); err != nil {
		return fmt.Errorf("rename interface %d to %s: %w", index, name, err)
	}
	return nil
}

func rename(index int, name string) error {
	if len(name) == 0 || len(name) >= unix.IFNAMSIZ {
		return unix.EINVAL
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: patience}); err != nil {
		return err
	}
	if err := unix.Sendto(fd, request(index, name), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	return answer(fd)
}

// request is RTM_NEWLINK with IFLA_IFNAME, see rtnetlink(7).
func request(index int, name string) []byte {
	order := binary.NativeEndian
	attr := order.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(name)+1))
	attr = order.AppendUint16(attr, unix.IFLA_IFNAME)
	attr = append(append(attr, name...), 0)
	for len(attr)%unix.RTA_ALIGNTO != 0 {
		attr = append(attr, 0)
	}
	b := order.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+unix.SizeofIfInfomsg+len(attr)))
	b = order.AppendUint16(b, unix.RTM_NEWLINK)
	b = order.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(b, make([]byte, 8)...) // sequence and sender
	b = append(b, make([]byte, 4)...) // family and type: any
	b = order.AppendUint32(b, uint32(index))
	b = append(b, make([]byte, 8)...) // flags stay
	return append(b, attr...)
}

func answer(fd int) error {
	var buf [4096]byte
	n, err := unix.Read(fd, buf[:])
	for err == unix.EINTR {
		n, err = unix.Read(fd, buf[:])
	}
	switch {
	case err == unix.EAGAIN:
		return os.ErrDeadlineExceeded
	case err != nil:
		return err
	case n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR:
		return unix.EBADMSG
	}
	if code := int32(binary.NativeEndian.Uint32(buf[unix.SizeofNlMsghdr:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}
