package plan

import (
	"reflect"
	"strings"
	"testing"
)

const sample = `slashdev-plan 1
# made by slashdev build
hostname box
shell open
devfs nomount
perm PARTUUID=60c24cc1-f3f9-427a-8199-2e18c40c0004
program hello /user/hello -greeting "good day"
env hello LANG=C
restart hello always
program dhcp /gokrazy/dhcp
`

func TestParse(t *testing.T) {
	got, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	want := &Plan{
		Hostname: "box", Shell: "open", Devfs: "nomount",
		Perm: "PARTUUID=60c24cc1-f3f9-427a-8199-2e18c40c0004",
		Programs: []Program{
			{Name: "hello", Path: "/user/hello", Args: []string{"-greeting", "good day"}, Env: []string{"LANG=C"}, Restart: "always"},
			{Name: "dhcp", Path: "/gokrazy/dhcp", Restart: "gokrazy"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	again, err := Parse(string(got.Append(nil)))
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("round trip: %+v, %v", again, err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ body, want string }{
		{"colour red", `line 2: unknown key "colour": made by a newer builder?`},
		{"shell maybe", "line 2: shell needs one of open, password, off"},
		{"hostname", "line 2: hostname needs one value"},
		{"program x", "line 2: program needs NAME PATH [ARG...]"},
		{"program x hello", `line 2: program x: path "hello" is not absolute`},
		{"program ../x /x", `line 2: program name "../x": use letters, digits and . _ - only`},
		{"program x /x\nprogram x /y", "line 3: program x is named twice"},
		{"env x A=B", "line 2: env: no program x above this line"},
		{"program x /x\nenv x AB", `line 3: env x: "AB" is not KEY=VALUE`},
		{"program x /x\nrestart x maybe", "line 3: restart needs one of always, gokrazy, never"},
		{`hostname "x`, "line 2: column 10: quote is not closed"},
	}
	for _, tt := range tests {
		_, err := Parse("slashdev-plan 1\n" + tt.body + "\n")
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.body, err, tt.want)
		}
	}
	for _, text := range []string{"", "\x00\x00\x00\x00", "slashdev-plan 2\n", "hostname x\n"} {
		if p, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", text, p)
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(sample)
	f.Add("slashdev-plan 1\nprogram a /a \"\"\nenv a X=\"\\x00\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if (p == nil) == (err == nil) {
			t.Fatalf("plan %v, error %v: want exactly one", p, err)
		}
		if err != nil {
			return
		}
		out := string(p.Append(nil))
		again, err := Parse(out)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("round trip of %s: %v", strings.TrimSpace(out), err)
		}
	})
}
