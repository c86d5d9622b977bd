package logd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"slashdev/init/console"
	"unicode"
	"unicode/utf8"
)

// deadline is generous: nothing waits for it when the code is right.
const deadline = 20 * time.Second

// rig is a logger on pipes.
type rig struct {
	*Logger
	programs map[string]*io.PipeWriter
	kmsg     *bufio.Reader
	console  *bufio.Reader
	dir      string
}

func start(t *testing.T, names ...string) *rig {
	t.Helper()
	r := &rig{programs: map[string]*io.PipeWriter{}, dir: t.TempDir()}
	ring, err := OpenRing(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	kmsgR, kmsgW := io.Pipe()
	consoleR, consoleW := io.Pipe()
	terminal, err := console.Open("ttyS0", func() (io.WriteCloser, error) { return consoleW, nil })
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Ring: ring, Kmsg: kmsgW, Now: func() time.Duration { return 1500 * time.Millisecond },
		Consoles: []*console.Console{terminal}, Logf: t.Logf,
	}
	for _, n := range names {
		pr, pw := io.Pipe()
		r.programs[n] = pw
		cfg.Sources = append(cfg.Sources, Source{n, pr})
	}
	r.kmsg, r.console = bufio.NewReader(kmsgR), bufio.NewReader(consoleR)
	r.Logger = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		kmsgR.Close()
		consoleR.Close()
		select {
		case <-done:
		case <-time.After(deadline):
			t.Error("Run did not end")
		}
	})
	return r
}

func (r *rig) say(t *testing.T, name, text string) {
	t.Helper()
	if _, err := io.WriteString(r.programs[name], text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		s, _ := r.ReadString('\n')
		got <- s
	}()
	select {
	case s := <-got:
		if s != want {
			t.Fatalf("got %q, want %q", s, want)
		}
	case <-time.After(deadline):
		t.Fatalf("nothing came, want %q", want)
	}
}

func TestLineReachesConsoleKernelLogAndRing(t *testing.T) {
	r := start(t, "hello")
	r.say(t, "hello", "hello: ready\n")
	expect(t, r.kmsg, "<30>hello: ready\n")
	expect(t, r.console, "hello: ready\r\n")
	r.say(t, "hello", "listening on :80\n")
	expect(t, r.kmsg, "<30>hello: listening on :80\n")
	expect(t, r.console, "hello: listening on :80\r\n")
	records, err := r.cfg.Ring.Tail("hello", 5)
	if err != nil || len(records) != 2 || records[0].String() != "1.500000 hello ready" {
		t.Errorf("ring %v %v", records, err)
	}
}

func TestD04_ControlCharactersDoNotReachTheConsole(t *testing.T) {
	r := start(t, "x")
	r.say(t, "x", "a\x1b[2Jb\rc\u009bd\n")
	const want = `x: a\x1b[2Jb\x0dc\x9bd`
	expect(t, r.kmsg, "<30>"+want+"\n")
	expect(t, r.console, want+"\r\n")
}

func TestConsoleOffKeepsTheLog(t *testing.T) {
	r := start(t, "x")
	if err := r.Handle(context.Background(), []string{"console", "off"}, nil); err != nil {
		t.Fatal(err)
	}
	r.say(t, "x", "one\n")
	expect(t, r.kmsg, "<30>x: one\n")
	if err := r.Handle(context.Background(), []string{"console", "on"}, nil); err != nil {
		t.Fatal(err)
	}
	r.say(t, "x", "two\n")
	expect(t, r.kmsg, "<30>x: two\n")
	expect(t, r.console, "x: two\r\n")
}

func TestUnknownRequests(t *testing.T) {
	r := start(t, "x")
	for _, words := range [][]string{nil, {"console"}, {"console", "maybe"}, {"tail"}, {"tail", "x", "-1"}, {"tail", "x", "y"}, {"tail", "nosuch"}, {"drop"}} {
		if err := r.Handle(context.Background(), words, nil); err == nil {
			t.Errorf("%q was taken", words)
		}
	}
}

