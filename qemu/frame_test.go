package qemu

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const testNonce = "0badcafe"

// encodeFrame is the shell's side of the format, as contracts describe it.
func encodeFrame(kind string, seq int, payload string) string {
	n := fmt.Sprint(seq)
	return fmt.Sprintf("@%s %s %s %s %08x", testNonce, kind, n, payload, frameCRC(kind, n, payload))
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestFramesGolden(t *testing.T) {
	// Written out, so that a change of the format on one side is noticed.
	text := []string{
		"exec-frame 0badcafe 'echo hi'",
		"@0badcafe o 0 aGkK f7a75d1c",
		"[   12.5] usb 1-1: new device",
		"@deadbeef o 7 AAAA 00000000",
		"@0badcafe e 1 b29wcwo= 4fed5d43",
		"@0badcafe x 2 3 a2098767",
	}
	d := frameDecoder{nonce: testNonce}
	var out strings.Builder
	for _, line := range text {
		f, err := d.line(line)
		switch {
		case err != nil:
			fmt.Fprintf(&out, "error %v\n", err)
		case f != nil:
			fmt.Fprintf(&out, "%c %q %d\n", f.kind, f.data, f.status)
		}
	}
	want := "o \"hi\\n\" 0\ne \"oops\\n\" 0\nx \"\" 3\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
}

func TestDamagedFrames(t *testing.T) {
	good := encodeFrame("o", 0, b64("hello"))
	cases := map[string]string{
		"kernel text before": "[ 1.0] usb" + good,
		"cut":                good[:len(good)-3],
		"byte changed":       strings.Replace(good, "aGVs", "aGVt", 1),
		"lost":               encodeFrame("o", 1, b64("hello")),
		"unknown kind":       encodeFrame("z", 0, "0"),
		"status too big":     encodeFrame("x", 0, "256"),
		"status negative":    encodeFrame("x", 0, "-1"),
		"not base64":         encodeFrame("o", 0, "*"),
		"text after":         good + " more",
		"huge":               encodeFrame("o", 0, b64(strings.Repeat("x", maxFrame+1))),
	}
	for name, line := range cases {
		d := frameDecoder{nonce: testNonce}
		if f, err := d.line(line); !errors.Is(err, ErrDamagedFrame) {
			t.Errorf("%s: frame %v, error %v; want ErrDamagedFrame", name, f, err)
		}
	}
}

func TestQuoteShell(t *testing.T) {
	if got := quoteShell("it's"); got != `'it'\''s'` {
		t.Errorf("quoteShell = %s", got)
	}
}

func FuzzFrame(f *testing.F) {
	for _, seed := range []string{encodeFrame("o", 0, b64("hello")), encodeFrame("x", 0, "0"), "@0badcafe ", "@0badcafe o 0",
		"@0badcafe o 0  00000000", "x@0badcafe o", "", encodeFrame("e", 0, "")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		d := frameDecoder{nonce: testNonce}
		got, err := d.line(line)
		if got != nil && err != nil {
			t.Fatal("both a frame and an error")
		}
		if got == nil {
			if d.seq != 0 {
				t.Fatal("counted what was no frame")
			}
			return
		}
		text := fmt.Sprint(got.status)
		if got.kind != 'x' {
			text = base64.StdEncoding.EncodeToString(got.data)
		}
		again := frameDecoder{nonce: testNonce}
		back, err := again.line(encodeFrame(string(got.kind), 0, text))
		if err != nil || !bytes.Equal(back.data, got.data) || back.status != got.status {
			t.Fatalf("round trip: %v, %v", back, err)
		}
	})
}
