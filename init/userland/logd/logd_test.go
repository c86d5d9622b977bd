package logd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"slashdev/init/console"
	"slashdev/init/userland/logd/option"
	"slashdev/init/userland/logd/ring"
)

// deadline is generous: nothing waits for it when the code is right.
const deadline = 2 * time.Minute

// rig is a logger on pipes.
type rig struct {
	*Logger
	programs map[string]*os.File
	kmsg     *bufio.Reader
	console  *bufio.Reader
}

func start(t *testing.T, names ...string) *rig { return startWith(t, option.Defaults(), names...) }

func options(t *testing.T, words ...string) option.Options {
	t.Helper()
	o, err := option.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func startWith(t *testing.T, o option.Options, names ...string) *rig {
	t.Helper()
	r := &rig{programs: map[string]*os.File{}}
	kmsgR, kmsgW := io.Pipe()
	consoleR, consoleW := io.Pipe()
	terminal, err := console.Open("ttyS0", func() (io.WriteCloser, error) { return consoleW, nil })
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Dir: t.TempDir(), Kmsg: kmsgW, Now: func() time.Duration { return 1500 * time.Millisecond },
		Consoles: []*console.Console{terminal}, Options: o, Logf: t.Logf,
	}
	for _, n := range names {
		pr, pw, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { pr.Close(); pw.Close() })
		r.programs[n] = pw
		cfg.Sources = append(cfg.Sources, Source{n, pr})
	}
	r.kmsg, r.console = bufio.NewReader(kmsgR), bufio.NewReader(consoleR)
	if r.Logger, err = New(cfg); err != nil {
		t.Fatal(err)
	}
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

// records yields what the ring has and gets.
func (r *rig) records(t *testing.T) iter.Seq[ring.Record] {
	return func(yield func(ring.Record) bool) {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		for rd := r.ring.Reader(ring.Cursor{}); ; {
			list, _, err := rd.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range list {
				if !yield(rec) {
					return
				}
			}
		}
	}
}