func TestLongAndUnfinishedLines(t *testing.T) {
	r := start(t, "x")
	long := strings.Repeat("y", maxLine) + "tail"
	go io.WriteString(r.programs["x"], long+"\nrest")
	whole := 0
	for whole < maxLine {
		s, err := r.kmsg.ReadString('\n')
		if err != nil || len(s) > 1000 {
			t.Fatalf("%d bytes for the kernel's log: %v", len(s), err)
		}
		whole += len(strings.TrimPrefix(strings.TrimSpace(s), "<30>x: "))
	}
	expect(t, r.kmsg, "<30>x: tail\n")
	r.programs["x"].Close()
	expect(t, r.kmsg, "<30>x: rest\n")
}

// At boot the consoles show the first lines of each program; a person may ask
// for all.
func TestConsoleShowsFirstLinesAtBoot(t *testing.T) {
	r := start(t, "ntp", "hello")
	for i := range bootLines + 3 {
		r.say(t, "ntp", fmt.Sprintf("try %d\n", i+1))
		expect(t, r.kmsg, fmt.Sprintf("<30>ntp: try %d\n", i+1))
	}
	r.say(t, "hello", "ready\n")
	expect(t, r.kmsg, "<30>hello: ready\n")
	for i := range bootLines {
		expect(t, r.console, fmt.Sprintf("ntp: try %d\r\n", i+1))
	}
	expect(t, r.console, "ntp: more with: svc log ntp\r\n")
	expect(t, r.console, "hello: ready\r\n")
	if err := r.Handle(context.Background(), []string{"console", "on"}, nil); err != nil {
		t.Fatal(err)
	}
	r.say(t, "ntp", "try again\n")
	expect(t, r.kmsg, "<30>ntp: try again\n")
	expect(t, r.console, "ntp: try again\r\n")
}

func TestNoisyProgramDoesNotFillTheKernelsLog(t *testing.T) {
	q := quota{tokens: quotaBurst}
	passed := 0
	for range 10000 {
		if ok, _ := q.take(0); ok {
			passed++
		}
	}
	if passed != quotaBurst {
		t.Errorf("%d lines passed at once", passed)
	}
	ok, missed := q.take(time.Second)
	if !ok || missed != 10000-quotaBurst {
		t.Errorf("after a second: %v, %d missed", ok, missed)
	}
	var b strings.Builder
	writeKmsg(&b, "x", "again", missed)
	if want := "<30>x: 9800 lines left out here, see svc log x\n<30>x: again\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

func TestRingKeepsTheNewest(t *testing.T) {
	dir := t.TempDir()
	ring, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	ring.max = 1000
	for i := range 100 {
		if err := ring.Append(Record{time.Duration(i) * time.Second, "p", fmt.Sprintf("line %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"current", "old"} {
		if fi, err := os.Stat(dir + "/" + name); err != nil || fi.Size() > 1000 {
			t.Errorf("%s: %v %v", name, fi, err)
		}
	}
	got, err := ring.Tail("p", 3)
	if err != nil || len(got) != 3 || got[2].Text != "line 99" || got[0].Text != "line 97" {
		t.Errorf("tail %v %v", got, err)
	}
	if all, _ := ring.Tail("*", 1000); len(all) < 40 {
		t.Errorf("only %d lines kept", len(all))
	}
	again, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := again.Tail("p", 1); len(got) != 1 || got[0].Text != "line 99" {
		t.Errorf("after a restart: %v", got)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"hello: ready\n", "hello: \x1b]0;x\a", "\xff\r\n", "hello: hello: x", "<6>init: fake\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		text := Text("hello", raw)
		for _, r := range text {
			if r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("Text(%q) holds %U", raw, r)
			}
		}
		rec := Record{time.Second, "hello", text}
		if got, err := ParseRecord(rec.String()); err != nil || got != rec {
			t.Fatalf("ParseRecord(%q) = %v, %v", rec.String(), got, err)
		}
		var b strings.Builder
		writeKmsg(&b, "hello", text, 0)
		for l := range strings.Lines(b.String()) {
			if !strings.HasPrefix(l, "<30>hello: ") || len(l) > 1000 || !utf8.ValidString(l) {
				t.Fatalf("kernel record %q", l)
			}
		}
	})
}
