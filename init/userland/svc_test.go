package main

import (
	"bufio"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/image/spec"
	"slashdev/init/plan"
	"slashdev/init/planfile"
)

// fakeInit answers requests as PID 1 would, each with the text given for it.
func fakeInit(t *testing.T, replies map[string]string) {
	t.Helper()
	fakeDaemon(t, "init.sock", replies)
}

func fakeDaemon(t *testing.T, socket string, replies map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("SLASHDEV_RUN", dir)
	l, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			request, _ := bufio.NewReader(c).ReadString('\n')
			reply, ok := replies[strings.TrimSpace(request)]
			if !ok {
				reply = `err 3 "no such program"`
			}
			_, _ = c.Write([]byte(reply + "\n"))
			c.Close()
		}
	}()
}

const (
	appliance = `{"Hostname": "box", "Packages": ["x.org/db", "x.org/scan", "x.org/web"], "GokrazyPackages": [],
"Slashdev": {"Version": 1, "Programs": {
"x.org/scan": {"After": ["web"], "WaitFor": ["dev:input/by-id/scanner", "program:db"]},
"x.org/web": {"WaitFor": [], "Dir": "/"}}}}`
	listed = "= name=devmgr state=up pid=80 restarts=0 exit= since=5 status=\n" +
		"= name=db state=up pid=90 restarts=2 exit=1 since=300 status=serving\n" +
		"= name=scan state=held pid=0 restarts=0 exit= since=4 status=\nok"
)

// box is a machine with a plan and the appliance file that it came from.
func box(t *testing.T) fstest.MapFS {
	t.Helper()
	r := spec.Check("config.json", []byte(appliance))
	if !r.OK {
		t.Fatal(r.Err())
	}
	return tree(map[string]string{
		plan.File[1:]: string(planfile.Append(nil, r.Plan)), configFile[1:]: appliance,
		"tmp/bad.json": "{\"Hostname\": \"a b\",\n\"Slashdev\": {\"Version\": 1, \"Shel\": {}}}",
		"tmp/cycle":    "slashdev-plan 1\nprogram a /a\nprogram b /b\nafter a b\nafter b a\n",
		"tmp/badplan":  "slashdev-plan 1\nprogram a /a\nmemory a 5\n",
	})
}

func TestSvc(t *testing.T) {
	fakeInit(t, map[string]string{
		"ls":          listed,
		"status":      "= stage=ready uptime=300\nok",
		"start scan":  "ok",
		"stop db":     `err 4 "the machine is going down"`,
		"why scan":    "= kind=state text=\"held for 4s\"\n= kind=waits text=\"it waits for device input/by-id/scanner\\x1b[2J\"\nok",
		"why web":     "= kind=state text=\"down for 1s\"\nok",
		"why db":      "= kind=state text=\"up for 5m0s\"\nok",
		"restart db":  "ok",
		"restart web": "ok",
	})
	root := box(t)
	const table = "NAME    STATE  PID  SINCE  RESTARTS  LAST EXIT\n"
	for _, c := range []struct {
		words, out, complaint string
		code                  int
	}{
		{"svc", table + "devmgr  up      80     5s         0  -\ndb      up      90     5m         2  1\nscan    held     -     4s         0  -\n", "", 0},
		{"svc status", "stage   ready\nuptime  300\n", "", 0},
		{"svc status scan", "NAME  STATE  PID  SINCE  RESTARTS  LAST EXIT\nscan  held     -     4s         0  -\n" +
			"scan: held for 4s\n    it waits for device input/by-id/scanner\\x1b[2J\n", "", 0},
		{"svc status db", "NAME  STATE  PID  SINCE  RESTARTS  LAST EXIT\ndb    up      90     5m         2  1\n" +
			"db: up for 5m0s\n    it says: serving\n", "", 0},
		{"svc why db scan", "db: up for 5m0s\nscan: held for 4s\n    it waits for device input/by-id/scanner\\x1b[2J\n", "", 0},
		{"svc why", "scan: held for 4s\n    it waits for device input/by-id/scanner\\x1b[2J\nweb: down for 1s\n", "", 0},
		{"svc why db nosuch", "db: up for 5m0s\n", "no such program", 3},
		{"svc why nosuch", "", "no such program", 3},
		{"svc status nosuch", "", "nosuch: no such program", 3},
		{"svc start scan", "", "", 0},
		{"svc restart db web", "", "", 0},
		{"svc start nosuch", "", "no such program", 3},
		{"svc stop db", "", "the machine is going down", 4},
		{"svc start", "", "svc start needs NAME", 2},
		{"svc start --json scan", "", "unknown option --json", 2},
		{"svc frob", "", "unknown verb frob", 2},
		{"svc check", "/etc/slashdev/config.json: ok: box, 3 programs, shell open\n", "", 0},
		{"svc check " + plan.File, plan.File + ": ok: box, 3 programs, shell open\n", "", 0},
		{"svc check tmp/bad.json", "", "tmp/bad.json:1:14: host name \"a b\"", 2},
		{"svc check tmp/badplan", "", "tmp/badplan:3:1: unknown key \"memory\"", 2},
		{"svc check tmp/cycle", "", "tmp/cycle:4:9: programs wait for each other: a -> b -> a", 2},
		{"svc check nosuch", "", "file does not exist", 3},
		{"svc check a b", "", "one FILE", 2},
		{"svc graph", `scan (held)
|-- /perm
|-- dev:input/by-id/scanner
|-- db (up)
|   ` + "`" + `-- settled
` + "`" + `-- web
`, "", 0},
		{"svc graph tmp/cycle", "b\n|-- settled\n`-- a\n    |-- settled\n    `-- b (see above)\n", "programs wait for each other: a -> b -> a", 0},
		{"svc graph tmp/badplan", "", "tmp/badplan:3:1: unknown key", 2},
	} {
		out, complaint, code := call(t, root, strings.Fields(c.words)...)
		if out != c.out || code != c.code || !strings.Contains(complaint, c.complaint) || c.complaint == "" && complaint != "" {
			t.Errorf("%s: code %d\n%s%s\nwant code %d\n%s%s", c.words, code, out, complaint, c.code, c.out, c.complaint)
		}
	}
}

