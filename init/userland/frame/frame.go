// Package frame encodes what a command prints so that it survives a serial
// console that the kernel and other programs print to as well.
//
// A frame is one line, and a reader ignores every line that is not one:
//
//	@NONCE KIND SEQ PAYLOAD CRC
//
//	NONCE    8 lower-case hex digits chosen by the reader
//	KIND     o: bytes of standard output, e: of standard error,
//	         x: exit status, the last frame
//	SEQ      decimal, counts all frames of this command from 0
//	PAYLOAD  o and e: base64 (RFC 4648, padded) of 1 to 510 bytes;
//	         x: the status in decimal
//	CRC      8 lower-case hex digits: CRC-32 (IEEE) of "KIND SEQ PAYLOAD"
//
// Each frame starts and ends with CR LF, so that it begins a line whatever
// was printed before it. A gap in SEQ is a lost frame, a wrong CRC a damaged one.
package frame

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"sync"
)

// MaxData is how many bytes of output one frame carries at most.
const MaxData = 510

// Kinds of frames.
const (
	Stdout = 'o'
	Stderr = 'e'
	Exit   = 'x'
)

// ValidNonce reports whether s can name a run: 8 lower-case hex digits.
func ValidNonce(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 8
}

// Encoder writes the frames of one command. It may be used by several
// goroutines; each frame is one Write.
type Encoder struct {
	mu    sync.Mutex
	w     io.Writer
	nonce string
	seq   int
	buf   []byte
}

// NewEncoder returns an encoder that writes frames of nonce to w.
func NewEncoder(w io.Writer, nonce string) *Encoder {
	return &Encoder{w: w, nonce: nonce}
}

// Data writes p in as many frames of kind Stdout or Stderr as it needs.
func (e *Encoder) Data(kind byte, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), MaxData)
		if err := e.frame(kind, base64.StdEncoding.EncodeToString(p[:n])); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Exit writes the last frame.
func (e *Encoder) Exit(status int) error { return e.frame(Exit, strconv.Itoa(status)) }

func (e *Encoder) frame(kind byte, payload string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	body := fmt.Sprintf("%c %d %s", kind, e.seq, payload)
	e.seq++
	e.buf = fmt.Appendf(e.buf[:0], "\r\n@%s %s %08x\r\n", e.nonce, body, crc32.ChecksumIEEE([]byte(body)))
	_, err := e.w.Write(e.buf)
	return err
}

// Writer returns a writer whose bytes become frames of kind.
func (e *Encoder) Writer(kind byte) io.Writer { return writer{e, kind} }

type writer struct {
	e    *Encoder
	kind byte
}

func (w writer) Write(p []byte) (int, error) {
	if err := w.e.Data(w.kind, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
