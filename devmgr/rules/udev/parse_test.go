package udev

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestProblemsNameThePlace(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"foo", `1:4: no operator after foo: use one of == != = += -= :=`},
		{"==\"x\"", `1:1: no key here: a rule is KEY=="value", KEY="value" and so on, separated by commas`},
		{"# c\n\n  KERNAL==\"x\", NAME=\"y\"", `2... `},
		{"KERNAL==\"x\", NAME=\"y\"", `1:1: unknown key KERNAL: did you mean KERNEL?`},
		{"KERNEL==\"x\", SYSFS{a}==\"y\", TAG+=\"z\"", `1:14: unknown key SYSFS: use ATTRS`},
		{"kernel==\"x\", TAG+=\"z\"", `1:1: unknown key kernel: write it in capitals: KERNEL`},
		{"WHATEVER==\"x\", TAG+=\"z\"", `1:1: unknown key WHATEVER: see udev(7) for the keys that there are`},
		{"KERNEL==\"x\",\\\n  GRUOP=\"z\"", `2:3: unknown key GRUOP: did you mean GROUP?`},
		{"KERNEL{a}==\"x\", TAG+=\"z\"", `1:1: KERNEL has no {...}: write KERNEL alone`},
		{"ATTR==\"x\", TAG+=\"z\"", `1:1: ATTR needs a name: write ATTR{name}`},
		{"ATTR{x==\"x\", TAG+=\"z\"", `1:5: { without }: write ATTR{name}`},
		{"KERNEL=\"x\", TAG+=\"z\"", `1:1: KERNEL cannot be assigned: use == or !=`},
		{"GROUP==\"x\", TAG+=\"z\"", `1:1: GROUP cannot be compared: use = += :=`},
		{"ENV{x}-=\"x\"", `1:1: ENV does not take -=: use = += :=`},
		{"PROGRAM-=\"x\", TAG+=\"x\"", `1:1: PROGRAM does not take -=: use == or !=`},
		{"KERNEL==x", `1:9: the value of KERNEL is not in quotes: write "value"`},
		{"KERNEL==\"x", `1:9: the quotes are not closed: put a " at the end of the value`},
		{"KERNEL==\"\xff\"", `1:9: the value is not UTF-8: save the file as UTF-8`},
		{"KERNEL==\"\x00\"", `1:9: a NUL in the value: remove it`},
		{`ENV{a}=e"\q"`, `1:10: a wrong escape in the value: e"..." takes what C takes: \n \t \\ \x41 \101 \u00e4`},
		{`ENV{a}="$foo"`, `1:9: "$foo" is no substitution: it stays as it is; write "$$foo" to say so`},
		{`ENV{a}="%z"`, `1:9: "%z" is no substitution: it stays as it is; write "%%z" to say so`},
		{`ENV{a}="$attr"`, `1:9: "$attr" is no substitution: it stays as it is; write "$$attr" to say so`},
		{`ENV{a}="100%"`, `1:9: "%" is no substitution: it stays as it is; write "%%" to say so`},
		{`GOTO="x"`, `1:1: no LABEL="x" for this GOTO: write LABEL="x" in a later line of this file`},
		{"LABEL=\"x\"\nKERNEL==\"a\", GOTO=\"x\"", `2:14: no LABEL="x" for this GOTO: the label stands before it; a jump only goes forward`},
		{`IMPORT{net}="x"`, `1:1: unknown IMPORT{net}: use program, builtin, file, db, cmdline or parent`},
		{`RUN{shell}+="x"`, `1:1: unknown RUN{shell}: use RUN{program} or RUN{builtin}`},
		{`IMPORT{builtin}="firmware"`, `1:18: unknown builtin "firmware": use one of ` + strings.Join(builtins, ", ")},
		{`RUN+="/bin/sh -c 'x"`, `1:7: a quotation mark of the command is not closed: close it`},
		{`PROGRAM=""`, `1:10: no command: write the program and its arguments, or leave PROGRAM out`},
		{`MODE="rw"`, `1:7: MODE is no mode: write an octal number such as "0660"`},
		{`TEST{9}=="x", TAG+="x"`, `1:1: TEST{9} is no mode: write an octal number such as TEST{0111}`},
		{`OPTIONS+="last_rule"`, `1:11: the option last_rule does nothing: remove it`},
		{`OPTIONS+="frobnicate"`, `1:11: unknown option "frobnicate": use link_priority=, string_escape=, static_node=, watch, nowatch, db_persist or log_level=`},
		{`OPTIONS+="link_priority=x"`, `1:11: link_priority needs a number: write link_priority=100`},
		{`OPTIONS="string_escape=all"`, `1:10: unknown string_escape: use string_escape=none or string_escape=replace`},
		{`CONST{os}=="x", TAG+="x"`, `1:1: CONST{os} never matches: there are CONST{arch} and CONST{virt}`},
		{`KERNEL=="x", SYMLINK+=i"x"`, `1:25: i"..." has no meaning here: it is for comparisons; remove the i`},
		{`KERNEL=="x"`, `1:1: the line does nothing: give it an assignment, or remove it`},
		{`ENV{a}:="1"`, `1:1: ENV cannot be settled: it is taken for =, as udev does; write =`},
		{`TAG:="a"`, `1:1: TAG cannot be settled: it is taken for =, as udev does; write =`},
		{`TAG+="a/b"`, `1:7: a tag cannot hold / or :: use letters, digits, - and _`},
	} {
		_, problems := Parse([]File{{"a", tt.text}})
		want := "a:" + tt.want
		if strings.HasPrefix(tt.want, "2...") {
			want = "a:3:3: unknown key KERNAL: did you mean KERNEL?"
		}
		if len(problems) == 0 || problems[0].String() != want {
			t.Errorf("%q\ngot  %v\nwant %s", tt.text, problems, want)
		}
	}
}

