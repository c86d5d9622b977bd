package edit

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// screen is a terminal that knows printable characters, BS, CR, LF and BEL:
// what a dumb one does.
type screen struct {
	t    *testing.T
	rows [][]rune
	col  int
	cols int
}

func newScreen(t *testing.T, cols int) *screen {
	return &screen{t: t, rows: [][]rune{nil}, cols: cols}
}

func (s *screen) write(p []byte) {
	for _, r := range string(p) {
		row := &s.rows[len(s.rows)-1]
		switch {
		case r == '\b':
			if s.col--; s.col < 0 {
				s.t.Fatal("backspace at column 0")
			}
		case r == '\r':
			s.col = 0
		case r == '\n':
			s.rows = append(s.rows, nil)
		case r == '\a':
		case r < ' ':
			s.t.Fatalf("control character %q reached the terminal", r)
		default:
			for len(*row) <= s.col {
				*row = append(*row, ' ')
			}
			(*row)[s.col] = r
			if s.col++; s.col >= s.cols {
				s.t.Fatal("wrote into the last column")
			}
		}
	}
}

func (s *screen) text() string {
	var b strings.Builder
	for i, r := range s.rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(string(r), " "))
	}
	return b.String()
}

// typeKeys feeds keys, drawing after each byte as on a slow line.
func typeKeys(e *Editor, s *screen, keys string) (lines []string) {
	e.Start("# ")
	s.write(e.Output())
	for i := range len(keys) {
		ev := e.Feed(keys[i])
		s.write(e.Output())
		switch ev {
		case Line:
			lines = append(lines, e.Text())
			e.cfg.History.Add(e.Text())
		case Interrupt:
			lines = append(lines, "^C")
		case EOF:
			lines = append(lines, "^D")
		}
		if ev != None {
			e.Start("# ")
			s.write(e.Output())
		}
	}
	return lines
}

