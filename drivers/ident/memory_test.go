package ident

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// dmi makes a record of a table of firmware.
func dmi(kind byte, fields []byte, texts ...string) []byte {
	b := append([]byte{kind, byte(4 + len(fields)), 1, 0}, fields...)
	b = append(b, strings.Join(texts, "\x00")...)
	return append(b, 0, 0)
}

// memoryModule is a record of a module with some bytes changed.
func memoryModule(size int, changes map[int]byte) []byte {
	fields := make([]byte, 0x50)
	for at, text := range map[int]string{0x08: "\x48\x00\x40\x00\x00\x40\x09\x01", 0x10: "\x01\x02\x22\x80\x00\xc0\x12\x03\x04\x05\x06\x02", 0x20: "\xc0\x12\x4c\x04\x4c\x04\x46\x05\x03\x08\x00\x07\x80\x2c\x34\x12\x67\x45\xab\x89", 0x3c: "\x00\x00\x00\x00\x04"} {
		copy(fields[at-4:], text)
	}
	for at, b := range changes {
		fields[at-4] = b
	}
	return dmi(17, fields[:size-4], "DIMM A ", "BANK 0", "Acme", "SER\"1", "TAG", "PN/1", "FW")
}

func memoryArray(changes map[int]byte) []byte {
	fields := []byte("\x03\x03\x06\x00\x00\x00\x80\xfe\xff\x02\x00\x00\x00\x00\x00\x10\x00\x00\x00")
	for at, b := range changes {
		fields[at-4] = b
	}
	return dmi(16, fields)
}

func TestMemory(t *testing.T) {
	table := append(memoryArray(nil), memoryModule(0x54, nil)...)
	all, err := Memory(fstest.MapFS{"firmware/dmi/tables/DMI": {Data: append(table, dmi(127, nil)...)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MEMORY_ARRAY_MAX_CAPACITY=68719476736", "MEMORY_DEVICE_0_SIZE=17179869184", "MEMORY_DEVICE_0_LOCATOR=DIMM A",
		"MEMORY_DEVICE_0_TYPE=DDR5", "MEMORY_DEVICE_0_SPEED_MTS=4800", "MEMORY_DEVICE_0_MODULE_MANUFACTURER_ID=Bank 1, Hex 0x2C", "MEMORY_ARRAY_NUM_DEVICES=1"} {
		key, value, _ := strings.Cut(want, "=")
		if valueOf(all, key) != value {
			t.Errorf("no %s in %v", want, all)
		}
	}
	if _, err := Memory(fstest.MapFS{}); err == nil {
		t.Error("a machine without the table")
	}
}

// TestMemoryIsUdevs gives tables to us and to Debian's dmi_memory_id.
func TestMemoryIsUdevs(t *testing.T) {
	udev, err := filepath.Abs("../../bin/parts/udev")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(udev + "/lib/udev/dmi_memory_id"); err != nil {
		t.Skip("needs bin/parts/udev: make setup")
	}
	end := dmi(127, nil)
	same := func(records ...[]byte) {
		t.Helper()
		table := append(bytes.Join(records, nil), end...)
		var got strings.Builder
		for _, p := range memory(table) {
			fmt.Fprintf(&got, "%s=%s\n", p.Key, p.Value)
		}
		if want := observedMemory(t, udev, table); got.String() != want {
			t.Errorf("%x:\n%s\nudev says\n%s", records, got.String(), want)
		}
	}
	for _, size := range []int{0x10, 0x15, 0x17, 0x1b, 0x1c, 0x20, 0x22, 0x28, 0x34, 0x3c, 0x44, 0x4c, 0x54} {
		same(memoryArray(nil), memoryModule(size, nil), memoryModule(size, map[int]byte{0x0c: 0xff, 0x0d: 0x7f}))
	}
	for _, changes := range []map[int]byte{{4: 0}, {4: 160}, {4: 164}, {4: 165}, {5: 4}, {6: 3}, {6: 9}, {10: 0, 7: 1}} {
		same(memoryArray(changes), memoryModule(0x54, map[int]byte{0x0c: 0, 0x0d: 0}))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		changes := map[int]byte{}
		for range 8 {
			if at := 8 + r.IntN(0x4c); at < 0x2d || at > 0x2e { // the high byte of an id does not fit its two digits otherwise
				changes[at] = []byte{0, 1, 2, 3, 7, 9, 0x10, 0x18, 0x23, 0x80, 0xfe, 0xff}[r.IntN(12)]
			}
		}
		same(memoryModule(0x54, changes))
	}
	same(dmi(17, memoryModule(0x54, nil)[4:0x54], "a  b ", "\x7fx", "\xe9", "ä", "  ", "t\tab", "x"))
}

func observedMemory(t *testing.T, udev string, table []byte) string {
	t.Helper()
	entry := append([]byte("_SM3_\x00\x18\x03\x03\x00\x01\x00"), make([]byte, 20)...)
	binary.LittleEndian.PutUint32(entry[12:], uint32(len(table)))
	entry[16] = 32
	sum := byte(0)
	for _, b := range entry[:24] {
		sum += b
	}
	entry[5] = -sum
	file := t.TempDir() + "/dump"
	if err := os.WriteFile(file, append(entry, table...), 0o600); err != nil {
		t.Fatal(err)
	}
	libraries, _ := filepath.Glob(udev + "/*lib/*-linux-gnu*")
	private, _ := filepath.Glob(udev + "/usr/lib/*-linux-gnu*/systemd")
	deeper, _ := filepath.Glob(udev + "/usr/lib/*-linux-gnu*")
	cmd := exec.CommandContext(t.Context(), udev+"/lib/udev/dmi_memory_id", "-F", file)
	cmd.Env = []string{"LD_LIBRARY_PATH=" + strings.Join(append(append(libraries, private...), deeper...), ":")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for line := range strings.Lines(string(out)) {
		if !strings.HasSuffix(line, "=\n") { // none is no property
			said.WriteString(line)
		}
	}
	return said.String()
}

func FuzzMemory(f *testing.F) {
	f.Add(append(memoryArray(nil), memoryModule(0x54, nil)...))
	f.Add(memoryModule(0x15, nil))
	f.Add([]byte("\x11\xff\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, table []byte) {
		for _, p := range memory(table) {
			if p.Value == "" || strings.ContainsAny(p.Value, "\x00\n\x1b") {
				t.Errorf("%q", p)
			}
		}
	})
}