// TestSvcJSON: programs read every answer the same way, and a name in it never
// changes its meaning.
func TestSvcJSON(t *testing.T) {
	fakeInit(t, map[string]string{"ls": listed, "status": "= stage=ready uptime=300\nok", "why db": "= kind=state text=up\nok"})
	root := box(t)
	for words, want := range map[string]string{
		"svc ls --json":        `[{"exit":"","name":"devmgr","pid":80,"restarts":0,"since":5,"state":"up","status":""},`,
		"svc --json":           `[{"exit":"","name":"devmgr",`,
		"svc --json status db": `[{"exit":"1","name":"db","pid":90,"restarts":2,"since":300,"state":"up","status":"serving"}]`,
		"svc status --json":    `[{"stage":"ready","uptime":300}]`,
		"svc why db --json":    `[{"kind":"state","name":"db","text":"up"}]`,
		"svc check --json":     `{"file":"/etc/slashdev/config.json","ok":true,"summary":"box, 3 programs, shell open","errors":[],"warnings":[]}`,
		"svc check --json /tmp/cycle": `{"file":"/tmp/cycle","ok":false,"summary":"","errors":[{"file":"/tmp/cycle","line":4,"col":9,` +
			`"text":"programs wait for each other: a -\u003e b -\u003e a"}],"warnings":[]}`,
		"svc graph --json": `[{"name":"db","state":"up","needs":[{"kind":"settled","name":""}]},{"name":"web","state":"","needs":[]},` +
			`{"name":"scan","state":"held","needs":[{"kind":"perm","name":""},{"kind":"dev","name":"input/by-id/scanner"},` +
			`{"kind":"program","name":"db"},{"kind":"after","name":"web"}]}]`,
	} {
		out, _, _ := call(t, root, strings.Fields(words)...)
		var compact strings.Builder
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%s: %v\n%s", words, err, out)
		}
		for l := range strings.Lines(out) {
			compact.WriteString(strings.TrimSpace(l))
		}
		got := strings.ReplaceAll(compact.String(), `": `, `":`)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", words, got, want)
		}
	}
}

func TestSvcGraphSVG(t *testing.T) {
	t.Setenv("SLASHDEV_RUN", t.TempDir()) // no PID 1
	out, complaint, code := call(t, box(t), "svc", "graph", "--svg")
	for _, want := range []string{`<svg xmlns="http://www.w3.org/2000/svg"`, ">scan</text>", `class="condition"`, ">dev:input/by-id/scanner</text>", "edge weak", "</svg>\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if code != 0 || complaint != "" {
		t.Errorf("code %d, %s", code, complaint)
	}
	if _, complaint, code := call(t, box(t), "svc", "ls"); code != 7 || !strings.Contains(complaint, "init.sock") {
		t.Errorf("without PID 1: code %d, %s", code, complaint)
	}
}

func TestCompletionOfSvc(t *testing.T) {
	if got := strings.Join(verbs("svc"), " "); got != "ls status start stop restart log why graph check" {
		t.Errorf("verbs: %s", got)
	}
	if got := strings.Join(programNames(box(t)), " "); got != "db scan web" {
		t.Errorf("names: %s", got)
	}
}

// Numbers are numbers, and whatever else stands where one is expected is text.
func TestRecordJSON(t *testing.T) {
	b, err := json.Marshal(record{"time": "12.000345", "seq": "7", "text": "8", "pid": "NaN", "since": "", "boot": "007"})
	if want := `{"boot":"007","pid":"NaN","seq":7,"since":"","text":"8","time":12.000345}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v\nwant %s", b, err, want)
	}
}
