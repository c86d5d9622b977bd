package console

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// P-07: a console that nobody reads keeps no one waiting, and says what it lost.
func TestP07_StoppedConsoleDropsAndCounts(t *testing.T) {
	r, w := io.Pipe() // a write blocks until somebody reads: XOFF
	c := Open("ttyS0", w)
	const lines = Depth + 100
	for range lines {
		c.Print("x")
	}
	if d := c.Dropped(); d < 99 {
		t.Fatalf("%d lines dropped, want at least 99", d)
	}
	out := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		out <- string(b)
	}()
	c.Close()
	w.Close()
	text := <-out
	if !strings.Contains(text, "init: console ttyS0 was stopped: ") {
		t.Errorf("no word of the lost lines in %q", text)
	}
	if got := strings.Count(text, "x\r\n"); got < Depth || got >= lines {
		t.Errorf("%d lines written, want %d or one more", got, Depth)
	}
}

func TestNames(t *testing.T) {
	const proc = "tty0                 -WU (E    p  )    4:7\n" +
		"ttyS0                -W- (EC   p a)    4:64\n" +
		"../sda               -W- (EC   p a)    8:0\nbad\n"
	if got, want := Names(proc), []string{"ttyS0", "tty0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Names(""); len(got) != 0 {
		t.Errorf("got %q from no consoles", got)
	}
}
