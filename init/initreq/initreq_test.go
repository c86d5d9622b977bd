package initreq

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// The bytes that sysvinit's telinit 6 writes on a little-endian machine.
const telinit6 = "69190903" + "01000000" + "36000000" + "05000000"

func golden(t *testing.T, head string) []byte {
	t.Helper()
	b, err := hex.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, make([]byte, Size-len(b))...)
}

func TestDecode(t *testing.T) {
	b := golden(t, telinit6)
	r, err := Decode(b)
	if err != nil || r.Cmd != RunLevel || r.RunLevel != '6' || r.SleepTime != 5 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if !bytes.Equal(r.Append(nil), b) {
		t.Error("Append does not give the same bytes")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := golden(t, telinit6)
	tests := map[string][]byte{
		"of 0 bytes":     nil,
		"of 383 bytes":   good[:Size-1],
		"of 768 bytes":   append(slices.Clone(good), good...),
		"with magic 0x0": make([]byte, Size),
		"with run level": golden(t, "69190903"+"01000000"+"36010000"),
	}
	for want, b := range tests {
		if r, err := Decode(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %+v, %v; want an error %q", r, err, want)
		}
	}
}

func TestLine(t *testing.T) {
	words, err := Line([]byte("restart \"hello\"\r\n"))
	if err != nil || !slices.Equal(words, []string{"restart", "hello"}) {
		t.Errorf("got %q, %v", words, err)
	}
	for _, s := range []string{"", "\n", "\"", strings.Repeat("x", 4097)} {
		if words, err := Line([]byte(s)); err == nil {
			t.Errorf("Line(%.10q) = %q, want an error", s, words)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, Size))
	f.Add(append([]byte{0x69, 0x19, 0x09, 0x03, 1, 0, 0, 0, '6'}, make([]byte, Size-9)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Fatal("a decoded request does not encode to the same bytes")
		}
	})
}

// FuzzLine covers the control frames as PID 1 reads them.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"ls\n", "start hello", "a \"b c\"\r\n", "\x00", "\"\\x1b\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if words, err := Line(b); (len(words) == 0) == (err == nil) {
			t.Fatalf("words %q, error %v: want exactly one", words, err)
		}
	})
}
