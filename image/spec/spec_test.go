package spec

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"slashdev/init/plan"
	"slashdev/init/planfile"
)

const full = `{
    "Hostname": "scanner",
    "DeviceType": "",
    "SomethingGokrazyKnows": {"x": [1, 2]},
    "Update": {"HTTPPassword": "secret"},
    "Packages": ["example.com/scan/v2", "./local"],
    "PackageConfig": {
        "example.com/scan/v2": {
            "CommandLineFlags": ["-listen", ":80"],
            "Environment": ["TZ=Europe/Berlin"],
            "ExtraFilePaths": {"/etc/scan.conf": "scan.conf"}
        },
        "./local": {"DontStart": true}
    },
    "GokrazyPackages": ["github.com/gokrazy/gokrazy/cmd/dhcp"],
    "Slashdev": {
        "Version": 1,
        "Shell": {"Mode": "open"},
        "Modules": ["uvcvideo"],
        "Programs": {"example.com/scan/v2": {"Memory": "64M", "Env": ["A=b"]}}
    }
}`

func TestPlanOfAFullFile(t *testing.T) {
	s, err := Parse("config.json", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	got := string(planfile.Append(nil, s.Plan("PARTUUID=x")))
	want := `slashdev-plan 1
hostname scanner
shell open
devfs nomount
perm PARTUUID=x
program scan /user/scan -listen :80
env scan TZ=Europe/Berlin A=b
restart scan always
cgroup scan memory.max 67108864
program local /user/local
restart local gokrazy
manual local
program dhcp /gokrazy/dhcp
restart dhcp gokrazy
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(s.Warnings) != 0 {
		t.Errorf("warnings: %q", s.Warnings)
	}
	if w := s.Programs[1].Where; w != "config.json:6:18" {
		t.Errorf("position of the package: %s", w)
	}
}

func TestS3_57_NamesReachThePlan(t *testing.T) {
	for devfs, want := range map[string]string{
		`{}`:                                        "nomount",
		`{"Names":["devfs","new-compat"]}`:          "nomount,names:devfs:new-compat",
		`{"Mode":"nomount","Numbers":"stable"}`:     "nomount,numbers:stable",
		`{"Names":["old-compat"],"Numbers":"free"}`: "nomount,names:old-compat,numbers:free",
	} {
		s, err := Parse("config.json", []byte(`{"Hostname":"a","Slashdev":{"Version":1,"Devfs":`+devfs+`}}`))
		if err != nil || s.Plan("").Devfs != want || len(s.Warnings) != 0 {
			t.Errorf("%s: %v, want %s; %v", devfs, err, want, s.Warnings)
		}
	}
}

func TestGokrazyDefaults(t *testing.T) {
	s, err := Parse("c", []byte(`{"Hostname":"gokrazy","Update":{"HTTPPassword":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range s.Programs {
		names = append(names, p.Path())
	}
	if want := "/gokrazy/dhcp /gokrazy/ntp /gokrazy/randomd /gokrazy/heartbeat"; strings.Join(names, " ") != want {
		t.Errorf("programs: %v", names)
	}
	if s.Shell != "password" {
		t.Errorf("an image with a password has shell %q", s.Shell)
	}
}

func TestLogReachesThePlan(t *testing.T) {
	s, err := Parse("c", []byte(`{"Hostname":"a","Slashdev":{"Version":1,"Log":{"Quota":"32M","Drop":["dhcp","ntp"],"Remote":"udp://10.0.0.1"}}}`))
	if err != nil || len(s.Warnings) > 0 {
		t.Fatal(err, s.Warnings)
	}
	if got := string(planfile.Append(nil, s.Plan(""))); !strings.Contains(got, "\nlog quota=32M remote=udp://10.0.0.1 drop=dhcp,ntp\n") {
		t.Errorf("plan:\n%s", got)
	}
}

func TestErrorsCarryPositionAndFix(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"Hostname": "a",}`, `f:1:18: not JSON: invalid character '}' looking for beginning of object key string`},
		{"{\n \"Hostname\": \"a\"", `f:2:17: not JSON: the file ends too early`},
		{``, `f:1:1: not JSON: the file ends too early`},
		{`{"Hostname": 3}`, `f:1:14: Hostname holds the number 3, want a string`},
		{`{"Hostname":"a","Packages":"x"}`, `f:1:28: Packages holds a string, want an array`},
		{`{"Hostname":"a"} x`, `f:1:18: text behind the closing brace`},
		{`{}`, `f:1:1: no Hostname: add "Hostname": "NAME"`},
		{`{"Hostname": "a b"}`, `f:1:14: host name "a b"`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Shel":{}}}`, `f:1:41: Slashdev: unknown key "Shel": use one of Devfs, Health, Log, Modules, Programs, Shell, Update, Version`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Version":1}}`, `"Version" is here twice`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"shell":{}}}`, `unknown key "shell"`},
		{`{"Hostname":"a","slashdev":{"Version":1,"Shell":{"Mde":"open"}}}`, `unknown key "Mde"`},
		{"{\"Hostname\":\"a\",\n\"Slashdev\":{\"Version\":1,\"Shell\":{\"Mode\":\"opne\"}}}", `f:2:41: Slashdev.Shell.Mode is "opne": use one of open, password, off`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Devfs":{"Names":["udev"]}}}`, `Slashdev.Devfs.Names is "udev": use one of devfs, new-compat, old-compat`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Devfs":{"Numbers":"fixed"}}}`, `use one of free, stable`},
		{`{"Hostname":"a","Slashdev":{"Version":2}}`, `write "Version": 1`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Programs":{"x":{}}}}`, `no program x: use a package`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Log":{"Remote":"http://x"}}}`, `f:1:57: remote: "http://x": use udp://HOST, tcp://HOST or tls://HOST`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Log":{"Tee":"loud"}}}`, `tee: "loud": use one of emerg, alert`},
		{`{"Hostname":"a","Slashdev":{"Version":1,"Log":{"Drop":["dhcp","x"]}}}`, `f:1:63: no program x: use the name`},
		{`{"Hostname":"a","Packages":["x/kernel"]}`, `is taken by the system`},
		{`{"Hostname":"a","Packages":["x/y","z/y"]}`, `f:1:35: a second program named "y"`},
		{`{"Hostname":"a","Packages":["x/init"]}`, `is taken by the system`},
		{`{"Hostname":"a","Packages":["x/await-net"]}`, `is taken by the system`},
		{`{"Hostname":"a","Packages":["x/teardown"]}`, `is taken by the system`},
		{`{"Hostname":"a","Packages":["x/shutdown"]}`, `is taken by the system`},
		{`{"Hostname":"a","Packages":["x/sh-ttyS0"]}`, `is taken by the system`},
		{`{"Hostname":"a","Packages":["x y"]}`, `is not a Go package`},
		{`{"Hostname":"a","Packages":["x"],"PackageConfig":{"x":{"Environment":["A"]}}}`, `"A" is not KEY=VALUE`},
		{`{"Hostname":"a","Packages":["x"],"PackageConfig":{"x":{"ExtraFilePaths":{"etc":"e"}}}}`, `want an absolute path`},
	} {
		_, err := Parse("f", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, c.want)
		}
		var pos *Error
		if !errors.As(err, &pos) {
			t.Errorf("%s: error without a position: %v", c.text, err)
		}
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	_, err := Parse("f", []byte(`{"Hostname":"-","Slashdev":{"Version":9,"Shell":{"Mode":"x"}}}`))
	if n := strings.Count(err.Error(), "\n") + 1; n != 3 {
		t.Errorf("%d errors, want 3:\n%v", n, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add(`{"Hostname":"a"}`)
	f.Add(`{"Hostname":"a","Slashdev":{"Version":1,"Devfs":{"Views":[{"Name":"x"}]}}}`)
	f.Add("{\"Hostname\":\"a\",\"Packages\":[\"\"]}")
	f.Add(`[{`)
	f.Add(string(scan(`"After": ["db"], "WaitFor": [], "User": "nobody", "Health": "tcp::80", "Limits": {"as": "1G"}, "CPU": "5%"`)))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f", []byte(text))
		if (s == nil) == (err == nil) {
			t.Fatalf("spec %v and error %v", s, err)
		}
		if s == nil {
			return
		}
		want := s.Plan("")
		got, err := plan.Parse(string(planfile.Append(nil, want)))
		if err != nil || string(planfile.Append(nil, got)) != string(planfile.Append(nil, want)) {
			t.Errorf("PID 1 cannot read the plan: %v\n%s", err, planfile.Append(nil, want))
		}
		if slices.ContainsFunc(s.Programs, func(p Program) bool { return p.Where == "" }) {
			t.Error("a program without a position")
		}
	})
}
