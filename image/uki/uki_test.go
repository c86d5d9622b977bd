package uki

import (
	"bytes"
	"debug/pe"
	"os"
	"strings"
	"testing"
)

// stub is systemd's own where set-up has put it, so that its real headers count.
func stub(t testing.TB) []byte {
	t.Helper()
	for _, name := range []string{"../../bin/parts/efi/linuxx64.efi.stub", "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"} {
		if b, err := os.ReadFile(name); err == nil {
			return b
		}
	}
	t.Skip("needs bin/parts: run make build")
	return nil
}

func build(t testing.TB, cmdline string) []byte {
	t.Helper()
	b, err := Build(stub(t), []Section{
		{".osrel", []byte("ID=slashdev\n")}, {".cmdline", []byte(cmdline)}, {".linux", bytes.Repeat([]byte("kernel"), 9999)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSectionsAreWhereTheStubLooks(t *testing.T) {
	b := build(t, "quiet")
	f, err := pe.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	end := uint32(0)
	for _, s := range f.Sections {
		if s.VirtualAddress < end {
			t.Errorf("section %s at %#x overlaps what ends at %#x", s.Name, s.VirtualAddress, end)
		}
		end = s.VirtualAddress + s.VirtualSize
	}
	if got := f.Section(".linux").VirtualAddress; got != linuxAt {
		t.Errorf(".linux at %#x", got)
	}
	if size := f.OptionalHeader.(*pe.OptionalHeader64).SizeOfImage; size < end {
		t.Errorf("SizeOfImage %#x, sections end at %#x", size, end)
	}
	kernel, err := Read(bytes.NewReader(b), ".linux")
	if err != nil || len(kernel) != 6*9999 {
		t.Errorf("kernel: %d bytes, %v", len(kernel), err)
	}
}

type file struct{ b []byte }

func (f *file) ReadAt(p []byte, at int64) (int, error)  { return bytes.NewReader(f.b).ReadAt(p, at) }
func (f *file) WriteAt(p []byte, at int64) (int, error) { return copy(f.b[at:], p), nil }

func TestCmdlineIsPatchedInPlace(t *testing.T) {
	f := &file{build(t, "quiet")}
	size := len(f.b)
	for _, want := range []string{"quiet panic=10", strings.Repeat("x", cmdlineRoom), "short"} {
		if err := SetCmdline(f, want); err != nil {
			t.Fatal(err)
		}
		if got, err := Cmdline(f); err != nil || got != want {
			t.Errorf("got %.30q, %v; want %.30q", got, err, want)
		}
	}
	if err := SetCmdline(f, strings.Repeat("x", cmdlineRoom+1)); err == nil {
		t.Error("too long: no error")
	}
	if len(f.b) != size || !bytes.Equal(f.b[len(f.b)-512:], build(t, "quiet")[size-512:]) {
		t.Error("patch changed more than the command line")
	}
}

func TestBadStub(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("MZ"), bytes.Repeat([]byte{0}, 5000)} {
		if _, err := Build(b, nil); err == nil {
			t.Errorf("%d bytes: no error", len(b))
		}
	}
}

func FuzzCmdline(f *testing.F) {
	f.Add([]byte("MZ"))
	if b, err := os.ReadFile("../../bin/parts/efi/linuxx64.efi.stub"); err == nil {
		f.Add(b[:4096])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Cmdline(bytes.NewReader(b)); err != nil {
			return
		}
		if err := SetCmdline(&file{bytes.Clone(b)}, "x"); err != nil && !strings.Contains(err.Error(), "room") {
			t.Logf("readable, not patchable: %v", err)
		}
	})
}
