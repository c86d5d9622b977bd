package peer

import (
	"debug/elf"
	"errors"
	"os"
	"path"
	"path/filepath"
	"testing"

	"slashdev/image/tree"
)

// TestProgramsFindTheirLibraries packs everything but the archive itself: what
// lacks a library would only say so on a machine's console.
func TestProgramsFindTheirLibraries(t *testing.T) {
	init := filepath.Join(t.TempDir(), "init")
	if err := os.WriteFile(init, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	p := packer{Options: Options{Parts: "../../bin/parts", Binaries: "../../bin", Init: init}}
	for _, step := range []func() error{p.udev, p.kernel, p.hardware, p.ours} {
		if err := step(); errors.Is(err, ErrNoParts) || errors.Is(err, os.ErrNotExist) {
			t.Skipf("needs bin/parts: %v", err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	entries, err := p.root.Entries()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]*tree.Entry{}
	for i := range entries {
		have[entries[i].Path] = &entries[i]
	}
	for _, name := range []string{"/init", "/lib/systemd/systemd-udevd", "/lib/udev/scsi_id", "/lib/udev/hwdb.bin",
		"/usr/lib/udev/hwdb.slashdev", "/lib/udev/rules.d/50-udev-default.rules", "/sbin/devmgr", "/bin/busybox"} {
		if have[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	for _, name := range []string{"/lib/systemd/systemd-udevd", "/bin/udevadm", "/bin/kmod", "/sbin/blkid", "/lib/udev/scsi_id", "/lib/udev/cdrom_id"} {
		needs(t, have, name)
	}
}

// needs checks that the libraries of a program are there, and theirs.
func needs(t *testing.T, have map[string]*tree.Entry, name string) {
	t.Helper()
	e := have[name]
	for e != nil && e.Link != "" {
		target := e.Link
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(e.Path), target)
		}
		e = have[target]
	}
	if e == nil {
		t.Fatalf("%s is not there", name)
	}
	f, err := elf.Open(e.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
next:
	for _, l := range libraries {
		for _, dir := range []string{"/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/"} {
			if have[dir+l] != nil {
				needs(t, have, dir+l)
				continue next
			}
		}
		t.Errorf("%s needs %s", name, l)
	}
}
