package plan_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"slashdev/init/plan"
	"slashdev/init/planfile"
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

// every says all that can be said about a program.
const every = `slashdev-plan 1
shell off
devfs nomount
log quota=16M tee=warning
program scan /user/scan -v
env scan A=b "C=d e"
restart scan on-failure
manual scan
oneshot scan
after scan db cache
wait scan dev:input/by-id/scanner clock program:db
ready scan tcp:127.0.0.1:80
ready-timeout scan 20000
stop-timeout scan 1500
watchdog scan 30000
timer scan 3600000
listen scan tcp::80 unix:/run/scan.sock
dir scan /
readonly scan
health scan 10000 2000 3 /sbin/userland health http://127.0.0.1/
user scan 1000 1000 5 104
capabilities scan cap_net_bind_service
limit scan nofile 1024 unlimited
cgroup scan memory.max 67108864
score scan -100
`

// parse reads a plan and looks at each program's own lines: launch must read
// the same program from them. They are left out of what is compared then.
func parse(t *testing.T, text string) (*plan.Plan, error) {
	t.Helper()
	p, err := plan.Parse(text)
	if err != nil {
		return nil, err
	}
	for i := range p.Programs {
		prog := &p.Programs[i]
		alone, err := plan.Parse(prog.Entry())
		if err != nil || len(alone.Programs) != 1 || !reflect.DeepEqual(alone.Programs[0], *prog) {
			t.Errorf("%s alone: %v\n%s", prog.Name, err, prog.Entry())
		}
	}
	for i := range p.Programs {
		p.Programs[i].Text = ""
	}
	return p, nil
}

