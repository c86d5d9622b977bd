package fat

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slashdev/image/tree"
)

type disk []byte

func (d disk) WriteAt(p []byte, at int64) (int, error) { return copy(d[at:], p), nil }

func sample(t testing.TB) []tree.Entry {
	t.Helper()
	var tr tree.Tree
	add := func(name, content string) {
		if err := tr.Add(tree.Bytes(name, 0o644, []byte(content))); err != nil {
			t.Fatal(err)
		}
	}
	add("/cmdline.txt", "console=ttyS0\n")
	add("/EMPTY", "")
	add("/EFI/BOOT/BOOTX64.EFI", strings.Repeat("efi", 5000))
	add("/EFI/Linux/slashdev-a+3.efi", "uki")
	add("/loader/loader.conf", "timeout 0\n")
	add("/exactly-13ch", "13 units, no end mark")
	for i := range 300 {
		add(fmt.Sprintf("/overlays/a-long-overlay-name-%d.dtbo", i), strings.Repeat("x", i))
	}
	list, err := tr.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func write(t testing.TB, size int64) disk {
	t.Helper()
	d := make(disk, size)
	c := Config{Size: size, Label: "SLASHDEV", ID: 1234, Time: time.Unix(1e9, 0)}
	if err := Write(d, sample(t), c); err != nil {
		t.Fatal(err)
	}
	return d
}

var sizes = []int64{4 << 20, 16 << 20, 80 << 20, 128 << 20}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	for _, size := range sizes {
		d := write(t, size)
		f, err := Open(bytes.NewReader(d))
		if err != nil {
			t.Fatalf("%d MiB: %v", size>>20, err)
		}
		want := sample(t)
		if len(f.Files()) != len(want)-1 {
			t.Errorf("%d MiB: %d files, want %d", size>>20, len(f.Files()), len(want)-1)
		}
		for _, e := range want {
			if !e.Mode.IsRegular() {
				continue
			}
			got, err := f.ReadFile(e.Path)
			if err != nil || !bytes.Equal(got, e.Bytes) {
				t.Errorf("%d MiB: %s: got %q, %v", size>>20, e.Path, got, err)
			}
		}
	}
}

func TestFAT32FromUEFISizesOn(t *testing.T) {
	for size, want := range map[int64]bool{16 << 20: false, 128 << 20: true} {
		g, err := plan(size)
		if err != nil || g.fat32 != want {
			t.Errorf("%d MiB: fat32 %v, want %v (%v)", size>>20, g.fat32, want, err)
		}
	}
}

func TestExtentAllowsPatchingInPlace(t *testing.T) {
	d := write(t, 16<<20)
	f, err := Open(bytes.NewReader(d))
	if err != nil {
		t.Fatal(err)
	}
	at, size, err := f.Extent("/EFI/BOOT/BOOTX64.EFI")
	if err != nil || !strings.HasPrefix(string(d[at:]), "efiefi") || size != 15000 {
		t.Errorf("extent: %d, %d, %v", at, size, err)
	}
	if _, _, err := f.Extent("/nothing"); err == nil {
		t.Error("extent of a missing file: no error")
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	var tr tree.Tree
	if err := tr.Add(tree.Bytes("/big", 0o644, make([]byte, 5<<20))); err != nil {
		t.Fatal(err)
	}
	entries, _ := tr.Entries()
	err := Write(make(disk, 4<<20), entries, Config{Size: 4 << 20})
	if err == nil || !strings.Contains(err.Error(), "do not fit a partition of 4 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestShortNames(t *testing.T) {
	taken := map[[11]byte]bool{}
	for _, c := range []struct {
		name, want string
		exact      bool
	}{
		{"BOOTCODE.BIN", "BOOTCODEBIN", true},
		{"bootcode.bin", "BOOTCO~1BIN", false},
		{"cmdline.txt", "CMDLINE TXT", false},
		{"slashdev-a+3.efi", "SLASHD~1EFI", false},
		{"slashdev-b+3.efi", "SLASHD~2EFI", false},
		{"vmlinuz", "VMLINUZ    ", false},
		{".hidden", "HIDDEN~1   ", false},
	} {
		got, exact, err := shortName(c.name, taken)
		if string(got[:]) != c.want || exact != c.exact || err != nil {
			t.Errorf("%s: got %q %v %v, want %q %v", c.name, got, exact, err, c.want, c.exact)
		}
	}
	if _, _, err := shortName("a:b", taken); err == nil {
		t.Error("a:b: no error")
	}
}

// What firmware and the kernel will read must be clean for fsck and mtools.
func TestFsckAndMtoolsAgree(t *testing.T) {
	for _, size := range sizes {
		file := filepath.Join(t.TempDir(), "fat")
		if err := os.WriteFile(file, write(t, size), 0o600); err != nil {
			t.Fatal(err)
		}
		fsck, err := exec.LookPath("fsck.fat")
		if err != nil {
			if fsck = "/usr/sbin/fsck.fat"; exec.Command(fsck, "--help").Err != nil {
				t.Skip("fsck.fat is not installed (dosfstools)")
			}
		}
		if out, err := exec.Command(fsck, "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%d MiB: fsck.fat -n: %v\n%s", size>>20, err, out)
		}
		mtype, err := exec.LookPath("mtype")
		if err != nil {
			t.Skip("mtype is not installed (mtools)")
		}
		out, err := exec.Command(mtype, "-i", file, "::/EFI/Linux/slashdev-a+3.efi").CombinedOutput()
		if err != nil || string(out) != "uki" {
			t.Errorf("%d MiB: mtype: %q %v", size>>20, out, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	var tr tree.Tree
	for _, name := range []string{"/cmdline.txt", "/EFI/Linux/slashdev-a+3.efi"} {
		if err := tr.Add(tree.Bytes(name, 0o644, []byte(name))); err != nil {
			f.Fatal(err)
		}
	}
	list, _ := tr.Entries()
	d := make(disk, 3<<20)
	if err := Write(d, list, Config{Size: int64(len(d))}); err != nil {
		f.Fatal(err)
	}
	end := bytes.LastIndex(d, []byte("a+3.efi")) + 1
	f.Add(bytes.Clone(d[:end]))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs, err := Open(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, file := range fs.Files() {
			if file.Size < 1<<20 {
				_, _ = fs.ReadFile(file.Path)
			}
		}
	})
}
