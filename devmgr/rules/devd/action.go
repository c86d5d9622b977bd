package devd

import (
	"fmt"
	"strings"
)

// action is a command, split into words before any device has a say.
type action []word

// word is made of text and variables in turn.
type word []part

type part struct {
	text string
	name string // of a variable, or "*" for the whole message
}

// argv puts the variables of an event into the words. A word stays one word,
// and an empty variable leaves an empty one.
func (a action) argv(e Event) []string {
	var argv []string
	for _, w := range a {
		var b strings.Builder
		for _, p := range w {
			b.WriteString(p.value(e, b.Len() == 0))
		}
		argv = append(argv, b.String())
	}
	return argv
}

// value hides a dash at the beginning of a word: no device gives options.
func (p part) value(e Event, first bool) string {
	value := p.text
	switch p.name {
	case "":
		return value
	case "*":
		value = encode(e.message())
	default:
		value = encode(e.Get(p.name))
	}
	if first && strings.HasPrefix(value, "-") {
		return `\x2d` + value[1:]
	}
	return value
}

// actionError says where in an action something stands that only a shell can
// do, and what to do instead.
type actionError struct {
	at         int
	what, mend string
}

func (e *actionError) Error() string { return e.what + ": " + e.mend }

const script = "write a script and name it here; it finds the variables in its environment as DEVD_NAME"

// parseAction splits the text of an action as a shell would, but nothing in it
// has a meaning other than quotes, backslashes, blanks and variables.
func parseAction(text string) (action, error) {
	s := &splitter{text: text}
	for s.at < len(s.text) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	if s.quote >= 0 && s.quoted {
		return nil, &actionError{s.quote, "a ' without its end", "write the other '"}
	}
	s.endWord()
	return s.words, s.check()
}

type splitter struct {
	text   string
	at     int
	words  action
	word   word
	starts []int // where each word begins
	inWord bool
	quoted bool
	quote  int
}

func (s *splitter) step() error {
	c := s.text[s.at]
	switch {
	case c == '\'':
		s.begin()
		s.quoted, s.quote = !s.quoted, s.at
	case c == '$':
		s.begin()
		return s.dollar()
	case s.quoted:
		s.add(c)
	case c == '\\' && strings.HasPrefix(s.text[s.at+1:], "\n"):
		s.at++
	case c == '\\' && s.at+1 < len(s.text):
		s.at++
		s.begin()
		s.add(s.text[s.at])
	case c == '\n' && len(s.words)+len(s.word) > 0 && strings.TrimSpace(s.text[s.at:]) != "":
		return &actionError{s.at, "a second command on a line of its own", "give it an action of its own"}
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		s.endWord()
	default:
		return s.plain(c)
	}
	s.at++
	return nil
}

// plain takes a character that a shell may give a meaning.
func (s *splitter) plain(c byte) error {
	refuse := func(what, mend string) error { return &actionError{s.at, what, mend} }
	switch {
	case c == ';' || c == '&':
		return refuse(fmt.Sprintf("%q joins commands, which takes a shell", c), "give each command an action of its own")
	case strings.IndexByte("|<>()`", c) >= 0:
		return refuse(fmt.Sprintf("%q takes a shell, and none is run", c), script)
	case strings.IndexByte("*?[", c) >= 0:
		return refuse(fmt.Sprintf("%q would be a shell's pattern for file names", c), "put it between '' or name the files")
	case (c == '~' || c == '#') && !s.inWord:
		return refuse(fmt.Sprintf("%q at the beginning of a word takes a shell", c), "put it between '' or write it out")
	}
	s.begin()
	s.add(c)
	s.at++
	return nil
}

// dollar takes a variable. devd fills them in between ” too.
func (s *splitter) dollar() error {
	rest := s.text[s.at+1:]
	n := nameLen(rest)
	switch {
	case n > 0:
		s.word = append(s.word, part{name: rest[:n]})
	case rest == "":
		s.add('$')
	case rest[0] == '*' || rest[0] == '_':
		s.word, n = append(s.word, part{name: "*"}), 1
	case rest[0] == '$':
		s.add('$')
		n = 1
	case !s.quoted && strings.IndexByte("({?#@!-0123456789'", rest[0]) >= 0:
		return &actionError{s.at, fmt.Sprintf("\"$%c\" takes a shell, and none is run", rest[0]), script}
	default:
		s.add('$')
	}
	s.at += 1 + n
	return nil
}

func (s *splitter) begin() {
	if !s.inWord {
		s.inWord = true
		s.starts = append(s.starts, s.at)
	}
}

func (s *splitter) add(c byte) {
	if n := len(s.word); n > 0 && s.word[n-1].name == "" {
		s.word[n-1].text += string([]byte{c})
		return
	}
	s.word = append(s.word, part{text: string([]byte{c})})
}

func (s *splitter) endWord() {
	if s.inWord {
		s.words = append(s.words, s.word)
	}
	s.word, s.inWord = nil, false
}

// shellWords begin what only a shell understands.
const shellWords = " ! . [ break case cd command continue do done elif else esac eval exec exit export fi for function if in read return select set shift source test then time trap ulimit umask unset until wait while { } "

func (s *splitter) check() error {
	if len(s.words) == 0 {
		return &actionError{0, "an empty action", "name a program"}
	}
	program := s.words[0]
	for _, p := range program {
		if p.name != "" {
			return &actionError{s.starts[0], "a device would choose the program", "name the program and give $" + p.name + " to it"}
		}
	}
	if len(program) == 0 {
		return &actionError{s.starts[0], "the program has an empty name", "name a program"}
	}
	name := program[0].text
	before, _, assigns := strings.Cut(name, "=")
	switch {
	case strings.Contains(shellWords, " "+name+" "):
		return &actionError{s.starts[0], fmt.Sprintf("%q is a word of the shell, and none is run", name), script}
	case assigns && nameLen(before) == len(before):
		return &actionError{s.starts[0], name + " sets a variable of a shell, and none is run", "call `env " + name + " ...` or set it in a script"}
	}
	return nil
}
