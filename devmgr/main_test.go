package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"slashdev/devmgr/ctl"
)

// call runs a command line without a daemon.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := environment{stdout: &out, stderr: &errs, getenv: func(string) string { return "" }, width: 80}
	code = run(env, args)
	return code, out.String(), errs.String()
}

func TestCommandLines(t *testing.T) {
	none := "--run=" + t.TempDir()
	tests := []struct {
		line   string
		code   int
		stdout string // a part of it
		stderr string
	}{
		{"devmgr", 2, "", "usage: devmgr daemon"},
		{"devmgr help", 0, "usage: devmgr daemon", ""},
		{"devmgr dance", 2, "", `unknown command "dance"`},
		{"devmgr daemon -x", 2, "", `unexpected argument "-x"`},
		{"devmgr daemon -sys", 2, "", `unexpected argument "-sys"`},
		{"devmgr daemon sys /x", 2, "", `unexpected argument "sys"`},
		{"devmgr daemon -h", 0, "-dev DIR", ""},
		{"/sbin/dev", 2, "", "usage: dev VERB"},
		{"dev help", 0, "usage: dev VERB", ""},
		{"dev help ls", 0, "usage: dev ls", ""},
		{"dev ls --help", 0, "usage: dev ls", ""},
		{"dev help dance", 2, "", "unknown verb"},
		{"dev dance", 2, "", "unknown verb"},
		{"dev ls x", 2, "", `unexpected argument "x"`},
		{"dev ls --dance", 2, "", `unexpected option "--dance"`},
		{"dev ls --json=1", 2, "", "unexpected option"},
		{"dev info", 2, "", "give one device"},
		{"dev settle --timeout x", 2, "", "is not a duration"},
		{"dev rules", 2, "", "dev rules check"},
		{"dev rules dance x", 2, "", "dev rules check"},
		{"dev rules check /nosuch", 1, "", "/nosuch: no such file"},
		{"dev name", 2, "", "give one device"},
		{"dev name x --scheme=udev", 2, "", `unknown scheme "udev"`},
		{"dev resolve", 2, "", "give one name"},
		{"devmgr daemon -devfs", 2, "", `unexpected argument "-devfs"`},
		{"dev why", 2, "", "give one device"},
		{"dev test", 2, "", "give one device"},
		{"dev ls " + none, 7, "", "Is devmgr running?"},
		{"dev tree " + none, 7, "", "no such file"},
		{"dev monitor --json " + none, 7, "", "no such file"},
		{"devmgr dev settle sda " + none, 7, "", "no such file"},
		{"udevadm", 1, "", "command required"},
		{"udevadm --help", 0, "udevadm [--help]", ""},
		{"udevadm info -q all", 1, "", "name or path is required"},
		{"udevadm test-builtin dance /dev/null", 1, "", "commands are: blkid "},
		{"devmgr udevadm control x", 1, "", "unexpected argument"},
		{"dev help capture", 0, "usage: dev capture", ""},
		{"dev capture --events=soon", 2, "", "--events wants seconds"},
		{"dev capture --sys=/nosuch", 1, "", "is sysfs mounted?"},
		{"dev capture nosuch-device", 3, "", "no device \"nosuch-device\""},
	}
	for _, tt := range tests {
		code, stdout, stderr := call(strings.Fields(tt.line)...)
		if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%s: got %d, %q, %q", tt.line, code, stdout, stderr)
		}
	}
}

func TestEveryVerbHasHelp(t *testing.T) {
	for _, v := range devVerbs() {
		if !strings.HasPrefix(v.help, "usage: dev "+v.name+" ") && !strings.HasPrefix(v.help, "usage: dev "+v.name+"\n") {
			t.Errorf("help of %s: %q", v.name, v.help)
		}
		if !strings.Contains(devUsage, "  "+v.name+" ") || !strings.Contains(v.help, "--json") {
			t.Errorf("%s is not in the usage, or --json not in its help", v.name)
		}
		for line := range strings.Lines(v.help + devUsage) {
			if len(line) > 81 {
				t.Errorf("longer than 80 columns: %q", line)
			}
		}
	}
}

var records = []ctl.Record{
	{"devpath=/devices/pci0/0000:00:01.0", "subsystem=pci", "driver=virtio-pci", "own_driver=virtio-pci", "modalias=pci:v1"},
	{"devpath=/devices/pci0/0000:00:01.0/virtio1/block/vda", "subsystem=block", "devtype=disk", "devname=vda", "major=254", "minor=0",
		"mode=0660", "owner=root", "group=disk", "driver=virtio_blk", "modalias=", "link=block/254:0", "link=disk/by-path/pci-x"},
	{"devpath=/devices/pci0/0000:00:01.0/virtio1/block/vda/vda10", "subsystem=block", "devname=vda10", "major=254", "minor=10",
		"mode=0660", "owner=root", "group=disk"},
	{"devpath=/devices/pci0/0000:00:01.0/virtio1/block/vda/vda2", "subsystem=block", "devname=vda2", "major=254", "minor=2",
		"mode=0660", "owner=root", "group=disk"},
	{"devpath=/devices/pci0/0000:00:02.0", "subsystem=pci"},
	{"devpath=/devices/pci0/0000:00:03.0/net/eth0", "subsystem=net", "driver=e1000"},
	{"devpath=/devices/virtual/x/\x1b[2J\"", "subsystem=x", "devname=\x1b[2J\"", "major=1", "minor=2", "mode=0600", "owner=root", "group=root"},
}

