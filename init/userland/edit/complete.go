package edit

import (
	"fmt"
	"strings"

	"slashdev/init/userland/tool"
)

// maxListed bounds a list of candidates: a /dev of 20,000 names would take
// half a minute to print at 115200 baud.
const maxListed = 120

// complete inserts what all candidates have in common, and lists them when
// that is nothing new.
func (e *Editor) complete() {
	if e.cfg.Complete == nil || e.cfg.Hidden {
		e.beep()
		return
	}
	before := string(e.line[:e.pos])
	start, found := e.cfg.Complete(before)
	if len(found) == 0 || start < 0 || start > len(before) {
		e.beep()
		return
	}
	common := commonPrefix(found)
	if typed := before[start:]; len(found) == 1 || common != typed && strings.HasPrefix(common, typed) {
		from := len([]rune(before[:start]))
		e.line = append(e.line[:from], e.line[e.pos:]...)
		e.pos = from
		e.insert([]rune(common)...)
		return
	}
	e.list(found)
}

func (e *Editor) list(names []string) {
	more := len(names) - maxListed
	names = names[:min(len(names), maxListed)]
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = tool.Clean(lastPart(n))
	}
	e.draw()
	text := "\n" + tool.Columns(shown, e.cfg.Columns-1)
	if more > 0 {
		text += fmt.Sprintf("... and %d more\n", more)
	}
	e.out = append(e.out, strings.ReplaceAll(text, "\n", "\r\n")...)
	e.shown, e.cursor = nil, 0
}

// lastPart is a path's last element, with the slash that marks a directory.
func lastPart(p string) string {
	body := strings.TrimRight(p, "/ ")
	return strings.TrimRight(p[strings.LastIndexByte(body, '/')+1:], " ")
}

func commonPrefix(s []string) string {
	p := s[0]
	for _, t := range s[1:] {
		for !strings.HasPrefix(t, p) {
			p = p[:len(p)-1]
		}
	}
	return strings.ToValidUTF8(p, "")
}
