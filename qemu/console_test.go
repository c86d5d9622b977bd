package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestExpectConsumes(t *testing.T) {
	c := newConsole(nil, nil)
	c.feed([]byte("a1 a2 b1"))
	for _, want := range []string{"a1", "a2"} {
		if got, err := c.expect(t.Context(), regexp.MustCompile(`a\d`)); err != nil || got != want {
			t.Fatalf("expect = %q, %v; want %q", got, err, want)
		}
	}
	if got := c.unmatched(); got != " b1" {
		t.Errorf("unmatched %q", got)
	}
}

func TestExpectWaitsForLateBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(nil, nil)
		time.AfterFunc(time.Second, func() { c.feed([]byte("log")) })
		time.AfterFunc(2*time.Second, func() { c.feed([]byte("in: ")) })
		if _, err := c.expect(t.Context(), regexp.MustCompile("login: ")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestExpectEnds(t *testing.T) {
	never := regexp.MustCompile("never")
	t.Run("by its deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := newConsole(nil, nil).expect(ctx, never); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		})
	})
	t.Run("with the stream", func(t *testing.T) {
		c := newConsole(nil, nil)
		c.read(strings.NewReader("the end"))
		if _, err := c.expect(t.Context(), never); !errors.Is(err, errConsoleEnded) {
			t.Fatal(err)
		}
		if _, err := c.expect(t.Context(), regexp.MustCompile("the")); err != nil {
			t.Errorf("what came before the end is lost: %v", err)
		}
	})
	t.Run("with a crash, trace included", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newConsole(nil, crashPatterns())
			c.feed([]byte("[ 1.0] Kernel panic - not syncing: no init\r\n"))
			time.AfterFunc(afterCrash/2, func() { c.feed([]byte("Call Trace:\r\n")) })
			_, err := c.expect(t.Context(), never)
			var crash *crashError
			if !errors.As(err, &crash) || !strings.Contains(crash.line, "Kernel panic") {
				t.Fatal(err)
			}
			if text := c.text(); len(text) != 2 {
				t.Errorf("the trace is missing: %q", text)
			}
		})
	})
}

func TestCrashPatterns(t *testing.T) {
	crash := crashPatterns()
	for line, want := range map[string]bool{
		"Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000200": true,
		"[    3.1] BUG: unable to handle page fault for address: 0":               true,
		"Internal error: Oops: 96000004 [#1] SMP":                                 true,
		"fatal error: all goroutines are asleep - deadlock!":                      true,
		"[ 2.5] fatal error: out of memory":                                       true,
		"devmgr: fatal error: concurrent map writes":                              true,
		"hello: fatal error: this is the program's own affair":                    false,
		"debugging DEBUG: x":                                                      false,
		"init: ready":                                                             false,
	} {
		if got := crash.MatchString(line); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestWaitSeesTheUnfinishedLineOnce(t *testing.T) {
	c := newConsole(nil, nil)
	c.feed([]byte("one\r\npassword: "))
	asks := func(line string) bool { return strings.HasSuffix(line, "password: ") }
	at, err := c.wait(t.Context(), 0, asks)
	if err != nil {
		t.Fatal(err)
	}
	c.feed([]byte("\r\nsorry\r\npassword: "))
	var seen []string
	if _, err := c.wait(t.Context(), at, func(line string) bool { seen = append(seen, line); return asks(line) }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(seen, "|"); got != "sorry|password: " {
		t.Errorf("second wait saw %q: the answered question must not count again", got)
	}
}

func TestConsoleIsBounded(t *testing.T) {
	c := newConsole(nil, nil)
	for i := range maxLines + 10 {
		c.feed(fmt.Appendf(nil, "line %d\n", i))
	}
	c.feed(make([]byte, maxUnread+100))
	if len(c.unread) > maxUnread || len(c.lines) > maxLines {
		t.Errorf("%d bytes, %d lines", len(c.unread), len(c.lines))
	}
	last := fmt.Sprintf("line %d", maxLines+9)
	if _, err := c.wait(t.Context(), 0, func(line string) bool { return line == last }); err != nil {
		t.Error(err)
	}
}

func TestReadCopiesEachByte(t *testing.T) {
	var log strings.Builder
	c := newConsole(nil, nil, &log)
	c.read(io.MultiReader(strings.NewReader("a\x1b[31m"), strings.NewReader("b\r\n")))
	if log.String() != "a\x1b[31mb\r\n" || c.text()[0] != "ab" {
		t.Errorf("log %q, text %q", log.String(), c.text())
	}
}

func TestTailIsReadable(t *testing.T) {
	lines := []string{"early"}
	for i := range tailLines {
		lines = append(lines, fmt.Sprintf("line %d", i), "@0badcafe o 5 AAAA 01234567")
	}
	got := tail(append(lines, strings.Repeat("x", 500)))
	if strings.Contains(got, "early") || strings.Contains(got, "@0badcafe") || !strings.HasSuffix(got, "x ...") || strings.Count(got, "\n") != tailLines-1 {
		t.Errorf("tail:\n%s", got)
	}
}
