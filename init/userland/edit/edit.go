// Package edit is a line editor for a serial console: bytes typed go in,
// bytes for the terminal come out, and it opens nothing itself.
//
// It draws with printable characters, backspace, carriage return and newline
// only, so that it works on every terminal, dumb ones too. (Ctrl-L clears the
// screen, and needs to be told the escape sequence.) A line wider than the
// terminal scrolls sideways, half a screen at a time; a redraw prints only
// what differs: 115200 baud are 11 characters a millisecond.
package edit

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Event is what a typed byte led to.
type Event int

// Events. Line and Interrupt leave the cursor on a fresh line.
const (
	None      Event = iota
	Line            // Enter: Text is the line
	Interrupt       // Ctrl-C: the line was given up
	EOF             // Ctrl-D on an empty line
)

// maxLine bounds a line: more characters are not taken.
const maxLine = 64 << 10

// Completer returns what may replace the text from start to the cursor.
type Completer func(beforeCursor string) (start int, candidates []string)

// Config is how an Editor looks and what it knows.
type Config struct {
	Prompt   string
	Columns  int    // of the terminal; 0: 80
	Clear    string // what clears the screen; empty: Ctrl-L only redraws
	Complete Completer
	History  *History
	Hidden   bool // nothing typed is shown: a password
}

// Editor edits one line. One goroutine owns it.
type Editor struct {
	cfg     Config
	line    []rune
	pos     int
	offset  int    // of the window into prompt and line
	shown   []rune // the row as the terminal shows it
	cursor  int    // where its cursor is
	out     []byte
	escape  []byte // an unfinished escape sequence
	partial []byte // an unfinished UTF-8 sequence
	recall  int    // how far back in history; 0: the new line
	draft   []rune // the new line, while history is looked at
	afterCR bool
	ended   bool // the line was entered or given up: Start comes next
	killed  []rune
}

// New returns an editor with an empty line.
func New(cfg Config) *Editor {
	if cfg.Columns <= 8 {
		cfg.Columns = 80
	}
	if cfg.History == nil {
		cfg.History = &History{}
	}
	return &Editor{cfg: cfg}
}

// Start begins a new line behind prompt.
func (e *Editor) Start(prompt string) {
	e.cfg.Prompt = prompt
	e.line, e.pos, e.offset, e.recall = nil, 0, 0, 0
	e.shown, e.cursor, e.escape, e.partial = nil, 0, nil, nil
	e.ended = false
}

// Text returns the line.
func (e *Editor) Text() string { return string(e.line) }

// Output brings the terminal up to date and returns the bytes for it.
func (e *Editor) Output() []byte {
	if !e.ended {
		e.draw()
	}
	out := e.out
	e.out = nil
	return out
}

// Feed takes one typed byte. After any event but None the caller writes what
// Output has returned, uses the line and calls Start.
func (e *Editor) Feed(b byte) Event {
	again := b == '\n' && e.afterCR
	e.afterCR = b == '\r'
	switch {
	case again:
		return None
	case len(e.escape) > 0 || b == esc:
		e.feedEscape(b)
	case b >= utf8.RuneSelf:
		e.feedUTF8(b)
	case b < ' ' || b == del:
		e.partial = nil
		return e.control(b)
	default:
		e.partial = nil
		e.insert(rune(b))
	}
	return None
}

const (
	esc = 0x1b
	del = 0x7f
)

func (e *Editor) feedUTF8(b byte) {
	e.partial = append(e.partial, b)
	if !utf8.FullRune(e.partial) {
		return
	}
	r, _ := utf8.DecodeRune(e.partial)
	e.partial = nil
	if r != utf8.RuneError && unicode.IsPrint(r) {
		e.insert(r)
	}
}

func (e *Editor) insert(r ...rune) {
	if len(e.line)+len(r) > maxLine {
		e.beep()
		return
	}
	e.line = slices.Insert(e.line, e.pos, r...)
	e.pos += len(r)
}

func (e *Editor) beep() { e.out = append(e.out, '\a') }

// remove deletes the characters from i to j and remembers them for Ctrl-Y.
func (e *Editor) remove(i, j int) {
	e.killed = slices.Clone(e.line[i:j])
	e.line = slices.Delete(e.line, i, j)
	e.pos = i
}

func (e *Editor) set(line []rune) { e.line, e.pos = slices.Clone(line), len(line) }

// leave ends the row: the cursor goes to the start of the next one.
func (e *Editor) leave(ev Event) Event {
	e.pos = len(e.line)
	e.draw()
	e.out = append(e.out, '\r', '\n')
	e.ended = true
	return ev
}
