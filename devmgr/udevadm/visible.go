package udevadm

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Visible makes text of a device safe to print in a line: control characters,
// of which a terminal would take orders, and bytes that are no UTF-8 are shown
// as \xNN. Scripts read a line a property, so a line break is one of them.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1 || r < 0xa0 && control(byte(r)):
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || control(s[i]) {
			return false
		}
	}
	return true
}

func control(c byte) bool { return c < ' ' && c != '\t' || c >= 0x7f }

// quoted is a word that a shell reads as text.
func quoted(s string) string { return "'" + strings.ReplaceAll(Visible(s), "'", `'\''`) + "'" }
