package uevent

import (
	"errors"
	"strings"
	"testing"
)

const diskAdd = "add@/devices/virtual/block/zram1\x00ACTION=add\x00DEVPATH=/devices/virtual/block/zram1\x00" +
	"SUBSYSTEM=block\x00MAJOR=252\x00MINOR=1\x00DEVNAME=zram1\x00DEVTYPE=disk\x00X=a=b\x00SEQNUM=4711\x00"

func TestParse(t *testing.T) {
	e, err := Parse([]byte(diskAdd))
	if err != nil {
		t.Fatal(err)
	}
	want := Event{Add, "/devices/virtual/block/zram1", "block", 4711,
		"MAJOR=252\x00MINOR=1\x00DEVNAME=zram1\x00DEVTYPE=disk\x00X=a=b\x00"}
	if e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
	if got := e.Env.Get("X"); got != "a=b" {
		t.Errorf("X = %q, want a=b: cut at the first =", got)
	}
	if got := string(e.Append(nil)); got != diskAdd {
		t.Errorf("Append gives %q", got)
	}
}

func TestParseKeepsForeignBytesInValues(t *testing.T) {
	e, err := Parse([]byte("add@/devices/a\x00NAME=\"caf\xe9\"\x00"))
	if err != nil || e.Env.Get("NAME") != "\"caf\xe9\"" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestU06_ParseRefuses(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := map[string]string{
		"empty":              "",
		"no NUL at the end":  "add@/devices/a",
		"no header":          "ACTION=add\x00",
		"no action":          "@/devices/a\x00",
		"upper case action":  "ADD@/devices/a\x00",
		"no devpath":         "add@\x00",
		"relative devpath":   "add@devices/a\x00",
		"dot dot":            "add@/devices/../../etc\x00",
		"dot":                "add@/devices/./a\x00",
		"empty component":    "add@/devices//a\x00",
		"trailing slash":     "add@/devices/a/\x00",
		"control character":  "add@/devices/a\x1b[2J\x00",
		"not UTF-8":          "add@/devices/\xff\x00",
		"long component":     "add@/devices/" + long + "\x00",
		"long path":          "add@" + strings.Repeat("/abcdefg", 600) + "\x00",
		"pair without =":     "add@/devices/a\x00NOTHING\x00",
		"pair without key":   "add@/devices/a\x00=x\x00",
		"control in key":     "add@/devices/a\x00A\nB=x\x00",
		"other action":       "add@/devices/a\x00ACTION=remove\x00",
		"other devpath":      "add@/devices/a\x00DEVPATH=/devices/b\x00",
		"bad SEQNUM":         "add@/devices/a\x00SEQNUM=-1\x00",
		"more than 64 KiB":   "add@/devices/a\x00X=" + strings.Repeat("y", MaxSize) + "\x00",
		"udev's own message": "libudev\x00\xfe\xed\xca\xfe(\x00\x00\x00add@/devices/a\x00",
	}
	for name, in := range tests {
		if e, err := Parse([]byte(in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %+v, %v; want ErrMalformed", name, e, err)
		}
	}
}

func TestU09_CheckName(t *testing.T) {
	for _, bad := range []string{"", "/etc/passwd", "../../etc/passwd", ".", "..", "a/../b", "a//b", "a/", "a\nb", "a\x00b", "a\u009b2Jb", "\xff"} {
		if CheckName(bad) == nil {
			t.Errorf("CheckName(%q) accepts", bad)
		}
	}
	for _, good := range []string{"sda", "input/event0", "bsg/7:0:0:0", "cpu/0/msr", "...", "\u00e9"} {
		if err := CheckName(good); err != nil {
			t.Errorf("CheckName(%q): %v", good, err)
		}
	}
}

func TestLines(t *testing.T) {
	env := Lines("MAJOR=13\nNAME=\"bad\nMAJOR=8\nthing\"\nDEVNAME=input/event0")
	if got := env.Get("MAJOR"); got != "13" {
		t.Errorf("MAJOR = %q: a string of the device overrode the core's", got)
	}
	if want := Env("MAJOR=13\x00NAME=\"bad\x00MAJOR=8\x00DEVNAME=input/event0\x00"); env != want {
		t.Errorf("got %q, want %q", env, want)
	}
	if got := Lines(""); got != "" {
		t.Errorf("empty file gives %q", got)
	}
	if got, want := env.Without("MAJOR").With("A", "b"), Env("NAME=\"bad\x00DEVNAME=input/event0\x00A=b\x00"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzParse: nothing makes Parse panic, what it accepts survives a round trip,
// and its path can be used below /sys.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		diskAdd,
		"remove@/devices/a\x00ACTION=remove\x00DEVPATH=/devices/a\x00SUBSYSTEM=usb\x00SEQNUM=1\x00",
		"move@/devices/virtual/net/b\x00DEVPATH_OLD=/devices/virtual/net/a\x00IFINDEX=3\x00",
		"add@/devices/../x\x00", "libudev\x00\xfe\xed\xca\xfe", "add@/a\x00=\x00", "\x00\x00", "change@/a\x00A=\x00A=b\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err != nil {
			return
		}
		if strings.Contains(e.DevPath+"/", "/../") || strings.ContainsAny(e.DevPath, "\x00\n\x1b") {
			t.Fatalf("accepted path %q", e.DevPath)
		}
		again, err := Parse(e.Append(nil))
		if err != nil || again != e {
			t.Fatalf("Parse(Append(%+v)) = %+v, %v", e, again, err)
		}
		for key := range e.Env.All() {
			if key == "" || key == "SEQNUM" {
				t.Fatalf("Env holds key %q", key)
			}
		}
	})
}
