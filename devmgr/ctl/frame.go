// Package ctl speaks the control protocol of the daemons.
//
// A request is one line of quoted words, at most 4096 bytes. The reply is any
// number of lines "= key=value ..." and then "ok" or "err CODE text", where
// CODE is the exit code that a command line tool should have. Verbs that
// stream send "=" lines until one side closes. The protocol is text so that a
// person with a socket tool can use it, and bounded everywhere: the length of
// a line, the number of clients, and the time that either side may take.
package ctl

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"slashdev/init/line"
)

// The codes of an Error: the exit codes of every slashdev command.
const (
	Failed      = 1
	Usage       = 2
	NotFound    = 3
	Refused     = 4
	Timeout     = 5
	Unreachable = 7
)

// Error is an answer that is not "ok".
type Error struct {
	Code int
	Text string
}

func (e *Error) Error() string { return e.Text }

// Errorf returns an Error.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// Record is one "=" line of a reply: words key=value in order.
type Record []string

// Get returns the value of key, or "".
func (r Record) Get(key string) string {
	for v := range r.Values(key) {
		return v
	}
	return ""
}

// Values yields every value of a key that may come more than once.
func (r Record) Values(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, word := range r {
			k, v, ok := line.CutPair(word)
			if ok && k == key && !yield(v) {
				return
			}
		}
	}
}

// maxReply bounds one line of a reply: properties of a device fit.
const maxReply = 64 << 10

// parseReply reads one line of a reply. done means that it was the last.
func parseReply(text string) (r Record, done bool, err error) {
	words, err := line.Split(text)
	if err != nil {
		return nil, false, fmt.Errorf("malformed reply: %w", err)
	}
	if len(words) == 0 {
		return nil, false, fmt.Errorf("malformed reply: empty line")
	}
	switch words[0] {
	case "=":
		return words[1:], false, nil
	case "ok":
		return nil, true, nil
	case "err":
		return nil, true, parseError(words[1:])
	}
	return nil, false, fmt.Errorf("malformed reply: %q", clip(words[0]))
}

func parseError(words []string) *Error {
	e := &Error{Code: Failed, Text: "unknown error"}
	if len(words) == 0 {
		return e
	}
	if code, err := strconv.Atoi(words[0]); err == nil && code > 0 && code < 128 {
		e.Code, words = code, words[1:]
	}
	if len(words) > 0 {
		e.Text = strings.Join(words, " ")
	}
	return e
}

func appendError(dst []byte, e *Error) []byte {
	dst = append(dst, "err "...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	return append(line.Append(append(dst, ' '), e.Text), '\n')
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
