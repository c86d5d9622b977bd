package syslog

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Message{
		"<13>Jan  2 15:04:05 app: hello":                  {5, "app", "hello"},
		"<11>Nov 21 15:04:05 app[123]: hello\n":           {3, "app", "hello"},
		"<14>Nov 21 15:04:05 /usr/bin/app[1]: x: y":       {6, "/usr/bin/app", "x: y"},
		"<30>2026-11-21T15:04:05.123456+00:00 app: hello": {6, "app", "hello"},
		"<191>app:no blank":                               {7, "app", "no blank"},
		"<192>app: too much":                              {5, "", "<192>app: too much"},
		"<13>just text":                                   {5, "", "just text"},
		"just text: more":                                 {5, "", "just text: more"},
		"":                                                {5, "", ""},
		"<>x":                                             {5, "", "<>x"},
		"<0>\x00":                                         {0, "", ""},
		"<6>a[":                                           {6, "", "a["},
		"<6>Jan 32 99:99:99 " + strings.Repeat("x", 65) + ": y": {6, "", strings.Repeat("x", 65) + ": y"},
	} {
		if got := Parse(in); got != want {
			t.Errorf("%q: got %+v, want %+v", in, got, want)
		}
	}
}

func FuzzSyslogLine(f *testing.F) {
	for _, s := range []string{"<13>Jan  2 15:04:05 app[1]: hello\n", "<30>2026-11-21T15:04:05Z app: x", "<999>x", "<6>a[", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := Parse(s)
		if m.Level < 0 || m.Level > 7 || len(m.Tag) > 64 || strings.ContainsAny(m.Tag, " \n\x1b\x00") {
			t.Fatalf("%q: %+v", s, m)
		}
		if !strings.HasSuffix(strings.TrimRight(s, "\x00\r\n"), m.Text) {
			t.Fatalf("%q: text %q is not its end", s, m.Text)
		}
	})
}
