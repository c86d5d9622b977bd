// Package syslog reads what syslog(3) sends to /dev/log (RFC 3164) and writes
// what log servers take (RFC 5424).
package syslog

import (
	"strconv"
	"strings"
)

// Message is one message to /dev/log. Everything in it is the sender's claim.
type Message struct {
	Level int    // 0 to 7
	Tag   string // of the program; may be empty
	Text  string
}

// notice is the level of a message that does not say (RFC 3164, 4.3.3).
const notice = 5

// Parse reads a message. There is no message that it does not take: what is not
// as the RFC has it is text.
func Parse(s string) Message {
	m := Message{Level: notice}
	s = strings.TrimRight(s, "\x00\r\n")
	if prio, rest, ok := priority(s); ok {
		m.Level, s = prio&7, rest
	}
	s = afterTime(s)
	m.Tag, m.Text = tag(s)
	return m
}

// priority reads "<N>", where N is 8 * facility + level.
func priority(s string) (n int, rest string, ok bool) {
	number, rest, ok := strings.Cut(s, ">")
	if !ok || len(number) < 2 || len(number) > 4 || number[0] != '<' {
		return 0, s, false
	}
	n, err := strconv.Atoi(number[1:])
	return n, rest, err == nil && n >= 0 && n < 192
}

// afterTime leaves out "Jan  2 15:04:05 " or "2006-01-02T15:04:05...Z ": the
// logger's own clock is the one that counts.
func afterTime(s string) string {
	const stamp = "Jan  2 15:04:05 "
	if len(s) >= len(stamp) && shape(s[:len(stamp)]) == "Aaa dd dd:dd:dd " {
		return s[len(stamp):]
	}
	const iso = "2006-01-02T15:04:05"
	if len(s) > len(iso) && shape(s[:len(iso)]) == "dddd-dd-ddAdd:dd:dd" {
		_, rest, _ := strings.Cut(s, " ")
		return rest
	}
	return s
}

// shape writes d for a digit, or a blank in the place of one, A and a for letters.
func shape(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9', c == ' ' && i == 4:
			b[i] = 'd'
		case c >= 'A' && c <= 'Z':
			b[i] = 'A'
		case c >= 'a' && c <= 'z':
			b[i] = 'a'
		}
	}
	return string(b)
}

// tag takes "name[123]: " or "name: " off a text. The number is not taken over:
// the kernel knows who sent it.
func tag(s string) (name, text string) {
	n := strings.IndexFunc(s, func(r rune) bool { return !isTag(r) })
	if n <= 0 || n > 64 {
		return "", s
	}
	name, text = s[:n], s[n:]
	if strings.HasPrefix(text, "[") {
		_, text, _ = strings.Cut(text, "]")
	}
	if text, ok := strings.CutPrefix(text, ":"); ok {
		return name, strings.TrimPrefix(text, " ")
	}
	return "", s
}

func isTag(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/", r)
}
