// Package initreq decodes what others write to PID 1: the 384-byte requests of
// sysvinit's initctl(5) and one-line requests on the control socket. It only
// decodes; nothing here acts.
package initreq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"slashdev/init/line"
)

// Size is the length of one initctl request (devfs-semantics D.1).
const Size = 384

const magic = 0x03091969

// The commands of initctl requests (devfs-semantics D.2).
const (
	Start        = 0
	RunLevel     = 1
	PowerFail    = 2
	PowerFailNow = 3
	PowerOK      = 4
	SetEnv       = 6
)

// Request is one initctl request.
type Request struct {
	Cmd       uint32
	RunLevel  byte // ASCII: 0 to 9, S, a to c, Q, U
	SleepTime uint32
	Data      [368]byte
}

// Decode reads one request. Anything but 384 bytes with the magic in front is
// refused whole: a magic further on could have been planted.
func Decode(b []byte) (Request, error) {
	if len(b) != Size {
		return Request{}, fmt.Errorf("initctl request of %d bytes: want %d", len(b), Size)
	}
	if m := binary.NativeEndian.Uint32(b); m != magic {
		return Request{}, fmt.Errorf("initctl request with magic %#x: want %#x", m, magic)
	}
	r := Request{
		Cmd:       binary.NativeEndian.Uint32(b[4:]),
		SleepTime: binary.NativeEndian.Uint32(b[12:]),
	}
	level := binary.NativeEndian.Uint32(b[8:])
	if level > 0x7f {
		return Request{}, fmt.Errorf("initctl request with run level %#x: want an ASCII character", level)
	}
	r.RunLevel = byte(level)
	copy(r.Data[:], b[16:])
	return r, nil
}

// Append encodes r behind dst.
func (r Request) Append(dst []byte) []byte {
	for _, v := range []uint32{magic, r.Cmd, uint32(r.RunLevel), r.SleepTime} {
		dst = binary.NativeEndian.AppendUint32(dst, v)
	}
	return append(dst, r.Data[:]...)
}

// ErrTooLong says that a request line is longer than line.Max.
var ErrTooLong = errors.New("request is longer than 4096 bytes")

// Line decodes a request line of the control socket. The newline may be
// missing: the peer may have closed instead.
func Line(b []byte) ([]string, error) {
	if len(b) > line.Max {
		return nil, ErrTooLong
	}
	words, err := line.Split(strings.TrimRight(string(b), "\r\n"))
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errors.New("empty request: try \"ls\"")
	}
	return words, nil
}