func output(print func(c *command)) string {
	var out bytes.Buffer
	c := &command{env: environment{getenv: func(string) string { return "" }, width: 80}, out: bufio.NewWriter(&out)}
	print(c)
	c.out.Flush()
	return out.String()
}

func TestJSON(t *testing.T) {
	text := output(func(c *command) { c.jsonArray(records, deviceJSON) })
	var devices []map[string]any
	if err := json.Unmarshal([]byte(text), &devices); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if lines := strings.Count(text, "\n"); len(devices) != len(records) || lines != len(records)+2 {
		t.Errorf("%d devices on %d lines", len(devices), lines)
	}
	for _, d := range devices {
		for _, key := range strings.Fields("devpath subsystem devtype devname major minor mode owner group links driver modalias") {
			if _, ok := d[key]; !ok {
				t.Errorf("no %s in %v", key, d)
			}
		}
	}
	vda := devices[1]
	if vda["major"] != 254.0 || vda["mode"] != "0660" || len(vda["links"].([]any)) != 2 || devices[0]["major"] != nil {
		t.Errorf("got %v and %v", vda, devices[0])
	}
	if devices[6]["devname"] != "\x1b[2J\"" {
		t.Errorf("got %q", devices[6]["devname"])
	}
	if text := output(func(c *command) { c.jsonArray(nil, deviceJSON) }); json.Unmarshal([]byte(text), &devices) != nil {
		t.Errorf("nothing gives %q", text)
	}
}

func TestJSONString(t *testing.T) {
	for _, s := range []string{"", "plain", "q\"\\", "\x00\n\x7f", "caf\u00e9 \U0001f600", "bad \xff\xfe utf"} {
		var got string
		if err := json.Unmarshal(appendJSONString(nil, s), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && s != "bad \xff\xfe utf" {
			t.Errorf("%q gives %q, %v", s, got, err)
		}
	}
	if got := string(appendJSONString(nil, "\u009b2J\x7f")); got != `"\u009b2J\u007f"` {
		t.Errorf("a terminal obeys %q", got)
	}
}

func TestTable(t *testing.T) {
	tab := table{width: 40, head: []string{"MODE", "NAME", "DRIVER"}, rows: [][]string{
		{"0660", "sda", "sd"}, {"-", strings.Repeat("long", 20), ""},
	}}
	var out bytes.Buffer
	tab.print(&out)
	want := "MODE  NAME                        DRIVER\n0660  sda                         sd\n-     longlonglonglonglonglongl~\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTree(t *testing.T) {
	root := grow(records)
	root.prune()
	got := output(func(c *command) { c.draw(root, "") })
	want := `0000:00:01.0 [virtio-pci]
` + "`-- vda  /dev/vda  0660 root:disk\n    |-- vda2  /dev/vda2  0660 root:disk\n    `-- vda10  /dev/vda10  0660 root:disk\n" +
		"eth0  network interface\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	all := output(func(c *command) { c.draw(grow(records), "") })
	if strings.ContainsRune(all, 0x1b) || !strings.Contains(all, `/dev/\x1b[2J\"`) {
		t.Errorf("escapes reach the terminal: %q", all)
	}
}

func TestEvents(t *testing.T) {
	add := ctl.Record{"time=12.345", "action=add", "subsystem=block", "name=sda", "devpath=/devices/x/sda"}
	got := output(func(c *command) {
		c.event(ctl.Record{"listening=1"})
		c.event(add)
		c.event(ctl.Record{"missed=7"})
		c.options = map[string][]string{"subsystem": {"net"}}
		c.event(add)
		c.options = map[string][]string{"json": {""}}
		c.event(add)
		c.event(ctl.Record{"missed=7"})
	})
	want := "12.345 add block sda /devices/x/sda\nmissed 7 events\n" +
		`{"time": 12.345, "action": "add", "subsystem": "block", "name": "sda", "devpath": "/devices/x/sda"}` + "\n{\"missed\": 7}\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCompareNatural(t *testing.T) {
	names := []string{"tty10", "tty2", "tty", "sda", "tty02", "sdb1", "input/event10", "input/event9"}
	slices.SortStableFunc(names, compareNatural)
	if got := strings.Join(names, " "); got != "input/event9 input/event10 sda sdb1 tty tty2 tty02 tty10" {
		t.Errorf("got %s", got)
	}
}

func TestUTF8Terminal(t *testing.T) {
	for value, want := range map[string]bool{"": false, "C": false, "en_US.UTF-8": true, "C.utf8": true, "POSIX": false} {
		env := environment{getenv: func(name string) string {
			if name == "LANG" {
				return value
			}
			return ""
		}}
		if env.utf8Terminal() != want {
			t.Errorf("LANG=%s: %v", value, !want)
		}
	}
}

func TestS3_5_NamesForScripts(t *testing.T) {
	names := []ctl.Record{{"devpath=/devices/x/sda1", "devname=sda1", "number=8:1"}, {"scheme=devfs", "name=scsi/x/part1"},
		{"scheme=devfs", "name=discs/disc0/part1"}, {"scheme=old-compat", "name=sda1"}, {"scheme=link", "name=disk/a\x1b"}}
	text := output(func(c *command) { c.nameText(names) })
	want := "kernel      sda1\nnumber      8:1\ndevfs       scsi/x/part1\n            discs/disc0/part1\nold-compat  sda1\nlink        disk/a\\x1b\n"
	if text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	for only, keys := range map[string]int{"": 7, "devfs": 4} {
		var got map[string]any
		text := output(func(c *command) { c.nameJSON(names, only) })
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != keys {
			t.Errorf("%v in %s", err, text)
		}
	}
}
