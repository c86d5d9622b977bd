package devd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/devmgr/rules/devd"
)

// parse reads one file without problems.
func parse(t *testing.T, text string) *devd.Set {
	t.Helper()
	set, problems := devd.Parse([]devd.File{{Name: "devd.conf", Text: text}})
	for _, p := range problems {
		t.Error(p)
	}
	return set
}

func event(k devd.Kind, pairs ...string) devd.Event {
	e := devd.Event{Kind: k}
	for i := 0; i < len(pairs); i += 2 {
		e.Vars = append(e.Vars, devd.Var{Name: pairs[i], Value: pairs[i+1]})
	}
	return e
}

// said is what an event makes a set do: argvs, "|" between words.
func said(set *devd.Set, e devd.Event) string {
	d, _ := set.Decide(e)
	var all []string
	for _, argv := range d.Argvs {
		all = append(all, strings.Join(argv, "|"))
	}
	return strings.Join(all, "; ")
}

const sample = `
/* the whole language
   attach 1 { action "not this"; }; */
options {
	directory "/etc/devd"; // more files
	pid-file "/run/devd.pid";
	set scsi "(sd|sr)";   # in values from here on
	set disk "$scsi[a-z0-9]+";
};
notify 10 {
	match "system" "IFNET"; match "type" "ATTACH";
	action "ifup $subsystem";
	action "logger -t net 'new: $subsystem'";
};
notify 20 { match "system" "IFNET"; match "subsystem" "!eth.*"; action "other"; };
notify 0 { action "any $*"; };
attach 5 { device-name "$disk"; action "disk $device-name"; };
attach 5 { device-name "sd.*"; action "second"; };
attach 5 { class "0x02.*"; subdevice "x"; media-type "802.11"; action "wifi"; };
detach 0 { device-name "sda"; action "gone"; };
nomatch 0 { action "load \
	$modalias"; };
`

