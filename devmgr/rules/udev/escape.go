package udev

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape undoes the escapes of C. A NUL is refused.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, ok := unescapeOne(&b, s[i+1:])
		if !ok {
			return "", false
		}
		i += 1 + n
	}
	return b.String(), true
}

const (
	shortFrom = `abfnrtvs\"'`
	shortTo   = "\a\b\f\n\r\t\v \\\"'"
)

// unescapeOne takes what stands behind a backslash and returns its length.
func unescapeOne(b *strings.Builder, s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	if i := strings.IndexByte(shortFrom, s[0]); i >= 0 {
		b.WriteByte(shortTo[i])
		return 1, true
	}
	digits, base, skip := 0, 16, 1
	switch c := s[0]; {
	case c == 'x':
		digits = 2
	case c == 'u':
		digits = 4
	case c == 'U':
		digits = 8
	case c >= '0' && c <= '7':
		digits, base, skip = 3, 8, 0
	}
	if digits == 0 || len(s) < skip+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[skip:skip+digits], base, 32)
	switch {
	case err != nil || n == 0 || n > utf8.MaxRune:
		return 0, false
	case digits > 3:
		b.WriteRune(rune(n))
	case n > 255:
		return 0, false
	default:
		b.WriteByte(byte(n))
	}
	return skip + digits, true
}

// clean replaces in s, from position from on, what does not belong into a
// name by "_". extra lists more bytes that may stay; with a blank among them
// any white space becomes a blank.
func clean(s []byte, from int, extra string) []byte {
	for i := from; i < len(s); {
		c := s[i]
		switch n := plain(s[i:], extra); {
		case n > 0:
			i += n
		case isSpace(c) && strings.IndexByte(extra, ' ') >= 0:
			s[i] = ' '
			i++
		default:
			s[i] = '_'
			i++
		}
	}
	return s
}

// plain returns the length of what s begins with if it may stay: a plain byte,
// an escape \xNN, or a UTF-8 sequence.
func plain(s []byte, extra string) int {
	c := s[0]
	switch {
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9',
		strings.IndexByte("#+-.:=@_", c) >= 0, strings.IndexByte(extra, c) >= 0:
		return 1
	case c == '\\' && len(s) >= 4 && s[1] == 'x' && isHex(s[2]) && isHex(s[3]):
		return 4
	case c >= utf8.RuneSelf:
		if r, n := utf8.DecodeRune(s); r != utf8.RuneError && r > 0x9f {
			return n
		}
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// joinSpaces makes one "_" of each run of white space in s from position from
// on, and takes it off both ends.
func joinSpaces(s []byte, from int) []byte {
	out := from
	for i := from; i < len(s); i++ {
		if !isSpace(s[i]) {
			s[out] = s[i]
			out++
			continue
		}
		if out > from && s[out-1] != ' ' {
			s[out] = ' '
			out++
		}
	}
	if out > from && s[out-1] == ' ' {
		out--
	}
	for i := from; i < out; i++ {
		if s[i] == ' ' {
			s[i] = '_'
		}
	}
	return s[:out]
}
