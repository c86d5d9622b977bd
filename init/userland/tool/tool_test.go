package tool

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func TestD04_CleanShowsControlCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":       "plain text",
		"tab\tstays":       "tab\tstays",
		"\x1b[2J\x07":      `\x1b[2J\x07`,
		"a\rb\nc\x00":      `a\x0db\x0ac\x00`,
		"C1 \u009b31m":     `C1 \x9b31m`,
		"bad \xff utf8":    `bad \xff utf8`,
		"\u202eevil":       `\u202eevil`,
		"Gerät größer 日本":  "Gerät größer 日本",
		"del\x7f":          `del\x7f`,
		"zero\u200bwidth":  `zero\u200bwidth`,
		"":                 "",
		"\U000e0041 tag":   `\U000e0041 tag`,
		"raw C1 byte \x9b": `raw C1 byte \x9b`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a\x1b[0m", "\xc2\x9b", "\u202e", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		for _, r := range got {
			if r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("Clean(%q) = %q holds %U", s, got, r)
			}
		}
		if Clean(got) != got {
			t.Fatalf("not idempotent: %q", s)
		}
	})
}

func TestParse(t *testing.T) {
	const spec = "l a n= json level= h|human"
	for _, c := range []struct {
		args string
		opts Options
		rest []string
		err  string
	}{
		{"-la x", Options{"l": "", "a": ""}, []string{"x"}, ""},
		{"x -l", Options{"l": ""}, []string{"x"}, ""},
		{"-n5 -n 6", Options{"n": "6"}, nil, ""},
		{"-ln7", Options{"l": "", "n": "7"}, nil, ""},
		{"--json --level=3 - -- -l", Options{"json": "", "level": "3"}, []string{"-", "-l"}, ""},
		{"--human", Options{"h": ""}, nil, ""},
		{"-x", nil, nil, "unknown option -x"},
		{"--l", nil, nil, "unknown option --l"},
		{"--json=1", nil, nil, "option --json takes no value"},
		{"--level", nil, nil, "option --level needs a value"},
		{"-n", nil, nil, "option -n needs a value"},
	} {
		opts, rest, err := Parse(spec, strings.Fields(c.args))
		if c.err != "" {
			if err == nil || err.Error() != c.err || Code(err) != Usage {
				t.Errorf("%s: error %v, want %s", c.args, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(opts, c.opts) || !reflect.DeepEqual(rest, c.rest) {
			t.Errorf("%s: %v %q %v", c.args, opts, rest, err)
		}
	}
}

func TestCode(t *testing.T) {
	for want, err := range map[int]error{
		OK: nil, NotFound: fmt.Errorf("x: %w", fs.ErrNotExist), Refused: fs.ErrPermission,
		Failed: fmt.Errorf("x"), Usage: fmt.Errorf("x: %w", Usagef("y")),
	} {
		if got := Code(err); got != want {
			t.Errorf("Code(%v) = %d, want %d", err, got, want)
		}
	}
}

func TestTableAligns(t *testing.T) {
	tab := Table{Right: []bool{false, true}}
	tab.Row("NAME", "SIZE", "WHAT")
	tab.Row("a\x1b", "10", "")
	tab.Row("größe", "1234", "x")
	var b strings.Builder
	if _, err := tab.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := "NAME   SIZE  WHAT\n" + `a\x1b    10` + "\n" + "größe  1234  x\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestColumns(t *testing.T) {
	got := Columns([]string{"aa", "b", "c", "d", "e"}, 12)
	if want := "aa  c   e\nb   d\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Columns(nil, 80); got != "" {
		t.Errorf("no names give %q", got)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 1023: "1023", 1024: "1.0K", 1536: "1.5K", 10 << 10: "10K", 1023 << 10: "1023K", 1<<20 - 1: "1.0M", 1 << 30: "1.0G", 1<<64 - 1: "16E"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %s, want %s", n, got, want)
		}
	}
}
