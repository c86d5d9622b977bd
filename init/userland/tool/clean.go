package tool

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a string from a device, a file name or a log safe to print on a
// terminal: control characters (C0, DEL, C1, ESC), invalid UTF-8 and invisible
// or direction-changing characters become visible escapes. A tab stays.
func Clean(s string) string {
	done := plain(s)
	if done == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := 0; ; {
		b.WriteString(s[i : i+done])
		if i += done; i == len(s) {
			return b.String()
		}
		i += cleanRune(&b, s[i:])
		done = plain(s[i:])
	}
}

// cleanRune appends the first character of s, and says how long it was.
func cleanRune(b *strings.Builder, s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n <= 1:
		appendHex(b, s[0])
	case unicode.IsPrint(r):
		b.WriteString(s[:n])
	case r < 0x100:
		appendHex(b, byte(r))
	default:
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return n
}

// plain is how many bytes at the beginning of s are fine as they are.
func plain(s string) int {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\t' {
			return i
		}
	}
	return len(s)
}

func appendHex(b *strings.Builder, c byte) {
	const digits = "0123456789abcdef"
	b.WriteString(`\x`)
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}

// Cut shortens s to at most width characters, marking the cut with a tilde.
func Cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:max(width-1, 0)]) + "~"
}
