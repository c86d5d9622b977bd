package frame

import (
	"strings"
	"testing"
)

func TestGoldenFrames(t *testing.T) {
	var b strings.Builder
	e := NewEncoder(&b, "0badcafe")
	if err := e.Data(Stdout, []byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Writer(Stderr).Write([]byte{0, 0xff}); err != nil {
		t.Fatal(err)
	}
	if err := e.Exit(3); err != nil {
		t.Fatal(err)
	}
	want := "\r\n@0badcafe o 0 aGVsbG8K a6aea053\r\n" +
		"\r\n@0badcafe e 1 AP8= 3c905224\r\n" +
		"\r\n@0badcafe x 2 3 a2098767\r\n"
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}
}

func TestLongOutputIsSplitAt510(t *testing.T) {
	var b strings.Builder
	if err := NewEncoder(&b, "a2098767").Data(Stdout, make([]byte, 2*MaxData+1)); err != nil {
		t.Fatal(err)
	}
	frames := strings.Fields(strings.ReplaceAll(b.String(), " ", "_"))
	if len(frames) != 3 {
		t.Fatalf("%d frames, want 3", len(frames))
	}
	for _, f := range frames {
		if len(f) > 720 {
			t.Errorf("frame of %d bytes", len(f))
		}
	}
}

func TestValidNonce(t *testing.T) {
	for s, want := range map[string]bool{"0123abcd": true, "0123ABCD": false, "": false, "0123abcde": false, "0123abc ": false} {
		if got := ValidNonce(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
