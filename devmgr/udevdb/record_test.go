package udevdb

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/devmgr/uevent"
)

func env(words ...string) uevent.Env {
	return uevent.Env(strings.Join(words, "\x00") + "\x00")
}

// The order of the lines is the one that udevd writes.
func TestText(t *testing.T) {
	r := Record{ID: "b8:0", DevName: "sda", Links: []string{"disk/by-id/x", "cdrom"}, Priority: -5, Initialized: 1234,
		Properties: env("ID_FS_TYPE=ext4", ".PART_SUFFIX=-part1", "ID_EMPTY=", "ID_MODEL=a\nE:FAKE=1"),
		Tags:       []string{"systemd", "seat"}, CurrentTags: []string{"seat"}}
	want := `S:disk/by-id/x
S:cdrom
L:-5
I:1234
E:ID_FS_TYPE=ext4
E:ID_EMPTY=
E:ID_MODEL=a\x0aE:FAKE=1
G:systemd
G:seat
Q:seat
V:1
`
	if got := string(r.Append(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, nothing := range []Record{{}, {Initialized: 7}, {Properties: env(".PRIVATE=1")}} {
		if got := nothing.Append(nil); len(got) != 0 {
			t.Errorf("%+v gives %q", nothing, got)
		}
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		text string
		want Record
	}{
		{"", Record{}},
		{"S:a/b\nL:100\nI:99\nE:A=1\nE:B=x=y\nG:t\nG:u\nQ:u\nV:1\n", Record{Links: []string{"a/b"}, Priority: 100, Initialized: 99,
			Properties: env("A=1", "B=x=y"), Tags: []string{"t", "u"}, CurrentTags: []string{"u"}}},
		{"G:t\nV:1\n", Record{Tags: []string{"t"}}},
		{"G:t\n", Record{Tags: []string{"t"}, CurrentTags: []string{"t"}}}, // no version: an old writer
		{"W:3\nX:y\nno colon\n:\nS:\nS:../../etc/passwd\nS:/abs\nL:x\nI:-1\nE:novalue\nE:=x\nE:.P=1\nG:a/b\nG:..\nG:a:b\nE:LAST=1",
			Record{Properties: env("LAST=1")}},
	}
	for _, tt := range tests {
		if got := Parse(tt.text); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", tt.text, got, tt.want)
		}
	}
}

func TestID(t *testing.T) {
	tests := []struct {
		devpath, subsystem string
		env                uevent.Env
		want               string
	}{
		{"/devices/x/block/sda", "block", env("MAJOR=8", "MINOR=0", "DEVNAME=sda"), "b8:0"},
		{"/devices/virtual/mem/null", "mem", env("MAJOR=1", "MINOR=3", "DEVNAME=null"), "c1:3"},
		{"/devices/virtual/net/lo", "net", env("INTERFACE=lo", "IFINDEX=1"), "n1"},
		{"/devices/pci0000:00/0000:00:1f.2", "pci", env("DRIVER=ahci"), "+pci:0000:00:1f.2"},
		{"/devices/virtual/block/x/cciss!c0d0", "bdi", "", "+bdi:cciss!c0d0"},
		{"/bus/usb/drivers/hub", "drivers", "", "+drivers:usb:hub"},
		{"/module/loop", "module", "", "+module:loop"},
		{"/devices/x", "", "", ""},
		{"/devices/virtual/x/bad", "x", env("MAJOR=../1", "MINOR=3"), "+x:bad"},
		{"/devices/virtual/net/bad", "net", env("IFINDEX=../1"), "+net:bad"},
		{"/devices/x", "a/b", "", ""},
		{"/devices/" + strings.Repeat("x", 255), "sub", "", ""},
	}
	for _, tt := range tests {
		if got := ID(uevent.Event{DevPath: tt.devpath, Subsystem: tt.subsystem, Env: tt.env}); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.devpath, got, tt.want)
		}
	}
	if got := Escape(`disk/by-label/a\x20b`); got != `disk\x2fby-label\x2fa\x5cx20b` {
		t.Errorf("Escape: %s", got)
	}
}

func TestRead(t *testing.T) {
	db := fstest.MapFS{"data/c1:3": {Data: []byte("E:A=1\nV:1\n")}, "data/b8:0": {Data: nil, Mode: 0o1644}, "secret": {Data: []byte("E:S=1")}}
	if r, err := Read(db, "c1:3"); err != nil || r.ID != "c1:3" || r.Properties.Get("A") != "1" {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, id := range []string{"", "c1:5", "../secret", ".", ".."} {
		if r, err := Read(db, id); err == nil {
			t.Errorf("Read(%q) = %+v", id, r)
		}
	}
}

// FuzzParse: any text can be read, what was read can be written, and says the
// same when it is read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "S:a/b\nL:1\nI:99\nE:A=1\nG:t\nQ:t\nV:1\n", "G:t\nG:t\n", "E:A=\x00\nE:B=\\x0a", "S:..\nV:\nV:2", "E:=\nE:a=b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Parse(text)
		again := Parse(string(r.Append(nil)))
		if r.empty() {
			return
		}
		if !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v\nis read again as\n%+v", r, again)
		}
	})
}
