package syslog

import (
	"strconv"
	"time"
)

// Line is one line of the log for a server.
type Line struct {
	Time     time.Time // zero: the machine does not know
	Seq      uint64    // lets the server find gaps and doubles
	Facility int       // 0 kernel, 1 user, 3 daemon
	Level    int
	Host     string
	App      string
	Text     string
}

// Append adds the line to dst as RFC 5424 has it.
func (l *Line) Append(dst []byte) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(l.Facility*8+l.Level), 10)
	dst = append(dst, ">1 "...)
	if l.Time.IsZero() {
		dst = append(dst, '-')
	} else {
		dst = l.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	}
	dst = append(word(append(dst, ' '), l.Host, 255), ' ')
	dst = append(word(dst, l.App, 48), " - - [meta sequenceId=\""...)
	dst = strconv.AppendUint(dst, (l.Seq-1)%(1<<31-1)+1, 10) // from 1 to 2^31-1, again and again
	return append(append(dst, "\"] "...), l.Text...)
}

// word is s as a word of printable ASCII, "-" for none.
func word(dst []byte, s string, limit int) []byte {
	start := len(dst)
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && len(dst)-start < limit {
			dst = append(dst, c)
		}
	}
	if len(dst) == start {
		dst = append(dst, '-')
	}
	return dst
}

// Frame puts the length in front of each message in buf, as streams have it
// (RFC 6587, octet counting).
func Frame(dst, message []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(message)), 10)
	return append(append(dst, ' '), message...)
}
