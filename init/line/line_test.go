package line

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"  \t ", nil},
		{"ls", []string{"ls"}},
		{" info  /dev/null\t-a ", []string{"info", "/dev/null", "-a"}},
		{`a "" b`, []string{"a", "", "b"}},
		{`label="two words" x`, []string{"label=two words", "x"}},
		{`"a\"b\\c\n\t\r\x1b"`, []string{"a\"b\\c\n\t\r\x1b"}},
		{`back\slash`, []string{`back\slash`}},
		{"caf\u00e9", []string{"caf\u00e9"}},
	}
	for _, tt := range tests {
		got, err := Split(tt.in)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("Split(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	tests := map[string]string{
		`a "open`:      "column 3: quote is not closed",
		`a "\q"`:       `column 4: unknown escape: use \" \\ \n \t \r or \xNN`,
		`"\x1"`:        `column 2: unknown escape: use \" \\ \n \t \r or \xNN`,
		"a\nb":         "column 2: newline or NUL outside quotes",
		"a\x00b":       "column 2: newline or NUL outside quotes",
		`"ends \`:      `column 7: unknown escape: use \" \\ \n \t \r or \xNN`,
		"\"\\x1\x10\"": `column 2: unknown escape: use \" \\ \n \t \r or \xNN`,
		`x="\xzz"`:     `column 4: unknown escape: use \" \\ \n \t \r or \xNN`,
	}
	for in, want := range tests {
		if got, err := Split(in); err == nil || err.Error() != want {
			t.Errorf("Split(%q) = %q, %v; want error %q", in, got, err, want)
		}
	}
}

func TestPair(t *testing.T) {
	b := Append(nil, "=")
	b = Pair(b, "name", "sda")
	b = Pair(b, "label", "two words")
	b = Pair(b, "driver", "")
	if got, want := string(b), `= name=sda label="two words" driver=`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzLine: any text either fails or gives words that survive a round trip,
// and the encoded line is printable.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"ls", `a "b c" d="\x00"`, "\"\\", "= devpath=/devices/x", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := Split(s)
		if err != nil {
			words = []string{s} // still has to survive as a word
		}
		enc := Append(nil, words...)
		for _, c := range enc {
			if c < ' ' || c == 0x7f {
				t.Fatalf("Append(%q) holds byte %#x", words, c)
			}
		}
		again, err := Split(string(enc))
		if err != nil || !slices.Equal(again, words) {
			t.Fatalf("Split(Append(%q)) = %q, %v", words, again, err)
		}
	})
}