func TestC01_TheRestOfTheFileApplies(t *testing.T) {
	set, problems := Parse([]File{{"a", "SYMLINK+=\"a\"\nKERNAL==\"x\", SYMLINK+=\"b\"\nLABEL=\"l\", BAD=\"x\"\nSYMLINK+=\"c\"\n"}})
	if len(problems) != 2 {
		t.Errorf("problems %v", problems)
	}
	m, dev := newMachine()
	if r := set.Decide(dev, m); strings.Join(r.Links, " ") != "a c" {
		t.Errorf("links %q", r.Links)
	}
}

func TestC06_EmptyAndNulFilledFiles(t *testing.T) {
	set, problems := Parse([]File{{Name: "empty"}, {Name: "nul", Text: strings.Repeat("\x00", 4096)}, {Name: "good", Text: `SYMLINK+="a"`}})
	if set.Len() != 1 || len(problems) == 0 || len(problems) > 2 || problems[0].File != "nul" {
		t.Errorf("%d rules, %v", set.Len(), problems)
	}
}

// A pattern of many stars is no bomb: with one step back for each star this
// would not end.
func TestC02_StarsAreNoBomb(t *testing.T) {
	set := parse(t, `ATTR{serial}=="`+strings.Repeat("*a", 30)+`*b", SYMLINK+="hit"`)
	m, dev := newMachine()
	for value, want := range map[string]int{strings.Repeat("a", 4000): 0, strings.Repeat("a", 4000) + "b": 1} {
		m.files["/sys"+vdaPath+"/serial"] = value
		if r := set.Decide(dev, m); len(r.Links) != want {
			t.Errorf("%d bytes: links %q", len(value), r.Links)
		}
	}
}

// Of 100,000 rules a device meets those that are meant for its like.
func TestC02_RulesForOthersCostNothing(t *testing.T) {
	var b strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&b, "SUBSYSTEM==\"s%d\", SYMLINK+=\"x%d\"\n", i, i)
	}
	set := parse(t, b.String()+`SUBSYSTEM=="block", SYMLINK+="mine"`)
	m, dev := newMachine()
	if r := set.Decide(dev, m); strings.Join(r.Links, " ") != "mine" {
		t.Errorf("links %q", r.Links)
	}
	if steps := len(set.plan("add", "block")); set.Len() != 100001 || steps != 1 {
		t.Errorf("%d steps of %d rules", steps, set.Len())
	}
}

func TestStaticNodes(t *testing.T) {
	set := parse(t, `SUBSYSTEM=="sound", GROUP="audio", MODE="0660", TAG+="uaccess", OPTIONS+="static_node=snd/seq", OPTIONS+="static_node=snd/timer"`)
	got := set.StaticNodes()
	if len(got) != 2 || got[1].Name != "snd/timer" || got[0].Group != "audio" || got[0].Mode != "0660" || got[0].Tags[0] != "uaccess" {
		t.Errorf("got %+v", got)
	}
}

func TestLoadOverridesAndMasks(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	root := fstest.MapFS{
		"etc/udev/rules.d/50-b.rules":         file("# etc b"),
		"etc/udev/rules.d/90-null.rules":      {Data: []byte("/dev/null"), Mode: fs.ModeSymlink},
		"etc/udev/rules.d/README":             file("no"),
		"run/udev/rules.d/50-b.rules":         file("# run b"),
		"run/udev/rules.d/60-c.rules":         file("# run c"),
		"usr/lib/udev/rules.d/10-a.rules":     file("# usr a"),
		"usr/lib/udev/rules.d/60-c.rules":     file("# usr c"),
		"usr/lib/udev/rules.d/90-null.rules":  file("# masked"),
		"lib/udev/rules.d/10-a.rules":         file("# lib a"),
		"usr/lib/udev/rules.d/95-dir.rules/x": file(""),
		"usr/lib/udev/rules.d/96-lost.rules":  {Data: []byte("nowhere"), Mode: fs.ModeSymlink},
		"etc/udev/rules.d/97-open.rules":      {Data: []byte("# anybody's"), Mode: 0o666},
	}
	files, err := Load(root, Dirs())
	var got []string
	for _, f := range files {
		got = append(got, f.Name+" "+f.Text)
	}
	want := "/usr/lib/udev/rules.d/10-a.rules # usr a,/etc/udev/rules.d/50-b.rules # etc b,/run/udev/rules.d/60-c.rules # run c"
	if strings.Join(got, ",") != want {
		t.Errorf("got %q", got)
	}
	if err == nil || !strings.Contains(err.Error(), "96-lost.rules") {
		t.Errorf("a link that leads nowhere: %v", err)
	}
	if err == nil || !strings.Contains(err.Error(), "/etc/udev/rules.d/97-open.rules: anybody may write it") { // C-08
		t.Errorf("a file that anybody may write: %v", err)
	}
}

