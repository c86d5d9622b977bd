package ident

import (
	"strings"
	"unicode/utf8"
)

const (
	maxPlain   = 63  // bytes of a name that are looked at
	maxSerial  = 255 // the same of a serial number
	maxEncoded = 255 // bytes of a name with escapes
	hexDigits  = "0123456789abcdef"
)

// plain makes a name of what a device says: at most limit bytes of it, without
// space around it, `_` for space within and for every byte that has no place in
// a file name. What looks like an escape, `\x`, stays.
func plain(raw string, limit int) string {
	raw = trim(raw[:min(len(raw), limit)])
	var b strings.Builder
	for i := 0; i < len(raw); {
		n := safe(raw[i:])
		switch {
		case n > 0:
			b.WriteString(raw[i : i+n])
			i += n
			continue
		case !isSpace(raw[i]) || !isSpace(raw[i-1]): // a run of space counts once; the first byte is none
			b.WriteByte('_')
		}
		i++
	}
	return b.String()
}

// encoded makes a name from which everything that a device says can be read
// again: every byte that has no place in a file name as \xNN.
func encoded(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); {
		n := safe(raw[i:])
		if raw[i] == '\\' {
			n = 0
		}
		size := max(n, len(`\xNN`))
		if n > 0 {
			size = n
		}
		if b.Len()+size > maxEncoded {
			break
		}
		if n > 0 {
			b.WriteString(raw[i : i+n])
			i += n
			continue
		}
		b.WriteString(`\x`)
		b.WriteByte(hexDigits[raw[i]>>4])
		b.WriteByte(hexDigits[raw[i]&15])
		i++
	}
	return b.String()
}

// safe returns how many bytes at the start of text may stand in a name as they
// are, 0 if none.
func safe(text string) int {
	c := text[0]
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', strings.IndexByte("#+-.:=@_", c) >= 0:
		return 1
	case c == '\\' && len(text) > 1 && text[1] == 'x':
		return len(`\x`)
	case c < utf8.RuneSelf:
		return 0
	}
	r, n := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && n == 1 || hidden(r) {
		return 0
	}
	return n
}

// hidden tells characters that do not belong in a name from others: those that
// are none by the Unicode standard, and those that act on a terminal instead of
// being shown (udev lets the latter pass).
func hidden(r rune) bool {
	none := r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef
	control := r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029
	direction := r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 // of writing
	return none || control || direction
}

// spaced is like plain, but leaves space within as it is. udev leaves
// everything: the serial number of a SCSI disk could bring quotes or worse.
func spaced(raw string) string {
	raw = trim(raw[:min(len(raw), maxSerial)])
	var b strings.Builder
	for i := 0; i < len(raw); {
		n := 1
		if raw[i] == ' ' {
			b.WriteByte(' ')
		} else if n = safe(raw[i:]); n > 0 {
			b.WriteString(raw[i : i+n])
		} else {
			b.WriteByte('_')
			n = 1
		}
		i += n
	}
	return b.String()
}

// usableSerial says whether a serial number of a USB device is printable ASCII
// without a comma; others are not taken seriously.
func usableSerial(raw string) bool {
	for i := range len(raw) {
		if raw[i] < ' ' || raw[i] > 0x7f || raw[i] == ',' {
			return false
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trim(s string) string { return strings.Trim(s, " \t\n\v\f\r") }

// tag makes a path fit for the name of a tag: letters, digits and - stay, every
// run of anything else becomes one _.
func tag(path string) string {
	b := make([]byte, 0, len(path))
	for i := range len(path) {
		c := path[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	return strings.TrimRight(string(b), "_")
}
