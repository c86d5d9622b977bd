// Package devd reads devd.conf statements and says which programs an event
// asks for.
//
// The language is FreeBSD's: of the statements for one sort of event, the one
// of the highest priority whose matches all hold is chosen, and only that one.
// Parse reads text and Load a file with the directories that it names; both
// report every problem with its place and keep the rest. Decide is pure: it
// returns commands and runs none.
//
// One thing differs on purpose. An action is no shell line: it is split into
// words when the file is read, and what a device says is put into the words
// afterwards, so that no device can end a word or begin another. What only a
// shell can do is refused where it stands.
package devd

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// File is a piece of configuration and the name that problems are told under.
type File struct{ Name, Text string }

// Problem is something in a file that has no effect, and where it stands.
type Problem struct {
	File      string
	Line, Col int
	Text      string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Text)
}

// Set holds the statements of all files, ready to be asked.
type Set struct{ statements [kinds][]*statement }

// statement is one attach, detach, nomatch or notify.
type statement struct {
	place    string // file:line
	priority int
	matches  []match
	actions  []action
}

// Kind is the sort of an event.
type Kind int

// The sorts of events: a driver took a device or lost it, nobody wants it, and
// everything else.
const (
	Attach Kind = iota
	Detach
	NoMatch
	Notify
	kinds
)

func (k Kind) String() string {
	return [...]string{"attach", "detach", "nomatch", "notify", "?"}[min(k, kinds)]
}

// Event is something that statements are asked about. Vars hold its variables
// in the order in which they make up the message $*.
type Event struct {
	Kind Kind
	Vars []Var
}

// Var is a variable of an event. Its value may be anything that a device says.
type Var struct{ Name, Value string }

// Get returns the value of a variable; one that is not set is empty.
func (e Event) Get(name string) string {
	for _, v := range e.Vars {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// message is what $* stands for.
func (e Event) message() string {
	var b strings.Builder
	for i, v := range e.Vars {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.Name + "=" + v.Value)
	}
	return b.String()
}

// Decision is what one event asks for: commands to be run one after the other.
type Decision struct {
	Place string // file:line of the statement
	Argvs [][]string
	Env   []string // DEVD_NAME=value of every variable
}

// Decide returns what the statement chosen for an event wants; ok is false if
// there is none.
func (s *Set) Decide(e Event) (d Decision, ok bool) {
	if e.Kind < 0 || e.Kind >= kinds {
		return d, false
	}
	for _, st := range s.statements[e.Kind] {
		if !st.holds(e) {
			continue
		}
		d = Decision{Place: st.place, Env: environ(e)}
		for _, a := range st.actions {
			d.Argvs = append(d.Argvs, a.argv(e))
		}
		return d, true
	}
	return d, false
}

// Len returns the number of statements.
func (s *Set) Len() (n int) {
	for _, list := range s.statements {
		n += len(list)
	}
	return n
}

func (st *statement) holds(e Event) bool {
	for _, m := range st.matches {
		if !m.holds(e) {
			return false
		}
	}
	return true
}

func environ(e Event) (env []string) {
	for _, v := range e.Vars {
		name := strings.ToUpper(strings.ReplaceAll(v.Name, "-", "_"))
		env = append(env, "DEVD_"+name+"="+encode(v.Value))
	}
	return env
}

// maxValue bounds what one variable puts into a word.
const maxValue = 4096

// encode writes control characters and bytes that are not UTF-8 as \xNN, and
// so the backslash too.
func encode(s string) string {
	s = s[:min(len(s), maxValue)]
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r < ' ' || r == '\\' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError && n <= 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
			n = 1
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
