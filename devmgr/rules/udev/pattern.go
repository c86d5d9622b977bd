package udev

import "strings"

// pattern is what a test compares with: alternatives separated by "|".
type pattern struct {
	alts  []string
	kinds []kind
	fold  bool // i"..."
	space bool // ends in a blank: those of the value count
	text  string
}

type kind byte

const (
	literal  kind = iota
	prefix        // "abc*"
	suffix        // "*abc"
	anything      // "*"
	glob
)

func newPattern(text string, fold bool) pattern {
	p := pattern{fold: fold, text: text, space: text != "" && isSpace(text[len(text)-1])}
	if fold {
		text = lower(text)
	}
	for _, alt := range strings.Split(text, "|") {
		k, s := classify(alt)
		p.alts, p.kinds = append(p.alts, s), append(p.kinds, k)
	}
	return p
}

// classify finds the cheap cases. A backslash means something only beside a
// star, question mark or bracket.
func classify(alt string) (kind, string) {
	switch {
	case !strings.ContainsAny(alt, `*?[`):
		return literal, alt
	case alt == "*":
		return anything, ""
	case !strings.ContainsAny(alt[:len(alt)-1], `*?[\`) && alt[len(alt)-1] == '*':
		return prefix, alt[:len(alt)-1]
	case alt[0] == '*' && !strings.ContainsAny(alt[1:], `*?[\`):
		return suffix, alt[1:]
	}
	return glob, alt
}

func (p *pattern) match(s string) bool {
	if p.fold {
		s = lower(s)
	}
	for i, alt := range p.alts {
		if p.kinds[i].match(alt, s) {
			return true
		}
	}
	return false
}

func (k kind) match(alt, s string) bool {
	switch k {
	case literal:
		return s == alt
	case prefix:
		return strings.HasPrefix(s, alt)
	case suffix:
		return strings.HasSuffix(s, alt)
	case anything:
		return true
	}
	return matchGlob(alt, s)
}

// lower changes ASCII letters only, as the C locale does.
func lower(s string) string {
	i := strings.IndexFunc(s, isUpper)
	if i < 0 {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}

func isUpper(c rune) bool { return c >= 'A' && c <= 'Z' }

func lowerByte(c byte) byte {
	if isUpper(rune(c)) {
		c += 'a' - 'A'
	}
	return c
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// matchGlob is fnmatch(3) without flags: by bytes, and a star takes slashes
// too. It goes back to the last star only, so a hostile value costs no more
// than the product of the lengths.
func matchGlob(pat, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for {
		if p < len(pat) && pat[p] == '*' {
			p++
			star, mark = p, i
			continue
		}
		if i == len(s) {
			return p == len(pat)
		}
		if n, ok := matchOne(pat[p:], s[i]); ok {
			p, i = p+n, i+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star, mark
	}
}

// matchOne matches the first element of pat, which is not a star, and returns
// its length.
func matchOne(pat string, c byte) (n int, ok bool) {
	if pat == "" {
		return 0, false
	}
	switch pat[0] {
	case '?':
		return 1, true
	case '[':
		if n, ok := matchSet(pat, c); n > 0 {
			return n, ok
		}
	case '\\':
		if len(pat) > 1 {
			return 2, pat[1] == c
		}
	}
	return 1, pat[0] == c
}

// matchSet matches "[...]"; n is 0 if the bracket is not closed.
func matchSet(pat string, c byte) (n int, ok bool) {
	i := 1
	not := i < len(pat) && (pat[i] == '!' || pat[i] == '^')
	if not {
		i++
	}
	for first := true; i < len(pat); first = false {
		if pat[i] == ']' && !first {
			return i + 1, ok != not
		}
		if class, length := className(pat[i:]); length > 0 {
			ok = ok || inClass(class, c)
			i += length
			continue
		}
		var low, high byte
		low, i = setByte(pat, i)
		high = low
		if i+1 < len(pat) && pat[i] == '-' && pat[i+1] != ']' {
			high, i = setByte(pat, i+1)
		}
		ok = ok || low <= c && c <= high
	}
	return 0, false
}

func setByte(pat string, i int) (byte, int) {
	if pat[i] == '\\' && i+1 < len(pat) {
		i++
	}
	return pat[i], i + 1
}

// className returns digit for "[:digit:]...".
func className(s string) (name string, length int) {
	if !strings.HasPrefix(s, "[:") {
		return "", 0
	}
	end := strings.Index(s, ":]")
	if end < 2 {
		return "", 0
	}
	return s[2:end], end + 2
}

func inClass(class string, c byte) bool {
	up, low, digit := c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9'
	switch class {
	case "digit":
		return digit
	case "alpha":
		return up || low
	case "alnum":
		return up || low || digit
	case "upper":
		return up
	case "lower":
		return low
	case "space":
		return isSpace(c)
	case "blank":
		return c == ' ' || c == '\t'
	case "punct":
		return c > ' ' && c < 0x7f && !(up || low || digit)
	case "xdigit":
		return digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case "print":
		return c >= ' ' && c < 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	case "cntrl":
		return c < ' ' || c == 0x7f
	}
	return false
}
