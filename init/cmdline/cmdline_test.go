package cmdline

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want Words
	}{
		{"", nil},
		{"quiet\n", Words{"quiet"}},
		{"console=ttyS0,115200  quiet\troot=/dev/sda2", Words{"console=ttyS0,115200", "quiet", "root=/dev/sda2"}},
		{`dyndbg="file a.c +p" "init.shell=off"`, Words{"dyndbg=file a.c +p", "init.shell=off"}},
		{`x="never closed quiet`, Words{"x=never closed quiet"}},
		{"a -- b", Words{"a", "--", "b"}},
		{`pa"ss th"ru`, Words{`pa"ss th"ru`}},
	}
	for _, tt := range tests {
		if got := Parse(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("Parse(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestGet(t *testing.T) {
	w := Parse("init.watchdog=on devfs=nomount init.watchdog=off quiet print-times=1 x=a=b")
	for key, want := range map[string]string{"init.watchdog": "off", "devfs": "nomount", "quiet": "", "print_times": "1", "x": "a=b"} {
		if got, ok := w.Get(key); !ok || got != want {
			t.Errorf("Get(%s) = %q, %v; want %q", key, got, ok, want)
		}
	}
	if v, ok := w.Get("watchdog"); ok {
		t.Errorf("Get(watchdog) = %q, want none", v)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"quiet", `a="b c" "d=e`, "GODEBUG=x GOGC=off --", "\x00\x00", `""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := Parse(s)
		if n := len(strings.Join(words, "")); n > len(s) {
			t.Fatalf("%d bytes of words from %d", n, len(s))
		}
		for _, w := range words {
			k, _, _ := strings.Cut(w, "=")
			if _, ok := words.Get(k); !ok {
				t.Fatalf("Get(%q) does not find its own word %q", k, w)
			}
		}
	})
}
