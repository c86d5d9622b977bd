package spec

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"slashdev/init/plan"
	"slashdev/init/planfile"
)

// scan wraps the keys of one program, on a line of their own, into a file.
func scan(keys string) []byte {
	return fmt.Appendf(nil, `{"Hostname": "box", "Packages": ["x.org/scan", "x.org/db"], "GokrazyPackages": [],
"Slashdev": {"Version": 1, "Programs": {"x.org/scan": {
%s
}}}}`, keys)
}

// lines compiles the keys and returns what the plan says of the program.
func lines(t *testing.T, text []byte) string {
	t.Helper()
	s, err := Parse("f", text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	var all []string
	for l := range strings.Lines(string(planfile.Append(nil, s.Plan("")))) {
		words := strings.Fields(l)
		if len(words) > 1 && words[1] == "scan" && words[0] != "program" {
			all = append(all, strings.TrimSpace(strings.Replace(l, " scan", "", 1)))
		}
	}
	return strings.Join(all, "\n")
}

func TestEveryKeyReachesThePlan(t *testing.T) {
	got := lines(t, scan(`
		"After": ["x.org/db"], "WaitFor": ["dev:input/by-id/scanner", "clock", "program:/user/db"],
		"Restart": "on-failure", "Ready": "tcp:127.0.0.1:80", "User": "nobody", "Group": "dialout, video",
		"Capabilities": ["CAP_NET_RAW", "net_bind_service"], "Limits": {"nofile": "1024:4096", "core": "0:unlimited", "as": "1.5G"},
		"Memory": "64M", "Pids": 32, "CPU": "50% weight:20", "IO": "weight:30 sda rbps=10M wiops=100",
		"StopTimeout": "1m30s", "ReadyTimeout": "500ms", "Health": "http://127.0.0.1/ok", "Listen": ["tcp::80", "unix:/run/s"],
		"Watchdog": "30s", "Dir": "/", "Env": ["A=b"], "OneShot": true, "ReadOnly": true, "Score": -5`))
	want := `env A=b
restart on-failure
oneshot
after db
wait dev:input/by-id/scanner clock program:db
ready tcp:127.0.0.1:80
ready-timeout 500
stop-timeout 90000
watchdog 30000
listen tcp::80 unix:/run/s
dir /
readonly
health 30000 10000 3 /sbin/userland health http://127.0.0.1/ok
user 65534 20 44
capabilities cap_net_raw cap_net_bind_service
limit as 1610612736 1610612736
limit core 0 unlimited
limit nofile 1024 4096
cgroup memory.max 67108864
cgroup pids.max 32
cgroup cpu.max "50000 100000"
cgroup cpu.weight 20
cgroup io.weight 30
cgroup io.max "sda rbps=10485760 wiops=100"
score -5`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDefaults(t *testing.T) {
	for keys, want := range map[string]string{
		``:                                     "restart always",
		`"OneShot": true`:                      "restart on-failure\noneshot",
		`"Timer": "24h"`:                       "restart never\ntimer 86400000",
		`"WaitFor": []`:                        "restart always\nwait",
		`"WaitFor": ["settled"]`:               "restart always\nwait settled",
		`"Capabilities": []`:                   "restart always\ncapabilities",
		`"Group": "dialout"`:                   "restart always\nuser 0 20",
		`"User": "1000"`:                       "restart always\nuser 1000 1000",
		`"User": "1000", "Group": "video,104"`: "restart always\nuser 1000 44 104",
		`"Health": {"Command": ["/user/ask", "-q"], "Interval": "1s", "Timeout": "2s", "Failures": 5}`: "restart always\nhealth 1000 2000 5 /user/ask -q",
		`"Health": {"URL": "tcp:127.0.0.1:22"}`:                                                        "restart always\nhealth 30000 10000 3 /sbin/userland health tcp:127.0.0.1:22",
		`"Restart": "gokrazy"`:                                                                         "restart gokrazy",
	} {
		if got := lines(t, scan(keys)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", keys, got, want)
		}
	}
}

// TestWaitForClock: gokrazy's key adds to what is waited for, listed or not.
func TestWaitForClock(t *testing.T) {
	const file = `{"Hostname": "box", "Packages": ["x.org/scan"], "GokrazyPackages": [],
"PackageConfig": {"x.org/scan": {"WaitForClock": true}}%s}`
	for own, want := range map[string]string{
		"": "restart gokrazy\nwait settled clock",
		`, "Slashdev": {"Version": 1, "Programs": {"x.org/scan": {"WaitFor": []}}}`:        "restart always\nwait clock",
		`, "Slashdev": {"Version": 1, "Programs": {"x.org/scan": {"WaitFor": ["clock"]}}}`: "restart always\nwait clock",
	} {
		if got := lines(t, fmt.Appendf(nil, file, own)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", own, got, want)
		}
	}
}

func TestWrongValuesSayWhereAndWhat(t *testing.T) {
	for keys, want := range map[string]string{
		`"After": ["db", "cache"]`:                        `f:3:17: scan.After[1]: no program "cache" in this appliance`,
		`"WaitFor": ["program:cache"]`:                    `f:3:13: scan.WaitFor[0]: no program "cache" in this appliance`,
		`"WaitFor": ["clok"]`:                             `f:3:13: scan.WaitFor[0]: "clok": use settled, clock, net, dev:NAME or program:NAME`,
		`"WaitFor": ["dev:/dev/ttyUSB0"]`:                 `f:3:13: scan.WaitFor[0]: "dev:/dev/ttyUSB0": use settled`,
		`"Restart": "allways"`:                            `f:3:12: scan.Restart: "allways": use always, on-failure, gokrazy or never`,
		`"Ready": "tcp:localhost:80"`:                     `f:3:10: scan.Ready: "tcp:localhost:80": write the host as a number`,
		`"Ready": "port 80"`:                              `f:3:10: scan.Ready: "port 80": use notify, fd:N`,
		`"Capabilities": ["net_row"]`:                     `f:3:18: scan.Capabilities[0]: "net_row" is no capability`,
		`"Limits": {"files": "5"}`:                        `f:3:21: scan.Limits.files: no such limit: use one of as core`,
		`"Limits": {"nofile": "9:5"}`:                     `f:3:22: scan.Limits.nofile: "9:5": the soft limit is above the hard one`,
		`"Limits": {"nofile": "many"}`:                    `f:3:22: scan.Limits.nofile: "many" is no limit`,
		`"Memory": "64MB"`:                                `f:3:11: scan.Memory: "64MB" is no size: write bytes, or a number and K, M, G or T: 64M`,
		`"Memory": "-1"`:                                  `"-1" is no size`,
		`"Memory": "9999999999G"`:                         `is no size`,
		`"Pids": -4`:                                      `f:3:9: scan.Pids: -4 is no number of processes`,
		`"CPU": "50"`:                                     `f:3:8: scan.CPU: "50" is no share of a processor: write "50%"`,
		`"CPU": "weight:0"`:                               `a weight is from 1 to 10000`,
		`"CPU": "NaN%"`:                                   `is no share`,
		`"IO": "sda speed=5"`:                             `f:3:7: scan.IO: "sda speed=5": write "weight:50" or "DISK rbps`,
		`"IO": "sda"`:                                     `scan.IO: "sda": write`,
		`"StopTimeout": "10"`:                             `f:3:16: scan.StopTimeout: "10" is no duration: write a number and ms, s, m or h: 10s`,
		`"Watchdog": "-5s"`:                               `is no duration`,
		`"Timer": "1us"`:                                  `is no duration`,
		`"Timer": "1h", "Restart": "always"`:              `f:3:27: scan.Restart: a program with a Timer is started by it`,
		`"OneShot": true, "Restart": "always"`:            `scan.Restart: a OneShot that ended well is done`,
		`"ReadyTimeout": "1s"`:                            `scan.ReadyTimeout: the program is ready when it runs: set Ready`,
		`"Health": "ftp://x"`:                             `f:3:11: scan.Health: "ftp://x": write http://HOST:PORT/PATH or tcp:HOST:PORT`,
		`"Health": {}`:                                    `scan.Health: write "URL" or "Command", one of them`,
		`"Health": {"URL": "http://a/", "Intervall": 1}`:  `Slashdev.Programs.x.org/scan.Health: unknown key "Intervall": use one of Command, Failures, Interval, Timeout, URL`,
		`"Health": {"URL": 5}`:                            `f:3:19: Slashdev.Programs.x.org/scan.Health.URL holds the number 5, want a string`,
		`"Health": {"Command": ["ask"]}`:                  `f:3:23: scan.Health.Command: "ask": write the command's absolute path`,
		`"Health": {"URL": "http://a/", "Failures": -1}`:  `scan.Health.Failures: -1: write how often`,
		`"Listen": ["http"]`:                              `f:3:12: scan.Listen[0]: "http": use tcp:HOST:PORT`,
		`"Listen": ["udp:host:53"]`:                       `write the host as a number, as in udp:127.0.0.1:80`,
		`"Dir": "data"`:                                   `f:3:8: scan.Dir: "data": use an absolute path`,
		`"Env": ["A"]`:                                    `f:3:9: scan.Env[0]: "A": write KEY=VALUE`,
		`"Score": 5000`:                                   `f:3:10: scan.Score: 5000: write a number from -1000`,
		`"Memory": 64`:                                    `f:3:11: Slashdev.Programs.x.org/scan.Memory holds the number 64, want a string`,
		`"OneShot": "yes"`:                                `holds a string, want true or false`,
		`"Pids": 1.5`:                                     `f:3:9: Slashdev.Programs.x.org/scan.Pids holds the number 1.5, want a whole number`,
		`"Timer": ""`:                                     `f:3:10: scan.Timer: is empty: write a value, or remove the key`,
		`"CPU": " "`:                                      `f:3:8: scan.CPU: is empty`,
		`"IO": " "`:                                       `f:3:7: scan.IO: " ": write`,
		`"Memory": "0"`:                                   `f:3:11: scan.Memory: "0": no program lives in less than 4K`,
		`"Ready": "fd:4", "Listen": ["tcp::1", "tcp::2"]`: `f:3:10: scan.Ready: descriptor 4 is a socket of Listen: use fd:5 or above`,
		`"Listen": ["tcp::1"]}, "x.org/db": {"Listen": ["tcp::1"]`: `f:3:48: db.Listen[0]: scan listens on tcp::1 already`,
		`"Listen": ["tcp::80", "tcp:0.0.0.0:80"]`:                  `f:3:23: scan.Listen[1]: scan listens on tcp::80 already`,
		`"Listen": ["tcp:[::1]:80", "tcp:[::]:80"]`:                `f:3:28: scan.Listen[1]: scan listens on tcp:[::1]:80 already`,
		`"Listen": ["tcp::080", "tcp:1.2.3.4:80"]`:                 `f:3:24: scan.Listen[1]: scan listens on tcp::080 already`,
		`"Listen": ["unix:/run/a", "unix:/run//b/../a"]`:           `f:3:27: scan.Listen[1]: scan listens on unix:/run/a already`,
		`"Listen": ["unix:/run//slashdev/init.sock"]`:              `scan.Listen[0]: /run/slashdev/init.sock is a socket of slashdev's own`,
		`"Listen": ["unix:/run/slashdev/init.sock"]`:               `f:3:12: scan.Listen[0]: /run/slashdev/init.sock is a socket of slashdev's own`,
		`"Listen": ["unix:/run/` + strings.Repeat("x", 103) + `"]`: `unix:PATH (of 107 bytes at most)`,
		`"Ready": "dev:a\u001b[2J"`:                                `f:3:10: scan.Ready: "dev:a\x1b[2J": use notify`,
		`"Limits": {"nofile": "unlimited"}`:                        `f:3:22: scan.Limits.nofile: a program can have 1048576 files open at most`,
		`"CPU": "50% 60%"`:                                         `f:3:8: scan.CPU: "60%" is a second share: write one`,
		`"Memroy": "64M"`:                                          `f:3:1: Slashdev.Programs.x.org/scan: unknown key "Memroy": use one of After, CPU, Capabilities`,
	} {
		_, err := Parse("f", scan(keys))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", keys, err, want)
		}
	}
}

// TestWaitingForWhatIsStartedByHand is allowed, and said.
func TestWaitingForWhatIsStartedByHand(t *testing.T) {
	s, err := Parse("f", []byte(`{"Hostname": "box", "Packages": ["x.org/a", "x.org/b"], "GokrazyPackages": [],
"PackageConfig": {"x.org/a": {"DontStart": true}},
"Slashdev": {"Version": 1, "Programs": {"x.org/b": {"After": ["a"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "f:1:45: b waits for a, which is not started at boot (DontStart)"; len(s.Warnings) != 1 || s.Warnings[0] != want {
		t.Errorf("warnings %q, want %s", s.Warnings, want)
	}
}

// TestC05_UnknownUserIsNeverRoot: CVE-2017-1000082 ran "0day" as root.
func TestC05_UnknownUserIsNeverRoot(t *testing.T) {
	for keys, want := range map[string]string{
		`"User": "0day"`:                     `f:3:9: scan.User: the image has no user "0day": use root, nobody or a number`,
		`"User": "scan"`:                     `no user "scan"`,
		`"User": "-1"`:                       `no user "-1"`,
		`"User": "4294967295"`:               `no user "4294967295"`,
		`"User": "4294967296"`:               `no user "4294967296"`,
		`"User": "00"`:                       `no user "00"`,
		`"User": "0x0"`:                      `no user "0x0"`,
		`"User": " "`:                        `no user " "`,
		`"User": "root:x"`:                   `no user "root:x"`,
		`"Group": "scan"`:                    `f:3:10: scan.Group: the image has no group "scan": use root, tty`,
		`"Group": "video,"`:                  `no group ""`,
		`"User": "nobody", "Group": "diode"`: `no group "diode"`,
		`"User": ""`:                         `f:3:9: scan.User: is empty: write a value, or remove the key`,
		`"User": null`:                       `f:3:9: scan.User: is empty`,
		`"User": 1000`:                       `User holds the number 1000, want a string`,
		`"Usr": "nobody"`:                    `unknown key "Usr"`,
	} {
		s, err := Parse("f", scan(keys))
		if err == nil || !strings.Contains(err.Error(), want) || s != nil {
			t.Errorf("%s\n got %v\nwant %s", keys, err, want)
		}
	}
}

// TestC07_CyclesAreRefusedWhereTheyAreWritten names the programs in order.
func TestC07_CyclesAreRefusedWhereTheyAreWritten(t *testing.T) {
	_, err := Parse("f", []byte(`{"Hostname": "box", "Packages": ["x.org/a", "x.org/b", "x.org/c"], "GokrazyPackages": [],
"Slashdev": {"Version": 1, "Programs": {
"x.org/a": {"After": ["b"]},
"x.org/b": {"WaitFor": ["program:c"]},
"x.org/c": {"After": ["x.org/a"]}}}}`))
	if want := "f:3:22: programs wait for each other: a -> b -> c -> a: remove one"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err = Parse("f", scan(`"WaitFor": ["program:scan"]`)); err == nil || err.Error() != "f:3:12: scan waits for itself: remove one" {
		t.Errorf("got %v", err)
	}
}

// TestC09_WrongTypesAndBombsAreRefusedAtOnce: every wrong type is reported, and
// a file that is nothing but brackets costs no time.
func TestC09_WrongTypesAndBombsAreRefusedAtOnce(t *testing.T) {
	_, err := Parse("f", scan(`"Memory": 64, "Pids": "5", "After": "db", "Health": 7, "Limits": {"nofile": 5}, "OneShot": 1`))
	for _, key := range []string{"Memory", "Pids", "After", "Health", "Limits.nofile", "OneShot"} {
		if !strings.Contains(fmt.Sprint(err), key+" holds ") {
			t.Errorf("no word of %s in %v", key, err)
		}
	}
	for name, text := range map[string][]byte{
		"arrays":   bytes.Repeat([]byte("["), maxSize),
		"objects":  bytes.Repeat([]byte(`{"a":`), maxSize/5),
		"unread":   []byte(`{"Hostname":"a","X":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}"),
		"keys":     []byte(`{"Hostname":"a","Slashdev":{` + strings.Repeat(`"x":0,`, 100000) + `"x":0}}`),
		"packages": []byte(`{"Hostname":"a","Packages":["x"` + strings.Repeat(`,"x"`, 100000) + `]}`),
		"large":    bytes.Repeat([]byte(" "), maxSize+1),
	} {
		began := time.Now()
		_, err := Parse("f", text)
		if took := time.Since(began); took > 20*time.Second { // quadratic would be minutes
			t.Errorf("%s: %s", name, took)
		}
		var place *Error
		if name != "unread" && (!errors.As(err, &place) || len(err.Error()) > 100_000) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

// TestC10_NewerFilesAreNamedAsSuch: an unknown key may come from a newer
// slashdev, and is never passed over.
func TestC10_NewerFilesAreNamedAsSuch(t *testing.T) {
	_, err := Parse("f", []byte(`{"Hostname":"a","Slashdev":{"Version":2,"Quota":{}}}`))
	for _, want := range []string{
		`f:1:28: Slashdev.Version is 2: this slashdev reads version 1: write "Version": 1, or use a newer slashdev`,
		`f:1:41: Slashdev: unknown key "Quota"`, "a newer file needs a newer slashdev",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// TestNamesAgreeWithPID1 keeps the plan that we write readable for PID 1.
func TestNamesAgreeWithPID1(t *testing.T) {
	for _, c := range strings.Fields(capabilities) {
		if err := plan.Valid("capabilities", "cap_"+c); err != nil {
			t.Error(err)
		}
	}
}

// TestDocsNameEveryKey keeps docs/programs.md complete.
func TestDocsNameEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../docs/programs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if s, err := Parse("docs/programs.md", []byte(example)); err != nil || len(s.Warnings) > 0 {
		t.Errorf("the example: %v, %v", err, s)
	}
	for f := range reflect.TypeFor[Run]().Fields() {
		if f.Name != "Devices" && !strings.Contains(string(text), "| `"+f.Name+"` |") {
			t.Errorf("no row about %s", f.Name)
		}
	}
	for _, word := range append(strings.Fields(resources)[:1], "settled", "dev:NAME", "clock", "net", "program:NAME", "notify", "fd:N", "tcp:HOST:PORT", "unix:PATH") {
		if !strings.Contains(string(text), word) {
			t.Errorf("no word of %s", word)
		}
	}
}

// FuzzCheck: whatever the text, it is ok or something is wrong in it, at a
// place that exists.
func FuzzCheck(f *testing.F) {
	f.Add("slashdev-plan 1\nprogram x /x\nprogram y /y\nafter x y\nwait y program:x\n")
	f.Add("slashdev-plan 1\nprogram x /x\nenv x \"\nmemory x\n\n")
	f.Add(string(scan(`"Memory": "1K"`)))
	f.Fuzz(func(t *testing.T, text string) {
		r := Check("f", []byte(text))
		if r.OK != (len(r.Errors) == 0) || r.OK != (r.Plan != nil && r.Err() == nil) {
			t.Fatalf("%+v", r)
		}
		for _, e := range r.Errors {
			if e.Line < 1 || e.Col < 1 || e.Line > strings.Count(text, "\n")+1 || e.Msg == "" {
				t.Fatalf("no such place: %v", e)
			}
		}
	})
}
