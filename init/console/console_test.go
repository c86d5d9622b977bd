package console

import (
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
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
