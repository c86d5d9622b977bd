package qemu

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// The diagnostics shell's exec-frame builtin prints what a command writes as
// lines `@NONCE KIND SEQ PAYLOAD CRC`, so that output is byte-exact on a line
// that kernel messages and programs share. KIND is o (stdout), e (stderr) or x
// (exit status, the last one); PAYLOAD is base64, or a decimal status; CRC is
// the CRC-32 of "KIND SEQ PAYLOAD" in hex; SEQ counts all frames from 0.

// ErrDamagedFrame says that a frame was cut, mixed with other text, or lost.
var ErrDamagedFrame = errors.New("damaged frame")

// maxFrame bounds the data of one frame; the shell sends at most 510 bytes.
const maxFrame = 2048

type frame struct {
	kind   byte
	data   []byte
	status int
}

// frameDecoder picks the frames of one command out of the console's lines.
type frameDecoder struct {
	nonce string
	seq   int
}

// line decodes one line of the console. Lines that are no frame of this
// command give neither frame nor error.
func (d *frameDecoder) line(text string) (*frame, error) {
	at := strings.Index(text, "@"+d.nonce+" ")
	if at < 0 {
		return nil, nil
	}
	if at > 0 {
		return nil, fmt.Errorf("%w %d: text before it: %.80q", ErrDamagedFrame, d.seq, text)
	}
	f, err := d.parse(strings.Split(text, " ")[1:])
	if err != nil {
		return nil, fmt.Errorf("%w %d: %w: %.80q", ErrDamagedFrame, d.seq, err, text)
	}
	d.seq++
	return f, nil
}

func (d *frameDecoder) parse(words []string) (*frame, error) {
	if len(words) != 4 || len(words[0]) != 1 {
		return nil, errors.New("not KIND SEQ PAYLOAD CRC")
	}
	crc, err := strconv.ParseUint(words[3], 16, 32)
	if err != nil {
		return nil, err
	}
	if want := frameCRC(words[0], words[1], words[2]); uint32(crc) != want {
		return nil, fmt.Errorf("checksum %08x, not %08x", crc, want)
	}
	if seq, err := strconv.Atoi(words[1]); err != nil || seq != d.seq {
		return nil, fmt.Errorf("frame %s came instead", words[1])
	}
	return payload(words[0][0], words[2])
}

func payload(kind byte, text string) (*frame, error) {
	switch kind {
	case 'x':
		status, err := strconv.ParseUint(text, 10, 8)
		return &frame{kind: kind, status: int(status)}, err
	case 'o', 'e':
		data, err := base64.StdEncoding.DecodeString(text)
		if err == nil && len(data) > maxFrame {
			err = fmt.Errorf("%d bytes in one frame", len(data))
		}
		return &frame{kind: kind, data: data}, err
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

func frameCRC(kind, seq, payload string) uint32 {
	return crc32.ChecksumIEEE([]byte(kind + " " + seq + " " + payload))
}

// quoteShell makes word one word of a POSIX shell line.
func quoteShell(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
