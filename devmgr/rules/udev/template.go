package udev

import (
	"strconv"
	"strings"
)

// template is a value with its substitutions found.
type template struct {
	pieces []piece
	text   string // as it was written
}

// piece is text, or something to put in.
type piece struct {
	what subst
	text string // or the name in braces
	attr int    // number of the attribute, for $attr
	part int    // $result{part}
	more bool   // $result{part+}
}

type subst byte

const (
	substText subst = iota
	substKernel
	substNumber
	substDevpath
	substID
	substDriver
	substAttr
	substEnv
	substMajor
	substMinor
	substResult
	substParent
	substName
	substLinks
	substRoot
	substSys
	substDevnode
)

// words are what may stand behind "$" and "%". Of two words that both fit the
// one that stands first counts.
var words = []struct {
	long  string
	short byte
	what  subst
}{
	{"kernel", 'k', substKernel},
	{"number", 'n', substNumber},
	{"devpath", 'p', substDevpath},
	{"devnode", 'N', substDevnode},
	{"tempnode", 'N', substDevnode}, // the old name
	{"driver", 'd', substDriver},
	{"id", 'b', substID},
	{"attr", 's', substAttr},
	{"sysfs", 's', substAttr}, // the old name
	{"env", 'E', substEnv},
	{"major", 'M', substMajor},
	{"minor", 'm', substMinor},
	{"result", 'c', substResult},
	{"parent", 'P', substParent},
	{"name", 'D', substName},
	{"links", 'L', substLinks},
	{"root", 'r', substRoot},
	{"sys", 'S', substSys},
}

// isPlain says that there is nothing to put in.
func (t *template) isPlain() bool {
	return len(t.pieces) == 0 || len(t.pieces) == 1 && t.pieces[0].what == substText
}

// onlySubst says that the whole value is one substitution.
func (t *template) onlySubst() bool { return len(t.pieces) == 1 && t.pieces[0].what != substText }

// parseTemplate finds the substitutions in text. bad is what was not
// understood, which stays as it is.
func (c *compiler) parseTemplate(text string) (t template, bad string) {
	t.text = text
	var lit strings.Builder
	for i := 0; i < len(text); {
		p, n, known := substitution(text[i:])
		switch {
		case n == 0:
			lit.WriteByte(text[i])
			i++
			continue
		case !known:
			if bad == "" {
				bad = text[i : i+n]
			}
			lit.WriteString(text[i : i+n])
		case p.what == substText:
			lit.WriteString(p.text)
		default:
			t.pieces = appendText(t.pieces, &lit)
			if p.what == substAttr {
				p.attr = c.attrNumber(p.text)
			}
			t.pieces = append(t.pieces, p)
		}
		i += n
	}
	t.pieces = appendText(t.pieces, &lit)
	return t, bad
}

func appendText(pieces []piece, lit *strings.Builder) []piece {
	if lit.Len() == 0 {
		return pieces
	}
	text := lit.String()
	lit.Reset()
	return append(pieces, piece{text: text})
}

// substitution reads what s begins with. n is 0 if that is plain text; known
// is false for something that looks like a substitution and is none.
func substitution(s string) (p piece, n int, known bool) {
	if s[0] != '$' && s[0] != '%' {
		return p, 0, false
	}
	if len(s) > 1 && s[1] == s[0] {
		return piece{text: s[:1]}, 2, true
	}
	for _, w := range words {
		switch {
		case s[0] == '$' && strings.HasPrefix(s[1:], w.long):
			n = 1 + len(w.long)
		case s[0] == '%' && len(s) > 1 && s[1] == w.short:
			n = 2
		default:
			continue
		}
		p.what = w.what
		return p.braces(s, n)
	}
	return p, unknownLength(s), false
}

// unknownLength returns the length of what is to be blamed, "$foo" or "%z".
func unknownLength(s string) int {
	n := 1
	for s[0] == '$' && n < len(s) && s[n] >= 'a' && s[n] <= 'z' {
		n++
	}
	if s[0] == '%' && n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return n
}

// braces reads {name} behind a substitution that has n bytes.
func (p piece) braces(s string, n int) (piece, int, bool) {
	wants := p.what == substAttr || p.what == substEnv
	if n >= len(s) || s[n] != '{' || !wants && p.what != substResult {
		return p, n, !wants
	}
	end := strings.IndexByte(s[n:], '}')
	if end < 2 {
		return p, n, false
	}
	p.text = s[n+1 : n+end]
	n += end + 1
	if p.what != substResult {
		return p, n, true
	}
	number, more := strings.CutSuffix(p.text, "+")
	part, err := strconv.Atoi(number)
	p.part, p.more = part, more
	return p, n, err == nil && part > 0
}

// splitCommand takes a command apart: words are separated by blanks, and
// single or double quotes keep blanks in a word.
func splitCommand(s string) (argv []string, ok bool) {
	var word strings.Builder
	in, quote := false, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, in = c, true
		case quote == 0 && isSpace(c):
			if in {
				argv = append(argv, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteByte(c)
			in = true
		}
	}
	if in {
		argv = append(argv, word.String())
	}
	return argv, quote == 0
}
