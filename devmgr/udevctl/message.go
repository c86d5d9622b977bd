// Package udevctl speaks the protocol of /run/udev/control.
//
// It is how udevadm gives orders to a device manager: packets of a fixed size
// on a socket that exists as long as one runs. A client sends its orders and
// then End, and waits until the daemon has closed the connection: that is the
// answer. Only root is obeyed.
package udevctl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Kind says what a message orders.
type Kind uint32

// The orders. Those with a number or text say so.
const (
	End            Kind = iota // no more orders
	SetLogLevel                // Number
	StopQueue                  // leave events alone
	StartQueue                 // go on with them
	Reload                     // read the rules again
	SetProperty                // Text: "KEY=VALUE", or "KEY=" to forget it
	SetChildrenMax             // Number
	Ping                       // answer
	Exit                       // end
)

// Message is one order.
type Message struct {
	Kind   Kind
	Number int32
	Text   string
}

const (
	magic    = 0xdead1dea
	version  = "udev-slashdev"
	size     = 280
	textAt   = 24
	textSize = size - textAt
)

// ErrMalformed is what Parse returns for what is no message.
var ErrMalformed = errors.New("malformed message to the udev control socket")

// Append appends the message as it is sent.
func (m Message) Append(dst []byte) ([]byte, error) {
	if len(m.Text) >= textSize {
		return dst, fmt.Errorf("send to udev control: text of %d bytes is longer than %d", len(m.Text), textSize-1)
	}
	var b [size]byte
	copy(b[:], version)
	binary.NativeEndian.PutUint32(b[16:], magic)
	binary.NativeEndian.PutUint32(b[20:], uint32(m.Kind))
	if m.Kind == SetProperty {
		copy(b[textAt:], m.Text)
	} else {
		binary.NativeEndian.PutUint32(b[textAt:], uint32(m.Number))
	}
	return append(dst, b[:]...), nil
}

// Parse reads one message.
func Parse(b []byte) (Message, error) {
	if len(b) != size || binary.NativeEndian.Uint32(b[16:]) != magic {
		return Message{}, ErrMalformed
	}
	m := Message{Kind: Kind(binary.NativeEndian.Uint32(b[20:]))}
	if m.Kind != SetProperty {
		m.Number = int32(binary.NativeEndian.Uint32(b[textAt:]))
		return m, nil
	}
	text, _, ended := bytes.Cut(b[textAt:], []byte{0})
	if !ended {
		return Message{}, ErrMalformed
	}
	m.Text = string(text)
	return m, nil
}