func TestKeys(t *testing.T) {
	const up, down, left, right, home, end, del = "\x1b[A", "\x1b[B", "\x1b[D", "\x1bOC", "\x1b[1~", "\x1b[F", "\x1b[3~"
	for _, c := range []struct{ name, keys, want string }{
		{"plain", "ls\r", "ls"},
		{"CR LF is one Enter", "a\r\nb\n", "a|b"},
		{"backspace", "lx\x7fs\x08s\r", "ls"},
		{"backspace at start", "\x7fa\r", "a"},
		{"insert in the middle", "ac" + left + "b\r", "abc"},
		{"right at the end", "a" + right + right + "b\r", "ab"},
		{"home end delete", "xab" + home + del + end + "c\r", "abc"},
		{"ctrl-a ctrl-e ctrl-k", "abc\x01x\x05y\x02\x0b\r", "xabc"},
		{"ctrl-u ctrl-y", "abc\x15x\x19\r", "xabc"},
		{"ctrl-w", "rm /a/b\x17x\r", "rm x"},
		{"alt-b alt-f", "one two\x1bbX\x1bfY\r", "one XtwoY"},
		{"ctrl-c clears", "abc\x03d\r", "^C|d"},
		{"ctrl-d deletes", "ab\x01\x04\r", "b"},
		{"ctrl-d at empty prompt", "\x04", "^D"},
		{"history up", "one\rtwo\r" + up + up + "\r", "one|two|one"},
		{"history and draft", "one\rdr" + up + down + "aft\r", "one|draft"},
		{"history top", "one\r" + up + up + up + "\r", "one|one"},
		{"utf8", "gr\u00f6\u00dfe\x7f\x7fs\r", "gr\u00f6s"},
		{"bad utf8 is left out", "a\xffb\xc3(\r", "ab("},
		{"C1 and unknown keys are left out", "a\u009b\x1b[99~\x1b[15;2P\x1bzb\r", "ab"},
		{"escape restarts", "\x1b[\x1b[Dx\r", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(typeKeys(New(Config{}), newScreen(t, 80), c.keys), "|")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestScreenShowsLineAndCursor(t *testing.T) {
	s := newScreen(t, 80)
	typeKeys(New(Config{}), s, "helo\x02l\x05 you\x17")
	if got := s.text(); got != "# hello" {
		t.Errorf("screen %q", got)
	}
	if s.col != len("# hello ") {
		t.Errorf("cursor in column %d", s.col)
	}
}

func TestLongLineScrollsWithinTheRow(t *testing.T) {
	s := newScreen(t, 20)
	e := New(Config{Columns: 20})
	typeKeys(e, s, strings.Repeat("abcdefghij", 4))
	if got := s.text(); strings.Contains(got, "\n") || !strings.HasPrefix(got, "<") || !strings.HasSuffix(got, "hij") {
		t.Errorf("at the end: %q", got)
	}
	e.Feed(ctrl('A'))
	s.write(e.Output())
	if got := s.text(); got != "# abcdefghijabcdef>" {
		t.Errorf("at the start: %q", got)
	}
}

// A host types a frame command of thousands of characters: the echo must stay
// in proportion, or 115200 baud cannot keep up.
func TestLongLineIsCheapToEcho(t *testing.T) {
	e := New(Config{})
	e.Start("slashdev:/# ")
	n := 0
	for range 4000 {
		e.Feed('x')
		n += len(e.Output())
	}
	if n > 4*4000 {
		t.Errorf("%d bytes to echo 4000", n)
	}
	e.Start("slashdev:/# ")
	e.Output()
	for range 4000 {
		e.Feed('x')
	}
	if n := len(e.Output()); n > 200 {
		t.Errorf("%d bytes to echo one batch", n)
	}
}

func TestHiddenShowsNothing(t *testing.T) {
	s := newScreen(t, 80)
	e := New(Config{Hidden: true, History: &History{lines: []string{"old"}}})
	if got := typeKeys(e, s, "secret\x7f\t\x1b[A\r"); len(got) != 1 || got[0] != "secre" {
		t.Errorf("line %q", got)
	}
	if got := s.text(); got != "#\n#" {
		t.Errorf("screen %q", got)
	}
}

func TestComplete(t *testing.T) {
	words := []string{"dmesg ", "dev ", "df "}
	complete := func(before string) (int, []string) {
		start := strings.LastIndexByte(before, ' ') + 1
		var found []string
		for _, w := range words {
			if strings.HasPrefix(w, before[start:]) {
				found = append(found, w)
			}
		}
		return start, found
	}
	for _, c := range []struct{ keys, line, screen string }{
		{"dm\t", "dmesg ", "# dmesg"},
		{"d\t", "d", "# d\ndmesg  dev    df\n# d"},
		{"x\t", "x", "# x"},
		{"a de\t", "a dev ", "# a dev"},
		{"de z\x1b[D\x1b[D\t", "dev  z", "# dev  z"},
	} {
		s := newScreen(t, 80)
		e := New(Config{Complete: complete})
		typeKeys(e, s, c.keys)
		screen := s.text()
		if e.Text() != c.line || screen != c.screen {
			t.Errorf("%q: line %q screen %q", c.keys, e.Text(), screen)
		}
	}
}

func TestManyCandidatesAreCut(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("/dev/d%03d", i), "/dev/e\x1b")
	}
	s := newScreen(t, 80)
	typeKeys(New(Config{Complete: func(string) (int, []string) { return 0, names }}), s, "/dev/\t")
	if got := s.text(); !strings.Contains(got, "... and 880 more") || len(s.rows) > 30 {
		t.Errorf("%d rows: %s", len(s.rows), got)
	}
}

func TestHistory(t *testing.T) {
	var h History
	for i := range 300 {
		h.Add(fmt.Sprint(i))
	}
	for _, no := range []string{"299", "", " hidden", "   "} {
		if h.Add(no) {
			t.Errorf("%q was added", no)
		}
	}
	if h.Len() != maxHistory || h.Back(1) != "299" || h.Back(maxHistory) != "100" {
		t.Errorf("%d lines, newest %q", h.Len(), h.Back(1))
	}
	var g History
	g.Load(h.Text())
	if g.Text() != h.Text() {
		t.Error("Load(Text) differs")
	}
}

func FuzzFeed(f *testing.F) {
	for _, s := range []string{"ls\r", "\x1b[A\x1b[", "\t\t", strings.Repeat("x", 200) + "\x01\x06\x06", "\xc3\x03\xff\r\n"} {
		f.Add([]byte(s), byte(20))
	}
	f.Fuzz(func(t *testing.T, keys []byte, cols byte) {
		e := New(Config{Columns: int(cols), Complete: func(b string) (int, []string) { return len(b) / 2, []string{b, "ab", "a\x1b"} }})
		s := newScreen(t, e.cfg.Columns)
		if len(e.cfg.Prompt) > 4 {
			return
		}
		typeKeys(e, s, string(keys))
		if e.pos < 0 || e.pos > len(e.line) || !utf8.ValidString(e.Text()) {
			t.Fatalf("pos %d of %q", e.pos, e.Text())
		}
	})
}

func TestLineIsBounded(t *testing.T) {
	e := New(Config{})
	e.Start("# ")
	for range maxLine {
		e.Feed('a')
	}
	e.Output()
	e.Feed('b')
	if got := e.Text(); len(got) != maxLine || strings.Contains(got, "b") || !strings.Contains(string(e.Output()), "\a") {
		t.Errorf("%d characters were taken, of at most %d", len(got), maxLine)
	}
}
