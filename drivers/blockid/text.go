package blockid

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plain are the characters, besides letters and digits, that a name in /dev may have.
const plain = "#+-.:=@_"

func isPlain(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte(plain, c) >= 0
}

// wide returns how many bytes of s are one valid character beyond ASCII. What Unicode
// reserves for use inside programs is not valid.
func wide(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if n < 2 || r&0xffff == 0xffff || r >= 0xfdd0 && r <= 0xfdef {
		return 0
	}
	return n
}

// maxValue is the most that udev keeps of an encoded value.
const maxValue = 255

// Encode writes everything in s that is no plain character as \xHH: the _ENC
// values, from which udev's rules make links.
func Encode(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := max(wide(s), 1)
		piece := s[:n]
		if n == 1 && !isPlain(s[0]) {
			piece = fmt.Sprintf(`\x%02x`, s[0])
		}
		if b.Len()+len(piece) > maxValue {
			break
		}
		b.WriteString(piece)
		s = s[n:]
	}
	return b.String()
}

// replace makes a value fit for one word: space at its ends goes, and runs of it within
// become one underscore.
func replace(s string) string {
	return printable(strings.Join(strings.FieldsFunc(s, isSpace), "_"))
}

// printable puts underscores for what is no valid character, and for control characters,
// which udev lets pass: a label must not drive a terminal.
func printable(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); i++ {
		if n := wide(s[i:]); n > 0 {
			i += n - 1
		} else if b[i] < ' ' || b[i] > '~' {
			b[i] = '_'
		}
	}
	return string(b)
}

func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

// utf16Text decodes UTF-16 up to the first NUL.
func utf16Text(b block, order binary.ByteOrder) string {
	var units []uint16
	for i := 0; i+2 <= len(b); i += 2 {
		u := order.Uint16(b[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// uuid writes 16 bytes in the usual form; it is empty if they are zero.
func (b block) uuid(i int) string {
	s := b.slice(i, 16)
	if s.zero() {
		return ""
	}
	h := hex.EncodeToString(s)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// guid is a uuid whose first three fields are little endian.
func (b block) guid(i int) string {
	s := b.slice(i, 16)
	if s.zero() {
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", s.le32(0), s.le16(4), s.le16(6), []byte(s[8:10]), []byte(s[10:]))
}
