package qemu

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func decode(chunks ...string) []string {
	var d lineDecoder
	var out []string
	for _, c := range chunks {
		d.feed([]byte(c), func(s string) { out = append(out, s) })
	}
	return out
}

func TestLineDecoder(t *testing.T) {
	cases := []struct {
		name string
		in   []string
		want []string
	}{
		{"CR LF", []string{"one\r\ntwo\n\rthree\n"}, []string{"one", "two", "three"}},
		{"split anywhere", []string{"o", "ne\r", "\nt", "wo\n"}, []string{"one", "two"}},
		{"colours", []string{"\x1b[1;31mred\x1b[0m\n"}, []string{"red"}},
		{"escape split", []string{"a\x1b", "[3", "1mb\n"}, []string{"ab"}},
		{"charset", []string{"\x1b(Bx\n"}, []string{"x"}},
		{"title", []string{"\x1b]0;evil\x07x\x1b]2;y\x1b\\z\n"}, []string{"xz"}},
		{"unterminated title ends at the line", []string{"\x1b]0;evil\nnext\n"}, []string{"next"}},
		{"control characters", []string{"a\x00\x08\x0eb\x7f\tc\n"}, []string{"ab c"}},
		{"C1 and bad UTF-8", []string{"a\u009bb\xff\n"}, []string{"a?b?"}},
		{"no end yet", []string{"prompt# "}, nil},
		{"long", []string{strings.Repeat("x", maxLine+5) + "\n"}, []string{strings.Repeat("x", maxLine), "xxxxx"}},
	}
	for _, c := range cases {
		if got := decode(c.in...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzLineDecoder(f *testing.F) {
	for _, seed := range []string{"one\r\ntwo\n", "\x1b[31mx\x1b]0;t\x07y\n", "\x1b\x1b\x1b[\n", "\xff\xfe\u009b\n", strings.Repeat("a", maxLine*2)} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		whole := decode(string(p))
		cut = min(max(cut, 0), len(p))
		if split := decode(string(p[:cut]), string(p[cut:])); !slices.Equal(whole, split) {
			t.Fatalf("whole %q, split %q", whole, split)
		}
		for _, line := range whole {
			if len(line) > 3*maxLine || strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("line %q", line)
			}
		}
	})
}