// await waits until the ring has n records, and returns them.
func (r *rig) await(t *testing.T, n int) (all []ring.Record) {
	t.Helper()
	for rec := range r.records(t) {
		if all = append(all, rec); len(all) == n {
			break
		}
	}
	return all
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
	if all := r.await(t, 2); all[0].Text != "ready" || all[1].Text != "listening on :80" || all[1].Name != "hello" || all[1].Level != info {
		t.Errorf("ring %v", all)
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

// Who types goes on typing when the logger is started again.
func TestConsoleStaysOff(t *testing.T) {
	r := start(t, "x")
	if err := r.Handle(context.Background(), []string{"console", "off"}, nil); err != nil {
		t.Fatal(err)
	}
	again, err := New(r.cfg)
	if err != nil || mode(again.tee.mode.Load()) != off {
		t.Errorf("mode %d, %v", again.tee.mode.Load(), err)
	}
}

func TestUnknownRequests(t *testing.T) {
	r := start(t, "x")
	for _, words := range [][]string{nil, {"console"}, {"console", "maybe"}, {"log"}, {"log", "x", "lines=-1"}, {"log", "x", "y"}, {"log", "nosuch"}, {"drop"}} {
		if err := r.Handle(context.Background(), words, nil); err == nil {
			t.Errorf("%q was taken", words)
		}
	}
}

// A line of any length is split, and what has no end is a line when the program
// is gone.
func TestS06_LongAndUnfinishedLines(t *testing.T) {
	r := start(t, "x")
	go func() {
		io.WriteString(r.programs["x"], strings.Repeat("y", 2*maxLine)+"tail\nrest")
		r.programs["x"].Close()
	}()
	go io.Copy(io.Discard, r.kmsg)
	all := r.await(t, 4)
	var text strings.Builder
	for _, rec := range all[:3] {
		text.WriteString(rec.Text)
	}
	if text.String() != strings.Repeat("y", 2*maxLine)+"tail" || len(all[0].Text) < maxLine-4 || all[3].Text != "rest" {
		t.Errorf("%d records", len(all))
	}
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
	l := newLimit(kmsgBurst, kmsgRate)
	passed := 0
	for range 10000 {
		if l.take(0) {
			passed++
		}
	}
	if passed != kmsgBurst {
		t.Errorf("%d lines passed at once", passed)
	}
	ok, missed := l.take(time.Second), l.left()
	if !ok || missed != 10000-kmsgBurst {
		t.Errorf("after a second: %v, %d missed", ok, missed)
	}
	var b strings.Builder
	writeKmsg(&b, "x", "again", missed)
	if want := "<30>x: 9800 lines left out here, see svc log x\n<30>x: again\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

// Of a program whose flood is to be dropped, what was left out is counted.
func TestFloodIsDroppedAndCounted(t *testing.T) {
	r := startWith(t, options(t, "drop=x"), "x")
	go io.Copy(io.Discard, r.kmsg)
	go io.Copy(io.Discard, r.console)
	const lines = 200_000
	go func() {
		w := bufio.NewWriter(r.programs["x"])
		for i := range lines {
			fmt.Fprintf(w, "this is line %d\n", i+1)
		}
		w.Flush()
		r.programs["x"].Close()
	}()
	seen, missed := 0, 0
	for rec := range r.records(t) {
		left := 0
		if _, err := fmt.Sscanf(rec.Text, "%d lines left out", &left); err == nil {
			missed += left
		} else {
			seen++
		}
		if seen+missed == lines {
			break
		}
	}
	if seen != dropBurst || missed != lines-dropBurst {
		t.Errorf("%d lines passed, %d left out", seen, missed)
	}
}

func TestTeeByLevel(t *testing.T) {
	r := startWith(t, options(t, "tee=warning"), "x")
	go io.Copy(io.Discard, r.kmsg)
	for range bootLines {
		r.say(t, "x", "talk\n")
		expect(t, r.console, "x: talk\r\n")
	}
	expect(t, r.console, "x: more with: svc log x\r\n")
	r.say(t, "x", "<5>notable\n<4>alarming\n<3>x: broken\n")
	expect(t, r.console, "x: alarming\r\n")
	expect(t, r.console, "x: broken\r\n")
}

func TestKernelRecords(t *testing.T) {
	for in, want := range map[string]string{
		"6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n": "0 5.140900 6 kernel 340 NET: Registered",
		"3,0,0,c;bad \\x1b[0m":                              `0 0.000000 3 kernel 1 bad \x1b[0m`,
		"31,7,1000000,-;init: ready\n":                      "0 1.000000 6 init 8 ready",
		"30,8,1000000,-;hello: ours\n":                      "",
		"12,9,1000000,-;written by hand\n":                  "",
		"x":                                                 "",
	} {
		rec, ok := kernelRecord(in)
		if got := strings.TrimSuffix(string(rec.Append(nil)), "\n"); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %v %q, want %q", in, ok, got, want)
		}
	}
}

func FuzzKernelRecord(f *testing.F) {
	for _, s := range []string{"6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n", "31,7,1000000,-;init: ready\n", ",,,;", "6,9223372036854775807,0,-;x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rec, ok := kernelRecord(s)
		if !ok {
			return
		}
		line := string(rec.Append(nil))
		if again, err := ring.Parse(strings.TrimSuffix(line, "\n")); err != nil || again.Text != rec.Text || again.When != rec.When {
			t.Fatalf("%q became %q: %v", s, line, err)
		}
	})
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
		rec := ring.Record{Seq: 1, When: time.Second, Name: "hello", Text: text}
		if got, err := ring.Parse(strings.TrimSuffix(string(rec.Append(nil)), "\n")); err != nil || got != rec {
			t.Fatalf("%v became %v, %v", rec, got, err)
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
