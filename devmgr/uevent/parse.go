package uevent

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxSize is the longest datagram that Parse accepts. The kernel's own limit
// is far lower; more than this is an attack or a bug.
const MaxSize = 64 << 10

const (
	maxPath   = 4096
	maxAction = 32
	libudev   = "libudev\x00" // udev's own format, sent by daemons, not by the kernel
)

// ErrMalformed is wrapped by every error of Parse.
var ErrMalformed = errors.New("malformed uevent")

// Parse reads one datagram. It keeps unknown keys, and cuts each pair at its
// first "=". It refuses a datagram with any fault as a whole: half a message
// is no better than a lost one, which a scan repairs.
func Parse(b []byte) (Event, error) {
	if len(b) > MaxSize {
		return Event{}, malformed("%d bytes", len(b))
	}
	s := string(b)
	if strings.HasPrefix(s, libudev) {
		return Event{}, malformed("libudev header")
	}
	if s == "" || s[len(s)-1] != 0 {
		return Event{}, malformed("no NUL at the end")
	}
	header, rest, _ := strings.Cut(s, "\x00")
	action, devpath, ok := strings.Cut(header, "@")
	if !ok || !validAction(action) {
		return Event{}, malformed("header %q", clip(header))
	}
	if err := CheckDevPath(devpath); err != nil {
		return Event{}, err
	}
	e := Event{Action: Action(action), DevPath: devpath}
	return e, e.parseEnv(Env(rest))
}

// parseEnv takes the pairs that every event has out of env and keeps the rest.
func (e *Event) parseEnv(env Env) error {
	for word := range env.words() {
		if !validPair(word) {
			return malformed("pair %q", clip(word))
		}
	}
	if a := env.Get("ACTION"); a != "" && a != string(e.Action) {
		return malformed("ACTION=%q differs from the header", clip(a))
	}
	if p := env.Get("DEVPATH"); p != "" && p != e.DevPath {
		return malformed("DEVPATH=%q differs from the header", clip(p))
	}
	e.Subsystem = env.Get("SUBSYSTEM")
	if n := env.Get("SEQNUM"); n != "" {
		var err error
		if e.SeqNum, err = strconv.ParseUint(n, 10, 64); err != nil {
			return malformed("SEQNUM=%q", clip(n))
		}
	}
	e.Env = env.Without("ACTION", "DEVPATH", "SUBSYSTEM", "SEQNUM")
	return nil
}

// CheckDevPath reports why p cannot be the path of a device below /sys.
func CheckDevPath(p string) error {
	if p == "" || p[0] != '/' {
		return malformed("devpath %q does not start with /", clip(p))
	}
	return CheckName(p[1:])
}

// CheckName reports why name cannot be a path below /dev or /sys: it is empty,
// absolute or too long, or a component is empty, "." or "..", or it holds
// control characters or bytes that are not UTF-8.
func CheckName(name string) error {
	if name == "" || len(name) > maxPath {
		return malformed("path of %d bytes", len(name))
	}
	for i := 0; i < len(name); i++ {
		if name[i] < ' ' || name[i] == 0x7f {
			return malformed("control character in path %q", clip(name))
		}
	}
	if !utf8.ValidString(name) {
		return malformed("path %q is not UTF-8", clip(name))
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 && r < 0xa0 }) { // terminals obey these too
		return malformed("control character in path %q", clip(name))
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			return malformed("component %q in path %q", clip(part), clip(name))
		}
	}
	return nil
}

func validAction(s string) bool {
	if s == "" || len(s) > maxAction {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// validPair wants a key of printable ASCII. The value is the driver's: a
// keyboard whose name is Latin-1 must still work.
func validPair(word string) bool {
	for i := 0; i < len(word); i++ {
		if word[i] == '=' {
			return i > 0
		}
		if word[i] <= ' ' || word[i] >= 0x7f {
			return false
		}
	}
	return false
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// clip keeps hostile strings short in messages.
func clip(s string) string {
	const limit = 64
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}
