package edit

import "unicode"

func ctrl(c byte) byte { return c & 0x1f }

// control does what a control character asks for.
func (e *Editor) control(b byte) Event {
	switch b {
	case '\r', '\n':
		return e.leave(Line)
	case ctrl('C'):
		e.out = append(e.out, "^C"...)
		ev := e.leave(Interrupt)
		e.line, e.pos = nil, 0
		return ev
	case ctrl('D'):
		if len(e.line) == 0 {
			return e.leave(EOF)
		}
		e.deleteRight()
	case ctrl('L'):
		e.clear()
	case '\t':
		e.complete()
	default:
		e.motion(b)
	}
	return None
}

func (e *Editor) motion(b byte) {
	switch b {
	case ctrl('A'):
		e.pos = 0
	case ctrl('E'):
		e.pos = len(e.line)
	case ctrl('B'):
		e.pos = max(0, e.pos-1)
	case ctrl('F'):
		e.pos = min(len(e.line), e.pos+1)
	case ctrl('P'):
		e.older()
	case ctrl('N'):
		e.newer()
	case ctrl('H'), del:
		e.deleteLeft()
	case ctrl('K'):
		e.remove(e.pos, len(e.line))
	case ctrl('U'):
		e.remove(0, e.pos)
	case ctrl('W'):
		e.remove(e.wordLeft(isBlank), e.pos)
	case ctrl('Y'):
		e.insert(e.killed...)
	}
}

func (e *Editor) deleteLeft() {
	if e.pos > 0 {
		e.line = append(e.line[:e.pos-1], e.line[e.pos:]...)
		e.pos--
	}
}

func (e *Editor) deleteRight() {
	if e.pos < len(e.line) {
		e.line = append(e.line[:e.pos], e.line[e.pos+1:]...)
	}
}

func isBlank(r rune) bool { return r == ' ' }

func isBreak(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func (e *Editor) wordLeft(stop func(rune) bool) int {
	i := e.pos
	for i > 0 && stop(e.line[i-1]) {
		i--
	}
	for i > 0 && !stop(e.line[i-1]) {
		i--
	}
	return i
}

func (e *Editor) wordRight() int {
	i := e.pos
	for i < len(e.line) && isBreak(e.line[i]) {
		i++
	}
	for i < len(e.line) && !isBreak(e.line[i]) {
		i++
	}
	return i
}

// maxEscape ends a sequence that no key sends.
const maxEscape = 8

// feedEscape collects an escape sequence: ESC [ parameters letter, ESC O
// letter, or ESC character (Alt).
func (e *Editor) feedEscape(b byte) {
	if b == esc {
		e.escape = []byte{esc}
		return
	}
	e.escape = append(e.escape, b)
	n := len(e.escape)
	if n == 2 && (b == '[' || b == 'O') {
		return
	}
	if n > 2 && e.escape[1] == '[' && b < '@' && n < maxEscape {
		return
	}
	seq := string(e.escape[1:])
	e.escape = nil
	e.key(seq)
}

func (e *Editor) key(seq string) {
	switch seq {
	case "[A", "OA":
		e.older()
	case "[B", "OB":
		e.newer()
	case "[C", "OC":
		e.motion(ctrl('F'))
	case "[D", "OD":
		e.motion(ctrl('B'))
	case "[H", "OH", "[1~", "[7~":
		e.pos = 0
	case "[F", "OF", "[4~", "[8~":
		e.pos = len(e.line)
	case "[3~":
		e.deleteRight()
	case "b", "[1;5D", "[1;3D":
		e.pos = e.wordLeft(isBreak)
	case "f", "[1;5C", "[1;3C":
		e.pos = e.wordRight()
	case "d":
		e.remove(e.pos, e.wordRight())
	case "\x7f", "\b":
		e.remove(e.wordLeft(isBreak), e.pos)
	}
}

func (e *Editor) older() { e.look(e.recall + 1) }
func (e *Editor) newer() { e.look(e.recall - 1) }

func (e *Editor) look(back int) {
	if e.cfg.Hidden || back < 0 || back > e.cfg.History.Len() {
		e.beep()
		return
	}
	if e.recall == 0 {
		e.draft = e.line
	}
	e.recall = back
	if back == 0 {
		e.set(e.draft)
		return
	}
	e.set([]rune(e.cfg.History.Back(back)))
}
