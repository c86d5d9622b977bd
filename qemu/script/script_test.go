package script

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"slashdev/qemu/qmp"
)

func TestParseBoot(t *testing.T) {
	got, err := parseBoot(strings.Fields("--machine rpi3 --append quiet --append console=ttyS9 --add a:/b --direct app"))
	want := Request{Machine: "rpi3", Direct: true, Append: []string{"quiet", "console=ttyS9"}, Add: []string{"a:/b"}, Source: "app"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"a b", "--machine", "--frobnicate x", "--append"} {
		if r, err := parseBoot(strings.Fields(bad)); err == nil {
			t.Errorf("boot %s was taken: %+v", bad, r)
		}
	}
}

func TestParsePlug(t *testing.T) {
	cases := map[string]device{
		"kbd usb-kbd":               {id: "kbd", driver: "usb-kbd", props: qmp.Props{}},
		"d usb-storage 8M label=DA": {id: "d", driver: "usb-storage", size: 8 << 20, label: "DA", props: qmp.Props{}},
		"d scsi-hd file=x scsi-id=3 removable=on serial=+1": {id: "d", driver: "scsi-hd", file: "x",
			props: qmp.Props{"scsi-id": int64(3), "removable": true, "serial": "+1"}},
		"d usb-storage 4096": {id: "d", driver: "usb-storage", size: 4096, props: qmp.Props{}},
	}
	for text, want := range cases {
		if got, err := parsePlug(strings.Fields(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("plug %s: %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "kbd", "kbd usb-kbd 8M", "d usb-storage", "d usb-storage 0M", "d usb-storage 8X", "d usb-storage M",
		"d usb-storage 1K label=x", "d usb-storage 8M label=seventeen-letters", "d usb-storage file=x label=y"} {
		if d, err := parsePlug(strings.Fields(bad)); err == nil {
			t.Errorf("plug %s was taken: %+v", bad, d)
		}
	}
}

func TestBusOf(t *testing.T) {
	for _, c := range [][3]string{{"pc", "usb-kbd", "xhci.0"}, {"rpi3", "usb-kbd", ""}, {"pc", "scsi-hd", "scsi0.0"}, {"pc", "e1000", ""}} {
		if got := busOf(c[0], c[1]); got != c[2] {
			t.Errorf("%s on %s: %q", c[1], c[0], got)
		}
	}
}

func TestMediumIsASwapArea(t *testing.T) {
	file := filepath.Join(t.TempDir(), "medium")
	if err := makeMedium(file, 8<<20, "DATA"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || len(data) != 8<<20 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if string(data[4086:4096]) != "SWAPSPACE2" || string(data[1052:1057]) != "DATA\x00" || binary.LittleEndian.Uint32(data[1028:]) != 2047 {
		t.Errorf("header % x", data[1024:1070])
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`ls -l`: "ls -l", `\x03`: "\x03", `say "hi"`: `say "hi"`, `a\tb`: "a\tb"} {
		if got, err := unescape(in); err != nil || got != want {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
	if _, err := unescape(`\q`); err == nil {
		t.Error(`\q was taken`)
	}
}