func TestDecide(t *testing.T) {
	set := parse(t, sample)
	for _, c := range []struct {
		what string
		e    devd.Event
		want string
	}{
		{"two actions in order", event(devd.Notify, "system", "IFNET", "type", "ATTACH", "subsystem", "eth0"), "ifup|eth0; logger|-t|net|new: eth0"},
		{"higher priority first, negated", event(devd.Notify, "system", "IFNET", "type", "ATTACH", "subsystem", "wlan0"), "other"},
		{"the lowest, the message", event(devd.Notify, "system", "DEVFS", "cdev", "sda"), "any|system=DEVFS cdev=sda"},
		{"a set regular expression; file order breaks ties", event(devd.Attach, "device-name", "sda"), "disk|sda"},
		{"anchored at the end", event(devd.Attach, "device-name", "sr"), ""},
		{"anchored at the beginning", event(devd.Attach, "device-name", "xsda"), ""},
		{"every match must hold", event(devd.Attach, "class", "0x0280", "subdevice", "x"), ""},
		{"three short words", event(devd.Attach, "class", "0x0280", "subdevice", "x", "media-type", "802.11"), "wifi"},
		{"of its own kind", event(devd.Detach, "device-name", "sda"), "gone"},
		{"unset is empty", event(devd.NoMatch), "load|"},
	} {
		if got := said(set, c.e); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
	if set.Len() != 8 {
		t.Errorf("%d statements", set.Len())
	}
}

func TestOneStatementIsChosen(t *testing.T) {
	set := parse(t, `attach 1 { action "low"; }; attach 30 { action "high"; }; attach 4 { action "middle"; };`)
	d, ok := set.Decide(event(devd.Attach))
	if !ok || len(d.Argvs) != 1 || d.Argvs[0][0] != "high" || d.Place != "devd.conf:1" {
		t.Errorf("got %+v", d)
	}
}

// What a device says stays inside its word, whatever it is.
func TestHostileValuesStayInTheirWord(t *testing.T) {
	set := parse(t, `attach 0 { action "run $label -n $label 'x $label'"; };`)
	for value, want := range map[string]string{
		"a b; reboot | $(id) `id` '":     "a b; reboot | $(id) `id` '",
		"-rf /":                          `\x2drf /`,
		"line\nbreak\x1b[31m\xff\x00tab": `line\x0abreak\x1b[31m\xff\x00tab`,
		`\x41`:                           `\x5cx41`,
		"":                               "",
	} {
		d, _ := set.Decide(event(devd.Attach, "label", value))
		inner := strings.Replace(want, `\x2d`, "-", 1)
		if got := d.Argvs[0]; !slices.Equal(got, []string{"run", want, "-n", want, "x " + inner}) {
			t.Errorf("%q: got %q", value, got)
		}
		if want := []string{"DEVD_LABEL=" + inner}; !slices.Equal(d.Env, want) {
			t.Errorf("%q: environment %q, want %q", value, d.Env, want)
		}
	}
	long, _ := set.Decide(event(devd.Attach, "label", strings.Repeat("x", 1<<20)))
	if n := len(long.Argvs[0][1]); n != 4096 {
		t.Errorf("a value of 1 MiB became a word of %d bytes", n)
	}
}

// A newline in a value does not end what is matched.
func TestMatchTakesTheWholeValue(t *testing.T) {
	set := parse(t, `attach 0 { match "serial" "good"; action "trust"; };`)
	for _, value := range []string{"good\nevil", "evil\ngood", "goodgood", ""} {
		if got := said(set, event(devd.Attach, "serial", value)); got != "" {
			t.Errorf("%q is trusted", value)
		}
	}
	set = parse(t, `attach 0 { match "serial" "a|ab|abc"; action "yes"; };`)
	if said(set, event(devd.Attach, "serial", "abc")) != "yes" {
		t.Error("the longest alternative is not tried")
	}
}

func TestActionWords(t *testing.T) {
	for text, want := range map[string]string{
		`a  b	c`:             "a|b|c",
		`a 'b  c' d''e`:      "a|b  c|de",
		`a \'b\ c \\`:        `a|'b c|\`,
		`a $$ $x- $x_y '$x'`: "a|$|||1",
		"a \\\n b":           "a|b",
		"\n a b \n":          "a|b",
		`a x$x$x.`:           "a|x11.",
		`a '$(b)' $. $`:      "a|$(b)|$.|$",
		`a $_`:               "a|x=1",
		`a ''`:               "a|",
		`a 'x;y|z*'`:         "a|x;y|z*",
	} {
		set := parse(t, `attach 0 { action "`+text+`"; };`)
		if got := said(set, event(devd.Attach, "x", "1")); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		`attach 0 { action "a | b"; };`:             `1:22: '|' takes a shell, and none is run: write a script`,
		`attach 0 { action "a; b"; };`:              `1:21: ';' joins commands, which takes a shell: give each command an action of its own`,
		`attach 0 { action "a && b"; };`:            `1:22: '&' joins commands`,
		`attach 0 { action "a $(b)"; };`:            `1:22: "$(" takes a shell`,
		`attach 0 { action "a ${b}"; };`:            `1:22: "${" takes a shell`,
		"attach 0 { action \"a `b`\"; };":           "1:22: '`' takes a shell",
		`attach 0 { action "a > /dev/null"; };`:     `1:22: '>' takes a shell`,
		`attach 0 { action "rm /tmp/*"; };`:         `1:28: '*' would be a shell's pattern`,
		`attach 0 { action "a ~/x"; };`:             `1:22: '~' at the beginning`,
		`attach 0 { action "if true"; };`:           `1:20: "if" is a word of the shell`,
		`attach 0 { action "A=b c"; };`:             "1:20: A=b sets a variable of a shell, and none is run: call `env A=b ...`",
		`attach 0 { action "$device-name x"; };`:    `1:20: a device would choose the program`,
		`attach 0 { action "a 'b"; };`:              `1:22: a ' without its end`,
		"attach 0 {\n action \"a\n\tb\"; };":        `2:11: a second command on a line of its own`,
		`attach 0 { action ""; };`:                  `1:20: an empty action`,
		`attach 0 { match "x" "("; action "a"; };`:  `1:22: no POSIX extended regular expression`,
		`attach 0 { match "x" "$y"; action "a"; };`: "1:22: $y is not set: write `options",
		`attach 0 { frob "x"; action "a"; };`:       `1:12: unknown word frob: there are action, match,`,
		`attach { action "a"; };`:                   `1:8: expected a priority such as 100 behind attach, found "{"`,
		`attach -1 { action "a"; };`:                `1:8: expected a priority`,
		`attach 0 { action "a"; }`:                  `1:25: expected ;, found the end of the file`,
		`attach 0 { action "a" };`:                  `1:23: expected ;, found "}"`,
		`attach 0 { action a; };`:                   `1:19: expected a string between "", found "a"`,
		`attach 0 { match "x"; };`:                  `1:21: expected a string between "", found ";"`,
		`attach 0 { action "a; };`:                  `1:19: expected a string between "", found "\""`,
		`attach 0 { class "x"; };`:                  `1:1: attach without an action`,
		`attach 0 [`:                                `1:10: expected {, found "["`,
		`options { set 9 "x"; };`:                   `1:15: expected a name of letters`,
		`options { set a "$b"; };`:                  `1:17: $b is not set before here`,
		`options { frob "x"; };`:                    `1:11: unknown option frob`,
		`frob 1 { };`:                               `1:1: expected options, attach,`,
		`;`:                                         `1:1: a ; without a statement`,
		"attach 0 { action \"a\"; };\n\x00\x00":     `2:1: the file has NUL bytes, as after a power cut`,
		"# ü\n/* ü */ é":                            `2:9: expected options, attach, detach, nomatch or notify, found "é"`,
	} {
		_, problems := devd.Parse([]devd.File{{Name: "f", Text: text}})
		if len(problems) == 0 || !strings.HasPrefix(problems[0].String(), "f:"+want) {
			t.Errorf("%q:\n got %v\nwant f:%s", text, problems, want)
		}
	}
}

func TestC01_OneBadStatementLeavesTheOthers(t *testing.T) {
	set, problems := devd.Parse([]devd.File{
		{Name: "a", Text: "attach 9 { action \"x | y\"; };\nattach 8 { actio \"z\"; action \"z\"; };\nattach 1 { action \"good\"; };"},
		{Name: "b", Text: "garbage }{ \" attach"},
		{Name: "c", Text: `detach 0 { action "also"; };`},
	})
	if said(set, event(devd.Attach)) != "good" || said(set, event(devd.Detach)) != "also" || set.Len() != 2 {
		t.Errorf("%d statements are left of 2", set.Len())
	}
	var places []string
	for _, p := range problems {
		places = append(places, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	if got := strings.Join(places, " "); got != "a:1 a:2 b:1 b:1" {
		t.Errorf("problems at %s: %v", got, problems)
	}
}

func TestC06_EmptyAndNulFilledFiles(t *testing.T) {
	set, problems := devd.Parse([]devd.File{{Name: "empty"}, {Name: "nul", Text: strings.Repeat("\x00", 4096)}, {Name: "good", Text: `attach 0 { action "a"; };`}})
	if set.Len() != 1 || len(problems) != 1 || problems[0].File != "nul" {
		t.Errorf("%d statements, %v", set.Len(), problems)
	}
}

// A bomb of regular expressions is refused, and a hostile value costs no more
// than its length.
func TestC02_RegularExpressionsAreLinear(t *testing.T) {
	bomb := "x"
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "set v%d \"%s\";", i, bomb)
		bomb = fmt.Sprintf("$v%d$v%d", i, i)
	}
	_, problems := devd.Parse([]devd.File{{Name: "f", Text: "options { " + b.String() + " };"}})
	if len(problems) == 0 || !strings.Contains(problems[0].Text, "longer than 4096 bytes") {
		t.Errorf("got %v", problems)
	}
	set := parse(t, `attach 0 { match "x" "(a*)*(a|aa)+b"; action "a"; };`)
	if said(set, event(devd.Attach, "x", strings.Repeat("a", 1<<16))) != "" {
		t.Error("it matches")
	}
}

func TestLoad(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	root := fstest.MapFS{
		"etc/devd.conf":        file(`options { directory "/etc/devd"; directory "/none"; set n "[0-9]+"; }; attach 1 { action "main"; };`),
		"etc/devd/b.conf":      file(`attach 5 { device-name "sd$n"; action "b"; };`),
		"etc/devd/a.conf":      file(`attach 5 { device-name "sd$n"; action "a"; };`),
		"etc/devd/README":      file(`not read`),
		"etc/devd/broken.conf": file(`attach`),
	}
	set, problems := devd.Load(root, "etc/devd.conf")
	if got := said(set, event(devd.Attach, "device-name", "sd1")); got != "a" || set.Len() != 3 {
		t.Errorf("got %q of %d statements", got, set.Len())
	}
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "/etc/devd/broken.conf:1:7: ") {
		t.Errorf("problems: %v", problems)
	}
	if set, problems := devd.Load(fstest.MapFS{}, "etc/devd.conf"); set.Len() != 0 || problems != nil {
		t.Errorf("without a file: %v", problems)
	}
}

