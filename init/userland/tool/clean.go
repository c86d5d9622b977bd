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
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			appendHex(&b, s[i])
		case r == '\t' || unicode.IsPrint(r):
			b.WriteString(s[i : i+n])
		case r < 0x100:
			appendHex(&b, byte(r))
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\t' {
			return false
		}
	}
	return true
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