func TestParse(t *testing.T) {
	got, err := parse(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	want := &plan.Plan{
		Hostname: "box", Shell: "open", Devfs: "nomount",
		Perm: "PARTUUID=60c24cc1-f3f9-427a-8199-2e18c40c0004",
		Programs: []plan.Program{
			{Name: "hello", Path: "/user/hello", Args: []string{"-greeting", "good day"}, Env: []string{"LANG=C"}, Restart: "always"},
			{Name: "dhcp", Path: "/gokrazy/dhcp", Restart: "gokrazy"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	again, err := parse(t, string(planfile.Append(nil, got)))
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("round trip: %+v, %v", again, err)
	}
}

func TestParseEveryKey(t *testing.T) {
	p, err := parse(t, every)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(planfile.Append(nil, p)); got != every {
		t.Errorf("got\n%s\nwant\n%s", got, every)
	}
	want := plan.Program{
		Name: "scan", Path: "/user/scan", Args: []string{"-v"}, Env: []string{"A=b", "C=d e"},
		Restart: "on-failure", Manual: true, OneShot: true, After: []string{"db", "cache"},
		Wait:  []string{"dev:input/by-id/scanner", "clock", "program:db"},
		Ready: "tcp:127.0.0.1:80", ReadyTimeout: 20 * time.Second, StopTimeout: 1500 * time.Millisecond,
		Watchdog: 30 * time.Second, Timer: time.Hour,
		Health: &plan.Health{
			Command:  []string{"/sbin/userland", "health", "http://127.0.0.1/"},
			Interval: 10 * time.Second, Timeout: 2 * time.Second, Failures: 3,
		},
		HasUser: true, UID: 1000, GID: 1000, Groups: []uint32{5, 104},
		HasCapabilities: true, Capabilities: []string{"cap_net_bind_service"},
		Limits: []plan.Limit{{"nofile", 1024, plan.Unlimited}}, Cgroup: []plan.Setting{{"memory.max", "67108864"}},
		Listen: []string{"tcp::80", "unix:/run/scan.sock"}, Dir: "/", ReadOnly: true, Score: -100,
	}
	if got := p.Programs[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestEmptyListsSayMoreThanNone: no wait line is the default, an empty one
// waits for nothing; no capabilities line keeps nearly all, an empty one none.
func TestEmptyListsSayMoreThanNone(t *testing.T) {
	p, err := plan.Parse("slashdev-plan 1\nprogram a /a\nprogram b /b\nwait b\ncapabilities b\n")
	if err != nil {
		t.Fatal(err)
	}
	a, b := p.Programs[0], p.Programs[1]
	if a.Wait != nil || a.HasCapabilities || b.Wait == nil || len(b.Wait) > 0 || !b.HasCapabilities {
		t.Errorf("a %+v\nb %+v", a, b)
	}
}

func TestNeedsLaunch(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "dir x /": false, "cgroup x pids.max 5": false, "user x 0 0": false, "score x 5": false,
		"user x 1 0": true, "user x 0 0 5": true, "capabilities x": true, "limit x nofile 1 1": true, "readonly x": true,
		"listen x tcp::80": true,
	} {
		p, err := plan.Parse("slashdev-plan 1\nprogram x /x\n" + text)
		if err != nil || p.Programs[0].NeedsLaunch() != want {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestNeedsPerm(t *testing.T) {
	for dir, want := range map[string]bool{"": true, "/perm": true, "/perm/x": true, "/permanent": false, "/": false} {
		if p := (plan.Program{Name: "x", Dir: dir}); p.NeedsPerm() != want {
			t.Errorf("%q: %v", dir, !want)
		}
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
		{"program x /x\nenv x AB", `line 3: env x: "AB": write KEY=VALUE`},
		{"program x /x\nrestart x maybe", `line 3: restart x: "maybe": use always, on-failure, gokrazy or never`},
		{"program x /x\nrestart x", "line 3: restart x: has 0 values, needs 1"},
		{"program x /x\nmanual x yes", "line 3: manual x: has 1 values, needs 0"},
		{"restart", "line 2: restart: no program  above this line"},
		{"memory x 5", `line 2: unknown key "memory": made by a newer builder?`},
		{"program x /x\nafter x /y", `line 3: after x: "/y": use the name of a program`},
		{"program x /x\nwait x dev:../mem", `line 3: wait x: "dev:../mem": use settled, clock, net, dev:NAME or program:NAME`},
		{"program x /x\nready x fd:2", `line 3: ready x: "fd:2": use notify, fd:N (3 to 1023), dev:NAME, tcp:ADDR or unix:PATH (of 107 bytes at most)`},
		{"program x /x\nready x fd:1024", `line 3: ready x: "fd:1024": use notify, fd:N (3 to 1023), dev:NAME, tcp:ADDR or unix:PATH (of 107 bytes at most)`},
		{"program x /x\nlisten x tcp:http", `line 3: listen x: "tcp:http": use tcp:HOST:PORT, udp:HOST:PORT or unix:PATH (of 107 bytes at most)`},
		{"program x /x\ndir x here", `line 3: dir x: "here": use an absolute path`},
		{"program x /x\ntimer x 10s", `line 3: timer x: "10s" is not a number of milliseconds`},
		{"program x /x\nuser x 1000", "line 3: user x: needs UID GID [GID...]"},
		{"program x /x\nuser x scan scan", `line 3: user x: "scan" is not an id`},
		{"program x /x\nuser x 4294967295 0", `line 3: user x: "4294967295" is not an id`},
		{"program x /x\ncapabilities x all", `line 3: capabilities x: "all": write it as in capabilities(7): cap_net_raw`},
		{"program x /x\nlimit x nofile 5 4", "line 3: limit x: nofile: soft limit above the hard one"},
		{"program x /x\nlimit x nofile -1 4", `line 3: limit x: "-1" is neither a number nor unlimited`},
		{"program x /x\ncgroup x ../procs 1", "line 3: cgroup x: needs FILE VALUE"},
		{"program x /x\nhealth x 1 1 1", "line 3: health x: needs INTERVAL TIMEOUT FAILURES PATH [ARG...]"},
		{"program x /x\nscore x 2000", "line 3: score x: needs a number from -1000 to 1000"},
		{`hostname "x`, "line 2: column 10: quote is not closed"},
	}
	for _, tt := range tests {
		_, err := plan.Parse("slashdev-plan 1\n" + tt.body + "\n")
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.body, err, tt.want)
		}
	}
	for _, text := range []string{"", "\x00\x00\x00\x00", "slashdev-plan 2\n", "hostname x\n"} {
		if p, err := plan.Parse(text); err == nil {
			t.Errorf("plan.Parse(%q) = %+v, want an error", text, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(every)
	f.Add("slashdev-plan 1\nprogram a /a \"\"\nenv a X=\"\\x00\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse(t, text)
		if (p == nil) == (err == nil) {
			t.Fatalf("plan %v, error %v: want exactly one", p, err)
		}
		if err != nil {
			return
		}
		out := string(planfile.Append(nil, p))
		again, err := parse(t, out)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("round trip of %s: %v", strings.TrimSpace(out), err)
		}
	})
}
