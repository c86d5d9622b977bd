// Package netname gives a network interface another name, and sets what .link
// files set of it.
//
// Each is a message to the kernel, which answers, announces a move, and
// refuses names that are taken; kernels before 6.2 also refuse a new name while
// the interface is up.
package netname

import (
	"encoding/binary"
	"errors"
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
	return ask(request(unix.RTM_NEWLINK, index, text(unix.IFLA_IFNAME, name)))
}

// Settings are what can be set of an interface; the zero value of each leaves it.
type Settings struct {
	Address      []byte
	MTU          uint32
	QueueLength  *uint32
	Alias        string
	Alternatives []string // other names
}

// Set sets them, as far as the kernel takes them.
func Set(index int, s Settings) error {
	var errs []error
	try := func(what string, kind uint16, attr []byte) {
		if err := ask(request(kind, index, attr)); err != nil && !errors.Is(err, unix.EEXIST) {
			errs = append(errs, fmt.Errorf("set %s of interface %d: %w", what, index, err))
		}
	}
	if s.Address != nil {
		try("the address", unix.RTM_NEWLINK, attribute(unix.IFLA_ADDRESS, s.Address))
	}
	if s.MTU != 0 {
		try("the MTU", unix.RTM_NEWLINK, number(unix.IFLA_MTU, s.MTU))
	}
	if s.QueueLength != nil {
		try("the queue", unix.RTM_NEWLINK, number(unix.IFLA_TXQLEN, *s.QueueLength))
	}
	if s.Alias != "" {
		try("the alias", unix.RTM_NEWLINK, attribute(unix.IFLA_IFALIAS, []byte(s.Alias)))
	}
	for _, name := range s.Alternatives { // one that is taken leaves the others
		try("the name "+name, unix.RTM_NEWLINKPROP, attribute(unix.IFLA_PROP_LIST|unix.NLA_F_NESTED, text(unix.IFLA_ALT_IFNAME, name)))
	}
	return errors.Join(errs...)
}

// ask sends a request and waits for the answer.
func ask(request []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: patience}); err != nil {
		return err
	}
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	return answer(fd)
}

// request is a message about a link with one attribute, see rtnetlink(7).
func request(kind uint16, index int, attr []byte) []byte {
	order := binary.NativeEndian
	b := order.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+unix.SizeofIfInfomsg+len(attr)))
	b = order.AppendUint16(b, kind)
	b = order.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(b, make([]byte, 8)...) // sequence and sender
	b = append(b, make([]byte, 4)...) // family and type: any
	b = order.AppendUint32(b, uint32(index))
	b = append(b, make([]byte, 8)...) // flags stay
	return append(b, attr...)
}

// attribute is one attribute of a message, filled up.
func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	for len(b)%unix.RTA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

func text(kind uint16, value string) []byte { return attribute(kind, append([]byte(value), 0)) }

func number(kind uint16, value uint32) []byte {
	return attribute(kind, binary.NativeEndian.AppendUint32(nil, value))
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
