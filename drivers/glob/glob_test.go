package glob

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// matches is the plain way: one pattern, one string.
func matches(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return matches(pattern[1:], s) || s != "" && matches(pattern, s[1:])
	}
	if s == "" {
		return false
	}
	switch pattern[0] {
	case '?':
		return matches(pattern[1:], s[1:])
	case '[':
		n, holds := inSet([]byte(pattern[1:]), s[0])
		return holds && matches(pattern[1+n:], s[1:])
	case '\\':
		return len(pattern) > 1 && pattern[1] == s[0] && matches(pattern[2:], s[1:])
	}
	return pattern[0] == s[0] && matches(pattern[1:], s[1:])
}

func table(t testing.TB, patterns ...string) Table {
	t.Helper()
	slices.Sort(patterns)
	table, err := New(slices.Compact(patterns))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func found(t Table, s string) []string {
	var all []string
	for _, i := range t.Find(s) {
		all = append(all, t.At(i))
	}
	return all
}

func TestFind(t *testing.T) {
	tests := []struct{ pattern, s, not string }{
		{"pci:v00008086d*sv*", "pci:v00008086d0001sv1", "pci:v00008087d0001sv1"},
		{"usb:v0403p6001d03[0-9]*", "usb:v0403p6001d035x", "usb:v0403p6001d03ax"},
		{"[!a-c]x", "dx", "bx"}, {"[^a-c]x", "dx", "bx"}, {"[]]", "]", "["}, {"[a-]", "-", "b"},
		{"a?c", "abc", "ac"}, {`a\*`, "a*", "ab"}, {"*", "", "\x00no"}, {"a**b", "ab", "abc"},
		{"*[tT]rack*:*", "My Trackball:x", "My Brackball:x"}, {"", "", "x"}, {"\xff*", "\xffa", "a"},
		{"[a", "[a", "a"}, {"x[!", "x[!", "x"}, {`a\`, "", `a\`}, {"[!]a]", "b", "a"},
	}
	for _, tt := range tests {
		one := table(t, tt.pattern)
		if tt.s != "" || tt.pattern == "" || tt.pattern == "*" {
			if got := found(one, tt.s); len(got) != 1 {
				t.Errorf("%q does not match %q", tt.pattern, tt.s)
			}
		}
		if got := found(one, tt.not); len(got) != 0 && tt.not != "\x00no" {
			t.Errorf("%q matches %q", tt.pattern, tt.not)
		}
	}
}

// TestFindAgreesWithTheLongWay compares tables of random patterns, few letters
// so that much begins alike, with matching one pattern after the other.
func TestFindAgreesWithTheLongWay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(letters []string, n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	for range 400 {
		var patterns []string
		for range 30 {
			patterns = append(patterns, word([]string{"a", "b", "*", "?", "[ab]", "[!a]", "[", `\*`, "ab"}, 8))
		}
		all := table(t, patterns...)
		for range 40 {
			s := word([]string{"a", "b", "c", "*", "["}, 9)
			var want []string
			for i := range all.Len() {
				if matches(all.At(i), s) {
					want = append(want, all.At(i))
				}
			}
			if got := found(all, s); !slices.Equal(got, want) {
				t.Fatalf("%q among %q: found %q, want %q", s, patterns, got, want)
			}
		}
	}
}

// TestHostileStringIsBounded would not end if a star were tried again and again.
func TestHostileStringIsBounded(t *testing.T) {
	var patterns []string
	for i := range 50 {
		patterns = append(patterns, strings.Repeat("a*", 20+i)+"b")
	}
	if got := found(table(t, patterns...), strings.Repeat("a", 4096)); got != nil {
		t.Errorf("found %q", got)
	}
}

func TestDamagedTablesAreRefused(t *testing.T) {
	if _, err := New([]string{"b", "a"}); err == nil {
		t.Error("patterns out of order are taken")
	}
	for _, ends := range []string{"\x01", "\x05\x00\x00\x00", "\x02\x00\x00\x00\x01\x00\x00\x00"} {
		if _, err := Open([]byte("ab"), []byte(ends)); err == nil {
			t.Errorf("%q is taken", ends)
		}
	}
	text, ends := table(t, "a", "b*").Bytes()
	again, err := Open(text, ends)
	if err != nil || !slices.Equal(found(again, "bx"), []string{"b*"}) {
		t.Errorf("opened again: %v, %q", err, found(again, "bx"))
	}
}

func FuzzFind(f *testing.F) {
	f.Add("pci:v*d*\nusb:*", "pci:v1d2")
	f.Add("[a-\n[!\n\\\n**", "a")
	f.Fuzz(func(t *testing.T, text, s string) {
		if len(text) > 200 || len(s) > 40 || strings.Count(text, "*") > 6 {
			return
		}
		all := table(t, strings.Split(text, "\n")...)
		for i := range all.Len() {
			if matches(all.At(i), s) != slices.Contains(all.Find(s), i) {
				t.Errorf("pattern %q, string %q: found %q", all.At(i), s, found(all, s))
			}
		}
	})
}

// BenchmarkFind searches tables as large as those of a kernel with all drivers.
func BenchmarkFind(b *testing.B) {
	var patterns []string
	for i := range 20_000 {
		patterns = append(patterns, fmt.Sprintf("pci:v0000%04Xd0000%04Xsv*sd*bc*sc*i*", i%100, i), fmt.Sprintf("of:N*T*Cvendor%d,chip%dC*", i%100, i))
	}
	all := table(b, patterns...)
	for _, s := range []string{"pci:v00000007d00000007sv00001AF4sd00001100bc02sc00i00", "of:NserialT(null)Cvendor7,chip7Cns16550a", "virtio:d00000001v00001AF4"} {
		b.Run(s[:4], func(b *testing.B) {
			for b.Loop() {
				all.Find(s)
			}
		})
	}
}
