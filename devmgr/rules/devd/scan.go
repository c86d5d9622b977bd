package devd

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	end   tokenKind = iota
	name            // letters, digits, - and _
	str             // between ""
	punct           // { } ; and whatever else has no place
)

type token struct {
	kind      tokenKind
	text      string
	line, col int
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end of the file"
	case str:
		return fmt.Sprintf("the string %.40q", t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

// inside is the place of the byte at i of a string.
func (t token) inside(i int) token {
	before := t.text[:min(i, len(t.text))]
	t.col += 1 + utf8.RuneCountInString(before)
	if n := strings.Count(before, "\n"); n > 0 {
		t.line += n
		t.col = 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	}
	return t
}

// scanner cuts a file into tokens.
type scanner struct {
	name      string
	rest      string
	line, col int
	last      token
}

func newScanner(f File) scanner { return scanner{name: f.Name, rest: f.Text, line: 1, col: 1} }

func (s *scanner) advance(n int) string {
	text := s.rest[:n]
	s.rest = s.rest[n:]
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		s.line += strings.Count(text, "\n")
		s.col = 1 + utf8.RuneCountInString(text[i+1:])
	} else {
		s.col += utf8.RuneCountInString(text)
	}
	return text
}

// skip passes blanks and comments. A comment that does not end goes to the end
// of the file, which then lacks something.
func (s *scanner) skip() {
	for s.rest != "" {
		switch {
		case strings.IndexByte(" \t\r\n\f\v", s.rest[0]) >= 0:
			s.advance(1)
		case s.rest[0] == '#' || strings.HasPrefix(s.rest, "//"):
			n := strings.IndexByte(s.rest+"\n", '\n')
			s.advance(n)
		case strings.HasPrefix(s.rest, "/*"):
			n := strings.Index(s.rest[2:], "*/")
			if n < 0 {
				n = len(s.rest) - 4
			}
			s.advance(n + 4)
		default:
			return
		}
	}
}

func (s *scanner) next() token {
	s.skip()
	t := token{line: s.line, col: s.col}
	switch {
	case s.rest == "":
	case s.rest[0] == '"':
		t.kind, t.text = punct, "\""
		if n := strings.IndexByte(s.rest[1:], '"'); n >= 0 {
			t.kind, t.text = str, s.rest[1:n+1]
			s.advance(n + 2)
		} else {
			s.advance(len(s.rest)) // it never ends
		}
	case wordLen(s.rest) > 0:
		t.kind = name
		t.text = s.advance(wordLen(s.rest))
	default:
		_, n := utf8.DecodeRuneInString(s.rest)
		t.kind = punct
		t.text = s.advance(n)
	}
	s.last = t
	return t
}

func (s *scanner) peekIs(text string) bool {
	s.skip()
	return strings.HasPrefix(s.rest, text)
}

func wordLen(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return i
		}
	}
	return len(s)
}
