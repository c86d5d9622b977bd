package devd

import (
	"fmt"
	"regexp"
	"strings"
)

// match holds one variable against a regular expression.
type match struct {
	name   string
	re     *regexp.Regexp
	negate bool
}

const maxRegexp = 4096

// newMatch makes a match of a value in which $name stands for what an options
// statement has set. A "!" in front negates it.
func newMatch(name, value string, sets map[string]string) (match, error) {
	text, unset := expandSets(value, sets)
	if unset != "" {
		return match{}, fmt.Errorf("$%s is not set: write `options { set %s \"...\"; };` before it", unset, unset)
	}
	m := match{name: name}
	text, m.negate = strings.CutPrefix(text, "!")
	if len(text) > maxRegexp {
		return match{}, fmt.Errorf("the regular expression has %d bytes: use at most %d", len(text), maxRegexp)
	}
	re, err := regexp.CompilePOSIX(text)
	if err != nil {
		return match{}, fmt.Errorf("no POSIX extended regular expression: %w", err)
	}
	m.re = re
	return m, nil
}

// holds wants the whole value to match. The leftmost and longest match is all
// of it if any is; anchors would also stop at a newline that a device put in.
func (m match) holds(e Event) bool {
	value := e.Get(m.name)
	at := m.re.FindStringIndex(value)
	return (at != nil && at[0] == 0 && at[1] == len(value)) != m.negate
}

// expandSets puts in what is set; unset is the first name that is not. A "$"
// without a name is the end of the text.
func expandSets(text string, sets map[string]string) (out, unset string) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), ""
		}
		n := nameLen(after)
		value, known := sets[after[:n]]
		switch {
		case n == 0:
			b.WriteByte('$')
		case known:
			b.WriteString(value)
		default:
			return "", after[:n]
		}
		text = after[n:]
	}
}

// nameLen returns how much of the beginning of s is the name of a variable.
func nameLen(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || s[i] != '_' && s[i] != '-' && (s[i] < '0' || s[i] > '9')) {
			return i
		}
	}
	return len(s)
}
