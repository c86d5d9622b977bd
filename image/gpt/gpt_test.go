package gpt

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type disk []byte

func (d disk) WriteAt(p []byte, at int64) (int, error) { return copy(d[at:], p), nil }

func table(hybrid bool) *Table {
	part := func(n int, name string, kind Type, start, size int64) Partition {
		return Partition{Number: n, Name: name, Type: kind, Start: start, Size: size, UUID: UUID("gokrazy", n)}
	}
	t := &Table{Sectors: 16 << 11, UUID: UUID("gokrazy", 0), Partitions: []Partition{
		part(1, "esp", EFISystem, 8192, 2048),
		part(2, "root-a", RootAMD64, 10240, 4096),
		part(5, "bios", BIOSBoot, 34, 2014),
	}}
	t.Partitions[0].Hybrid = hybrid
	return t
}

func TestUUIDIsGokrazys(t *testing.T) {
	if got, want := UUID("gokrazy", 2), "60c24cc1-f3f9-427a-8199-2e18c40c0002"; got != want {
		t.Errorf("UUID: got %s, want %s", got, want)
	}
	if UUID("a", 1) == UUID("b", 1) {
		t.Error("two hosts share a UUID")
	}
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	want := table(false)
	d := make(disk, want.Sectors*SectorSize)
	if err := want.Write(d, []byte("code")); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(d))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	tab := table(false)
	clean := make(disk, tab.Sectors*SectorSize)
	if err := tab.Write(clean, nil); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{512 + 40, 1024 + 3} {
		d := bytes.Clone(clean)
		d[at] ^= 1
		if _, err := Read(bytes.NewReader(d)); err == nil {
			t.Errorf("byte %d damaged: no error", at)
		}
	}
}

func TestCheckRefusesBadTables(t *testing.T) {
	for name, change := range map[string]func(*Table){
		"overlap":     func(t *Table) { t.Partitions[1].Start = 9000 },
		"same number": func(t *Table) { t.Partitions[1].Number = 1 },
		"too early":   func(t *Table) { t.Partitions[2].Start = 33 },
		"too late":    func(t *Table) { t.Partitions[1].Size = 1 << 20 },
		"long name":   func(t *Table) { t.Partitions[0].Name = strings.Repeat("x", 37) },
	} {
		tab := table(false)
		change(tab)
		if tab.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSgdiskAgrees(t *testing.T) {
	tool, err := exec.LookPath("sgdisk")
	if err != nil {
		t.Skip("sgdisk is not installed (gdisk)")
	}
	for _, hybrid := range []bool{false, true} {
		tab := table(hybrid)
		d := make(disk, tab.Sectors*SectorSize)
		if err := tab.Write(d, nil); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(file, d, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "-v", file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "No problems found") {
			t.Errorf("hybrid %v: sgdisk -v: %v\n%s", hybrid, err, out)
		}
	}
}

func FuzzRead(f *testing.F) {
	tab := table(true)
	d := make(disk, tab.Sectors*SectorSize)
	if err := tab.Write(d, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(d[:3*SectorSize]))
	f.Add(bytes.Clone(d[:FirstLBA*SectorSize]))
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := Read(bytes.NewReader(b))
		if err == nil && tab.Check() != nil {
			t.Error("Read accepts a table that Check refuses")
		}
	})
}
