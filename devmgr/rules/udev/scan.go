package udev

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// token is KEY{attr}OP"value".
type token struct {
	at      Position
	key     string
	attr    string
	hasAttr bool
	op      string // == != = += -= :=
	value   string
	valueAt Position
	fold    bool // i"..."
}

// logical is a line with its continuations joined. Columns are counted in
// bytes of the line that a text stands on.
type logical struct {
	text  string
	parts []part
}

// part says where the text from offset on stands in the file.
type part struct{ offset, line, col int }

const maxLine = 64 << 10

// logicalLines yields the rules of a text. Lines that begin with "#" are left
// out, also between the parts of a rule.
func logicalLines(text string, yield func(logical)) {
	var l logical
	var joint []byte
	joined := false
	number := 0
	for row := range strings.Lines(text) {
		number++
		row = strings.TrimRight(row, "\r\n")
		body := strings.TrimLeft(row, " \t")
		if strings.HasPrefix(body, "#") {
			continue
		}
		more := strings.HasSuffix(body, `\`)
		l.parts = append(l.parts, part{len(joint), number, len(row) - len(body) + 1})
		joint = append(joint, strings.TrimSuffix(body, `\`)...)
		if joined = more && len(joint) < maxLine; joined {
			continue
		}
		if l.text = string(joint); strings.Trim(l.text, " \t,") != "" {
			yield(l)
		}
		l, joint = logical{}, joint[:0]
	}
	if l.text = string(joint); joined {
		yield(l)
	}
}

// at returns the line and column of an offset.
func (l *logical) at(file string, offset int) Position {
	i, _ := slices.BinarySearchFunc(l.parts, offset+1, func(p part, at int) int { return p.offset - at })
	p := l.parts[i-1]
	return Position{file, p.line, p.col + offset - p.offset}
}

// scanner takes a logical line apart.
type scanner struct {
	file string
	line *logical
	pos  int
}

func (s *scanner) rest() string { return s.line.text[s.pos:] }

func (s *scanner) here() Position { return s.line.at(s.file, s.pos) }

func (s *scanner) skip(set string) {
	s.pos = len(s.line.text) - len(strings.TrimLeft(s.rest(), set))
}

func (s *scanner) problem(text, hint string) *Problem {
	return &Problem{s.here(), text, hint}
}

// next returns the next token, or false at the end of the line.
func (s *scanner) next() (t token, ok bool, bad *Problem) {
	s.skip(" \t,")
	if s.rest() == "" {
		return t, false, nil
	}
	t.at = s.here()
	if t.key = keyWord(s.rest()); t.key == "" {
		return t, false, s.problem("no key here", `a rule is KEY=="value", KEY="value" and so on, separated by commas`)
	}
	s.pos += len(t.key)
	if bad := s.attr(&t); bad != nil {
		return t, false, bad
	}
	s.skip(" \t")
	if t.op = operator(s.rest()); t.op == "" {
		return t, false, s.problem("no operator after "+t.key, "use one of == != = += -= :=")
	}
	s.pos += len(t.op)
	s.skip(" \t")
	return t, true, s.value(&t)
}

func keyWord(s string) string {
	n := 0
	for n < len(s) && (s[n] >= 'A' && s[n] <= 'Z' || s[n] >= 'a' && s[n] <= 'z' || s[n] == '_') {
		n++
	}
	return s[:n]
}

func operator(s string) string {
	for _, op := range []string{"==", "!=", "+=", "-=", ":=", "="} {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

func (s *scanner) attr(t *token) *Problem {
	if !strings.HasPrefix(s.rest(), "{") {
		return nil
	}
	end := strings.IndexByte(s.rest(), '}')
	if end < 0 {
		return s.problem("{ without }", "write "+t.key+"{name}")
	}
	t.attr, t.hasAttr = s.rest()[1:end], true
	s.pos += end + 1
	return nil
}

// value reads "...", e"..." or i"...".
func (s *scanner) value(t *token) *Problem {
	escaped := false
	for {
		switch rest := s.rest(); {
		case strings.HasPrefix(rest, "e") && !escaped:
			escaped = true
		case strings.HasPrefix(rest, "i") && !t.fold:
			t.fold = true
		case strings.HasPrefix(rest, `"`):
			return s.quoted(t, escaped)
		default:
			return s.problem("the value of "+t.key+" is not in quotes", `write "value"`)
		}
		s.pos++
	}
}

func (s *scanner) quoted(t *token, escaped bool) *Problem {
	text := s.rest()
	end := closing(text, escaped)
	if end < 0 {
		return s.problem("the quotes are not closed", `put a " at the end of the value`)
	}
	t.valueAt = s.line.at(s.file, s.pos+1)
	body := text[1:end]
	switch {
	case strings.IndexByte(body, 0) >= 0:
		return s.problem("a NUL in the value", "remove it")
	case !utf8.ValidString(body):
		return s.problem("the value is not UTF-8", "save the file as UTF-8")
	}
	s.pos += end + 1
	if !escaped {
		t.value = strings.ReplaceAll(body, `\"`, `"`)
		return nil
	}
	value, ok := unescape(body)
	if t.value = value; !ok {
		return &Problem{t.valueAt, "a wrong escape in the value", `e"..." takes what C takes: \n \t \\ \x41 \101 \u00e4`}
	}
	return nil
}

// closing returns where the quotes end that s begins with. In e"..." a
// backslash takes whatever comes next with it, else only a quotation mark.
func closing(s string, escaped bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (escaped || s[i+1] == '"'):
			i++
		case s[i] == '"':
			return i
		}
	}
	return -1
}