func TestC08_FilesThatOthersMayWriteAreNotRead(t *testing.T) {
	root := fstest.MapFS{
		"etc/devd.conf":     {Data: []byte(`options { directory "/etc/open"; directory "/etc/devd"; directory "../x"; };`), Mode: 0o644},
		"etc/devd/w.conf":   {Data: []byte(`attach 5 { action "evil"; };`), Mode: 0o646},
		"etc/devd/g.conf":   {Data: []byte(`attach 5 { action "evil"; };`), Mode: 0o664},
		"etc/open":          {Mode: 0o777 | 1<<31},
		"etc/open/x.conf":   {Data: []byte(`attach 5 { action "evil"; };`), Mode: 0o644},
		"etc/devd/dir.conf": {Mode: 0o755 | 1<<31},
	}
	set, problems := devd.Load(root, "etc/devd.conf")
	if set.Len() != 0 || len(problems) != 5 {
		t.Errorf("%d statements, problems:\n%v", set.Len(), problems)
	}
	for _, p := range problems {
		if !strings.Contains(p.Text, "not read") && !strings.Contains(p.Text, "absolute") {
			t.Error(p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample, "eth0")
	f.Add(`attach 0 { match "x" "!$"; action "a '$x' \$x $$"; };`, "-x")
	f.Add("options { set a \"/*\"; }; //\n# \"", "\x00\xff")
	f.Fuzz(func(t *testing.T, text, value string) {
		set, problems := devd.Parse([]devd.File{{Name: "f", Text: text}})
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 || p.Line > 1+strings.Count(text, "\n") {
				t.Errorf("a problem outside the file: %v", p)
			}
		}
		e := event(devd.Attach, "device-name", value, "x", value)
		none, _ := set.Decide(event(devd.Attach, "device-name", "", "x", ""))
		for e.Kind = devd.Attach; e.Kind <= devd.Notify; e.Kind++ {
			d, ok := set.Decide(e)
			if ok && len(d.Argvs) == 0 {
				t.Error("a statement without an action was chosen")
			}
			for _, argv := range d.Argvs {
				if len(argv) == 0 || argv[0] == "" {
					t.Errorf("no program in %q", argv)
				}
				if strings.ContainsRune(strings.Join(argv, ""), 0) {
					t.Errorf("NUL in %q", argv)
				}
			}
			if e.Kind == devd.Attach && d.Place == none.Place {
				for i := range d.Argvs {
					if len(d.Argvs[i]) != len(none.Argvs[i]) || d.Argvs[i][0] != none.Argvs[i][0] {
						t.Errorf("the value %q changed the words of %q", value, d.Argvs[i])
					}
				}
			}
		}
	})
}
