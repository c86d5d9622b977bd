package devd

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Parse reads files in their order. What is set in one holds in those after
// it. A statement with a problem has no effect; all others do.
func Parse(files []File) (*Set, []Problem) {
	p := newParser()
	for _, f := range files {
		p.file(f)
	}
	return p.finish()
}

// parser is the state over all files.
type parser struct {
	scanner
	set         Set
	sets        map[string]string
	directories []directory
	problems    []Problem
	failed      bool // the statement that is being read has a problem
}

type directory struct {
	path  string
	place token
	file  string
}

func newParser() *parser { return &parser{sets: map[string]string{}} }

func (p *parser) finish() (*Set, []Problem) {
	for _, list := range p.set.statements {
		slices.SortStableFunc(list, func(a, b *statement) int { return cmp.Compare(b.priority, a.priority) })
	}
	return &p.set, p.problems
}

// maxProblems is per file: one that is not a devd.conf at all says little.
const maxProblems = 100

func (p *parser) problem(at token, text string) {
	p.failed = true
	if n := len(p.problems); n < maxProblems || p.problems[n-maxProblems].File != p.name {
		p.problems = append(p.problems, Problem{p.name, at.line, at.col, text})
	}
}

const maxFile = 1 << 20

func (p *parser) file(f File) {
	p.scanner = newScanner(f)
	switch {
	case len(f.Text) > maxFile:
		p.problem(token{line: 1, col: 1}, "the file has more than 1 MiB: it is not read")
		return
	case strings.IndexByte(f.Text, 0) >= 0:
		p.problem(token{line: 1 + strings.Count(f.Text[:strings.IndexByte(f.Text, 0)], "\n"), col: 1},
			"the file has NUL bytes, as after a power cut: it is not read; restore it")
		return
	}
	for t := p.next(); t.kind != end; t = p.next() {
		p.failed = false
		if !p.statement(t) {
			p.recover()
		}
	}
}

// statement reads one. It returns false where the text makes no sense any more.
func (p *parser) statement(t token) bool {
	kind := slices.IndexFunc([]Kind{Attach, Detach, NoMatch, Notify}, func(k Kind) bool { return k.String() == t.text })
	switch {
	case t.kind == name && t.text == "options":
		return p.body(p.option)
	case t.kind == punct && t.text == ";":
		p.problem(t, "a ; without a statement: remove it")
		return true
	case t.kind != name || kind < 0:
		p.problem(t, "expected options, attach, detach, nomatch or notify, found "+t.String())
		return false
	}
	st := &statement{place: p.name + ":" + strconv.Itoa(t.line)}
	prio := p.next()
	n, err := strconv.Atoi(prio.text)
	if prio.kind != name || err != nil || n < 0 {
		p.problem(prio, "expected a priority such as 100 behind "+t.text+", found "+prio.String())
		return false
	}
	st.priority = n
	if !p.body(func(key token) bool { return p.sub(st, key) }) {
		return false
	}
	if len(st.actions) == 0 && !p.failed {
		p.problem(t, t.text+" without an action has no effect but to hide those of lower priority: add one, `action \"true\";` does nothing")
	}
	if !p.failed {
		p.set.statements[kind] = append(p.set.statements[kind], st)
	}
	return true
}

// body reads "{ ... };" and hands each first word in it to sub.
func (p *parser) body(sub func(token) bool) bool {
	if !p.want("{") {
		return false
	}
	for {
		switch t := p.next(); {
		case t.kind == punct && t.text == "}":
			return p.want(";")
		case t.kind != name:
			p.problem(t, "expected a word or }, found "+t.String())
			return false
		case !sub(t) || !p.want(";"):
			return false
		}
	}
}

func (p *parser) want(text string) bool {
	t := p.next()
	if t.kind == punct && t.text == text {
		return true
	}
	p.problem(t, "expected "+text+", found "+t.String())
	return false
}

func (p *parser) str() (token, bool) {
	t := p.next()
	if t.kind != str {
		p.problem(t, "expected a string between \"\", found "+t.String())
	}
	return t, t.kind == str
}

// recover skips to the end of a statement that cannot be read.
func (p *parser) recover() {
	for t := p.last; t.kind != end; t = p.next() {
		if t.kind == punct && t.text == "}" {
			if p.peekIs(";") {
				p.next()
			}
			return
		}
	}
}

func (p *parser) option(key token) bool {
	switch key.text {
	case "directory":
		t, ok := p.str()
		if ok {
			p.directories = append(p.directories, directory{t.text, t, p.name})
		}
		return ok
	case "pid-file":
		_, ok := p.str()
		return ok // of no use here: the supervisor knows the process
	case "set":
		n := p.next()
		t, ok := p.str()
		if ok && (n.kind != name || nameLen(n.text) != len(n.text)) {
			p.problem(n, "expected a name of letters, digits, - and _, found "+n.String())
		} else if ok {
			p.setName(n.text, t)
		}
		return ok
	}
	p.problem(key, "unknown option "+key.text+": there are directory, pid-file and set")
	return false
}

func (p *parser) setName(n string, t token) {
	text, unset := expandSets(t.text, p.sets)
	if unset != "" {
		p.problem(t, "$"+unset+" is not set before here")
		return
	}
	if len(text) > maxRegexp {
		p.problem(t, "the value of "+n+" is longer than "+strconv.Itoa(maxRegexp)+" bytes")
		return
	}
	p.sets[n] = text
}

// sub reads what follows key in a statement.
func (p *parser) sub(st *statement, key token) bool {
	t, ok := p.str()
	if !ok {
		return false
	}
	variable := key.text
	switch key.text {
	case "action":
		p.action(st, t)
		return true
	case "match":
		variable = t.text
		if t, ok = p.str(); !ok {
			return false
		}
	case "device-name", "class", "subdevice", "media-type":
	default:
		p.problem(key, "unknown word "+key.text+": there are action, match, device-name, class, subdevice and media-type")
		return true
	}
	m, err := newMatch(variable, t.text, p.sets)
	if err != nil {
		p.problem(t, err.Error())
		return true
	}
	st.matches = append(st.matches, m)
	return true
}

func (p *parser) action(st *statement, t token) {
	a, err := parseAction(t.text)
	if e, ok := errors.AsType[*actionError](err); ok {
		p.problem(t.inside(e.at), e.Error())
		return
	}
	st.actions = append(st.actions, a)
}
