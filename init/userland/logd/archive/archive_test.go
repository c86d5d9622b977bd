package archive

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/logd/ring"
)

func write(t *testing.T, a *Archive, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		rec := ring.Record{Seq: uint64(i), When: time.Duration(i) * time.Millisecond, Level: 6, Name: "p", Text: fmt.Sprintf("line %d", i)}
		if err := a.Write([]ring.Record{rec}, 0, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func read(dir string, boot int) (all []string) {
	for rec := range Records(dir, boot) {
		all = append(all, rec.Text)
	}
	return all
}

func begin(t *testing.T, dir, id string, quota int64) *Archive {
	t.Helper()
	a, err := Open(dir, id, quota)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func used(t *testing.T, dir string) (total int64) {
	t.Helper()
	parts, err := list(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		info, err := os.Stat(filepath.Join(dir, p.String()))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

func TestBootsAreKeptApart(t *testing.T) {
	dir := t.TempDir()
	for i, id := range []string{"a", "b", "c"} {
		write(t, begin(t, dir, id, 1<<20), 1, i+1)
	}
	again := begin(t, dir, "c", 1<<20) // the logger was killed, and doubles two lines
	write(t, again, 2, 5)
	boots, err := Boots(dir)
	if err != nil || fmt.Sprint(boots) != "[{1 a} {2 b} {3 c}]" {
		t.Errorf("boots %v, %v", boots, err)
	}
	if got := fmt.Sprint(read(dir, 2), read(dir, 3)); got != "[line 1 line 2] [line 1 line 2 line 3 line 4 line 5]" {
		t.Errorf("got %s", got)
	}
	if Clock(dir, 3) != time.Hour || Clock(dir, 4) != 0 {
		t.Errorf("clock %v", Clock(dir, 3))
	}
}

func TestQuotaHolds(t *testing.T) {
	dir := t.TempDir()
	const quota = 256 << 10
	for boot := range 3 {
		a := begin(t, dir, fmt.Sprint(boot), quota)
		for i := 1; i <= 20000; i++ {
			write(t, a, i, i)
			if i%1000 == 0 && used(t, dir) > quota {
				t.Fatalf("%d bytes after %d lines", used(t, dir), i)
			}
		}
	}
	all := read(dir, 3)
	if n := len(all); n < 4000 || all[n-1] != "line 20000" || all[0] != fmt.Sprintf("line %d", 20001-n) {
		t.Errorf("%d lines are left", n)
	}
}

// What a power cut leaves is whole lines, junk, and the next boot's lines.
func TestTornPartIsReadAsFarAsItGoes(t *testing.T) {
	dir := t.TempDir()
	write(t, begin(t, dir, "a", 1<<20), 1, 3)
	f, err := os.OpenFile(dir+"/000001-000001", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("4 0.0040\x00\x00\x00\x00")
	write(t, begin(t, dir, "b", 1<<20), 1, 1)
	if got := fmt.Sprint(read(dir, 1), read(dir, 2)); got != "[line 1 line 2 line 3] [line 1]" {
		t.Errorf("got %s", got)
	}
}

// On a full disk the log gives way to nobody but itself.
func TestK05_FullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("needs root to mount a file system: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	a := begin(t, dir, "a", 1<<20)
	write(t, a, 1, 30000)
	all := read(dir, 1)
	if n := len(all); n < 4000 || all[n-1] != "line 30000" {
		t.Errorf("%d lines are left", n)
	}
	hog, err := os.Create(dir + "/hog")
	if err != nil {
		t.Fatal(err)
	}
	defer hog.Close()
	for a.removeOldest() {
	}
	for err == nil {
		_, err = hog.Write(make([]byte, 4096))
	}
	lost := ring.Record{Seq: 30001, Name: "p", Text: string(make([]byte, 64<<10))}
	if err := a.Write([]ring.Record{lost}, 0, time.Hour); err == nil {
		t.Error("a full disk took a line")
	}
	hog.Truncate(0)
	write(t, a, 30002, 30003)
	if all := read(dir, 1); all[len(all)-1] != "line 30003" {
		t.Errorf("after the disk was full: %v", all[len(all)-1])
	}
}
