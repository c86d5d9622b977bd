package console

import (
	"io"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"slashdev/init/cmdline"
)

// P-07: a console that nobody reads keeps no one waiting, and says what it lost.
func TestP07_StoppedConsoleDropsAndCounts(t *testing.T) {
	r, w := io.Pipe() // a write blocks until somebody reads: XOFF
	c, err := Open("ttyS0", func() (io.WriteCloser, error) { return w, nil })
	if err != nil {
		t.Fatal(err)
	}
	const lines = Depth + 100
	for range lines {
		c.Print("x")
	}
	out := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		out <- string(b)
	}()
	c.Close()
	text := <-out
	arrived, lost := strings.Count(text, "x\r\n"), 0
	for _, m := range regexp.MustCompile(`console ttyS0 was stopped: (\d+) lines dropped`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		lost += n
	}
	if lost < lines-Depth-1 || arrived+lost != lines {
		t.Errorf("of %d lines %d arrived and %d are said to be lost", lines, arrived, lost)
	}
}

// hungUp is a terminal whose session leader has ended.
type hungUp struct{}

func (hungUp) Write([]byte) (int, error) { return 0, syscall.EIO }
func (hungUp) Close() error              { return nil }

// A shell that ends hangs up its terminal; the next line must still arrive.
func TestOpensAgainAfterHangUp(t *testing.T) {
	r, w := io.Pipe()
	opens := []io.WriteCloser{hungUp{}, w}
	c, err := Open("ttyS0", func() (io.WriteCloser, error) {
		next := opens[0]
		opens = opens[1:]
		return next, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Print("init: sh-ttyS0: started again")
	go c.Close()
	b, err := io.ReadAll(r)
	if want := "init: sh-ttyS0: started again\r\n"; err != nil || string(b) != want {
		t.Errorf("got %q, %v; want %q", b, err, want)
	}
}

// A console that is plugged in later gets its lines from then on, and word of
// what it missed; unplugged and plugged in again, once more.
func TestPluggableConsoleComesAndGoes(t *testing.T) {
	var there atomic.Pointer[io.PipeWriter]
	c, err := Open("ttyUSB0", func() (io.WriteCloser, error) {
		if w := there.Load(); w != nil {
			return w, nil
		}
		return nil, syscall.ENOENT
	})
	if err != nil {
		t.Fatal(err)
	}
	tried := func(n int64) { // until n lines are lost
		for c.dropped.Load() < n {
			runtime.Gosched()
		}
	}
	expect := func(want string) *io.PipeReader {
		t.Helper()
		r, w := io.Pipe()
		there.Store(w)
		c.Print("here")
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
		return r
	}
	c.Print("one")
	c.Print("two")
	tried(2)
	r := expect("console ttyUSB0 was stopped: 2 lines dropped\r\nhere\r\n")
	there.Store(nil)
	r.Close() // pulled
	c.Print("three")
	tried(1)
	expect("console ttyUSB0 was stopped: 1 lines dropped\r\nhere\r\n")
	c.Close()
	if _, err := Open("ttyS9", func() (io.WriteCloser, error) { return nil, syscall.ENOENT }); err == nil {
		t.Error("P-08: a line that will never be there was opened")
	}
}

func TestNames(t *testing.T) {
	const proc = "tty0                 -WU (E    p  )    4:7\n" +
		"ttyS0                -W- (EC   p a)    4:64\n" +
		"../sda               -W- (EC   p a)    8:0\nbad\n"
	for _, c := range []struct{ proc, words, want string }{
		{proc, "console=tty0 console=ttyS0,115200", "ttyS0 tty0"},
		{proc, "console=ttyUSB0,9600 console=ttyGS0 console=ttyUSB/../sda console=null console=uart8250,io,0x3f8 ttyS3", "ttyS0 tty0 ttyUSB0 ttyGS0"},
		{proc, "console=ttyS1,115200n8r console=ttyS0", "ttyS0 tty0 ttyS1"},
		{"", "", "tty0"},
	} {
		if got := strings.Join(Names(c.proc, cmdline.Parse(c.words)), " "); got != c.want {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}
