package edit

import (
	"slices"
	"unicode/utf8"
)

// draw makes the terminal's row show the prompt and the line.
func (e *Editor) draw() {
	row, cursor := e.row()
	same := 0
	for same < len(row) && same < len(e.shown) && row[same] == e.shown[same] {
		same++
	}
	if same < len(row) || same < len(e.shown) {
		e.move(same)
		e.print(row[same:])
		stale := len(e.shown) - len(row)
		for range max(0, stale) {
			e.out = append(e.out, ' ')
			e.cursor++
		}
	}
	e.shown = row
	e.move(cursor)
}

// row is the window of prompt and line that fits the terminal, and the
// cursor's place in it. The last column stays empty: writing there wraps on
// some terminals and not on others.
func (e *Editor) row() (row []rune, cursor int) {
	all := []rune(e.cfg.Prompt)
	cursor = len(all)
	if !e.cfg.Hidden {
		all = append(all, e.line...)
		cursor += e.pos
	}
	width := e.cfg.Columns - 1
	if len(all) < width {
		e.offset = 0
	} else if cursor < e.offset+1 || cursor >= e.offset+width-1 {
		e.offset = max(0, cursor-width/2)
	}
	row = slices.Clone(all[e.offset:min(len(all), e.offset+width)])
	if e.offset > 0 {
		row[0] = '<'
	}
	if e.offset+width < len(all) {
		row[len(row)-1] = '>'
	}
	return row, cursor - e.offset
}

// move brings the cursor to column to: left by backspace, right by printing
// what is there already.
func (e *Editor) move(to int) {
	for e.cursor > to {
		e.out = append(e.out, '\b')
		e.cursor--
	}
	if e.cursor < to {
		e.print(e.shown[e.cursor:to])
	}
}

func (e *Editor) print(text []rune) {
	for _, r := range text {
		e.out = utf8.AppendRune(e.out, r)
	}
	e.cursor += len(text)
}

func (e *Editor) clear() {
	if e.cfg.Clear == "" {
		e.out = append(e.out, '\r', '\n')
	}
	e.out = append(e.out, e.cfg.Clear...)
	e.shown, e.cursor = nil, 0
}