// stockRules are the rules of Debian's packages, see scripts/setup-rules.
func stockRules(t testing.TB) []File {
	const dir = "../../../bin/parts/rules"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs bin/parts/rules: make setup")
	}
	var files []File
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".rules") {
			return err
		}
		text, err := os.ReadFile(path.Join(dir, name))
		files = append(files, File{name, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func FuzzParse(f *testing.F) {
	f.Add("KERNEL==\"vd*\", SYMLINK+=\"disk/$attr{serial}-%c{2+}\", GOTO=\"x\"\nLABEL=\"x\"\n")
	f.Add("ATTRS{a}==\"[!a-c]?*|x\", ENV{.A}=e\"\\x41\", RUN{builtin}+=\"kmod load\", \\\n# c\n OPTIONS=\"string_escape=replace\"\n")
	f.Add("SUBSYSTEM!=\"block\", GOTO=\"end\"\nIMPORT{program}=\"x 'y $env{A}'\", TEST{0111}!=\"a\", TAG-=\"b\"\nLABEL=\"end\", NAME:=\"z\"")
	f.Add("KERNEL==\"vda\", GOTO=\"a\"\nGOTO=\"b\"\nLABEL=\"a\"\nSYMLINK+=\"a\"\nGOTO=\"b\"\nSYMLINK+=\"c\"\nLABEL=\"b\"\nSYMLINK+=\"b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, problems := Parse([]File{{"f", text}})
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Col < 1 || p.Text == "" || p.Hint == "" {
				t.Fatalf("problem %+v in %d lines", p, lines)
			}
		}
		m, dev := newMachine()
		got := set.Decide(dev, m)
		if want := set.decideAll(dev, m); summary(&got) != summary(&want) {
			t.Fatalf("the plan decides\n%s\nall rules decide\n%s", summary(&got), summary(&want))
		}
	})
}

// decideAll goes through all rules as they stand.
func (s *Set) decideAll(dev Device, host Host) Result {
	st := &state{set: s}
	st.begin(dev, host)
	for i := 0; i < len(s.rules); {
		r := &s.rules[i]
		if st.step(&step{rule: r, tests: r.tests}) && r.jump > 0 {
			i = r.jump
		} else {
			i++
		}
	}
	st.end()
	return st.res
}

// What a plan leaves out of Debian's rules would have no effect.
func TestStockRulesPlans(t *testing.T) {
	set, _ := Parse(stockRules(t))
	m, dev := newMachine()
	for _, subsystem := range strings.Fields("block input net usb sound tty scsi_generic drm module misc none") {
		for _, action := range []string{"add", "change", "remove"} {
			for _, name := range []string{"sda", "event1", "usb0", "dm-0", "md0", "sr0", "controlC0"} {
				dev.Action, dev.Device = action, newDevice("/devices/virtual/x/"+name, subsystem, "DEVNAME="+name+"\nMODALIAS=usb:x\nDEVTYPE=disk\n")
				got, want := set.Decide(dev, m), set.decideAll(dev, m)
				if summary(&got) != summary(&want) || !slices.Equal(got.Properties, want.Properties) {
					t.Errorf("%s %s %s: the plan decides\n%s\nall rules decide\n%s", action, subsystem, name, summary(&got), summary(&want))
				}
			}
		}
	}
}

// All rules of Debian's packages are understood in full.
func TestStockRulesParse(t *testing.T) {
	files := stockRules(t)
	set, problems := Parse(files)
	for _, p := range problems {
		t.Errorf("%s", p)
	}
	if len(files) < 50 || set.Len() < 1500 {
		t.Errorf("%d files, %d rules: some are missing", len(files), set.Len())
	}
	for _, name := range strings.Fields("udev systemd libinput-bin alsa-utils lvm2 dmsetup mdadm usb-modeswitch-data") {
		if !slices.ContainsFunc(files, func(f File) bool { return strings.HasPrefix(f.Name, name+"/") }) {
			t.Errorf("no rules of %s", name)
		}
	}
}
