// Package cmdline reads the kernel's command line.
//
// The kernel takes the words it knows and hands the others to PID 1 as
// arguments and environment, where they could steer the Go runtime (trap G11).
// We therefore read /proc/cmdline itself and nothing else. Rules:
// Documentation/admin-guide/kernel-parameters.rst: words are separated by
// blanks, double quotes protect blanks, dashes and underscores are equal in
// names, and "--" ends what the kernel looks at but not what we look at.
package cmdline

import "strings"

// Words are the words of a command line, in order.
type Words []string

// Parse splits a command line. It never fails: the kernel has booted with it.
// A quote that is not closed runs to the end, as in the kernel.
func Parse(s string) Words {
	var words Words
	for {
		s = strings.TrimLeft(s, " \t\n\x00")
		if s == "" {
			return words
		}
		n := wordLen(s)
		words = append(words, unquote(s[:n]))
		s = s[n:]
	}
}

func wordLen(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == 0):
			return i
		}
	}
	return len(s)
}

// unquote drops the quotes as the kernel does: around the word, or around the
// value behind the first "=".
func unquote(w string) string {
	if strings.HasPrefix(w, `"`) {
		return strings.TrimSuffix(w[1:], `"`)
	}
	key, value, ok := strings.Cut(w, "=")
	if !ok || !strings.HasPrefix(value, `"`) {
		return w
	}
	return key + "=" + strings.TrimSuffix(value[1:], `"`)
}

// Get returns the value of the last "key=value". A bare "key" counts as the
// empty value.
func (w Words) Get(key string) (value string, ok bool) {
	for i := len(w) - 1; i >= 0; i-- {
		k, v, _ := strings.Cut(w[i], "=")
		if sameKey(k, key) {
			return v, true
		}
	}
	return "", false
}

func sameKey(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}
