package qemu

import (
	"strings"
	"unicode/utf8"
)

// maxLine bounds a line of the console; what is longer is cut into lines.
const maxLine = 4096

// lineDecoder turns the bytes of a serial console into lines: CR and LF end
// one, terminal escapes and control characters vanish. Its zero value is
// ready, and it keeps at most maxLine bytes.
type lineDecoder struct {
	line  []byte
	state escapeState
}

type escapeState uint8

const (
	plain   escapeState = iota
	escape1             // after ESC
	csi                 // after ESC [
	osc                 // after ESC ] P X ^ or _: until BEL or ESC \
	osc1                // ESC inside osc
)

// feed decodes p and calls line for each complete line.
func (d *lineDecoder) feed(p []byte, line func(string)) {
	for _, c := range p {
		if d.state != plain {
			d.state = d.state.next(c)
			continue
		}
		d.plainByte(c, line)
	}
}

func (d *lineDecoder) plainByte(c byte, line func(string)) {
	switch {
	case c == 0x1b:
		d.state = escape1
	case c == '\n' || c == '\r':
		d.end(line)
	case c == '\t':
		d.line = append(d.line, ' ')
	case c < ' ' || c == 0x7f:
	default:
		d.line = append(d.line, c)
	}
	if len(d.line) >= maxLine {
		d.end(line)
	}
}

func (d *lineDecoder) end(line func(string)) {
	if len(d.line) > 0 {
		line(printable(string(d.line)))
	}
	d.line = d.line[:0]
}

func (s escapeState) next(c byte) escapeState {
	switch s {
	case escape1:
		switch c {
		case '[':
			return csi
		case ']', 'P', 'X', '^', '_':
			return osc
		case 0x1b:
			return escape1
		}
		if c >= 0x20 && c <= 0x2f { // intermediate byte: ESC ( B
			return escape1
		}
		return plain
	case csi:
		if c >= 0x40 && c <= 0x7e || c == '\n' || c == '\r' {
			return plain
		}
		return csi
	case osc:
		switch c {
		case 0x07, '\n', '\r': // a string that a line end cuts was none
			return plain
		case 0x1b:
			return osc1
		}
		return osc
	case osc1:
		if c == '\\' {
			return plain
		}
		return escape1.next(c)
	}
	return plain
}

// printable replaces what a terminal could act on: C1 controls and bytes that
// are not UTF-8.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || r >= 0x80 && r < 0xa0 {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// Sanitize returns the text of console bytes, safe to print on a terminal.
func Sanitize(p []byte) string {
	var d lineDecoder
	var out []string
	keep := func(s string) { out = append(out, s) }
	d.feed(p, keep)
	d.end(keep)
	return strings.Join(out, "\n")
}
