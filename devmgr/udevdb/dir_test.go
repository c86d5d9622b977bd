package udevdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func put(t testing.TB, d *Dir, r Record) Record {
	t.Helper()
	r, err := d.Put(r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// list prints the files of the database with what they hold, one a line.
func list(t *testing.T, path string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		text, _ := os.ReadFile(name)
		if target, err := os.Readlink(name); err == nil {
			text = []byte("-> " + target)
		}
		mode := st.Mode().Perm().String()[1:]
		if st.Mode()&fs.ModeSticky != 0 {
			mode += "t"
		}
		lines = append(lines, fmt.Sprintf("%s %s %q", name[len(path)+1:], mode, text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

var disk = Record{ID: "b8:0", DevName: "sda", Links: []string{"disk/by-id/x", "disk/by-diskseq/1"}, Priority: 10, Initialized: 5,
	Properties: "ID_SERIAL=x\x00", CurrentTags: []string{"systemd"}}

func same(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPutAndRemove(t *testing.T) {
	path := t.TempDir() + "/udev"
	d := open(t, path)
	put(t, d, disk)
	put(t, d, Record{ID: "c1:3", DevName: "null"})
	put(t, d, Record{ID: "n1"})
	put(t, d, Record{ID: "+pci:0000:00:01.0"})
	put(t, d, Record{ID: "+usb:1-1", Initialized: 6, Properties: "ID_BUS=usb\x00", Persist: true})
	put(t, d, Record{ID: "+net:x", Links: []string{"no/node"}})
	same(t, list(t, path), `
data/+usb:1-1 rw-r--r--t "I:6\nE:ID_BUS=usb\nV:1\n"
data/b8:0 rw-r--r-- "S:disk/by-id/x\nS:disk/by-diskseq/1\nL:10\nI:5\nE:ID_SERIAL=x\nG:systemd\nQ:systemd\nV:1\n"
data/c1:3 rw-r--r-- ""
data/n1 rw-r--r-- ""
links/disk\x2fby-id\x2fx/b8:0 rwxrwxrwx "-> 10:/dev/sda"
tags/systemd/b8:0 r--r--r-- ""`)
	put(t, d, Record{ID: "+usb:1-1"}) // nothing is left to say
	for _, id := range []string{"b8:0", "c1:3", "n1", "+pci:0000:00:01.0", "../x", ""} {
		if err := d.Remove(id); err != nil {
			t.Error(err)
		}
	}
	same(t, list(t, path), "")
	if left, _ := filepath.Glob(path + "/links/*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := d.Put(Record{ID: "../x"}); err == nil {
		t.Error("a path was taken for an id")
	}
}

// Over events the time stays, tags add up, and links come and go.
func TestLaterEvents(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	put(t, d, disk)
	next := disk
	next.Initialized, next.CurrentTags, next.Links, next.Priority = 0, []string{"seat", "a/b"}, []string{"disk/by-id/y"}, 20
	got := put(t, d, next)
	if got.Initialized != 5 || !slices.Equal(got.Tags, []string{"systemd", "seat"}) || !slices.Equal(got.CurrentTags, []string{"seat"}) {
		t.Errorf("got %+v", got)
	}
	same(t, list(t, path), `
data/b8:0 rw-r--r-- "S:disk/by-id/y\nL:20\nI:5\nE:ID_SERIAL=x\nG:systemd\nG:seat\nQ:seat\nV:1\n"
links/disk\x2fby-id\x2fy/b8:0 rwxrwxrwx "-> 20:/dev/sda"
tags/seat/b8:0 r--r--r-- ""
tags/systemd/b8:0 r--r--r-- ""`)
	next.Priority = 30
	put(t, d, next)
	if target, _ := os.Readlink(path + `/links/disk\x2fby-id\x2fy/b8:0`); target != "30:/dev/sda" {
		t.Errorf("claim of %s", target)
	}
}

// A reader that has the old file open sees all of it, and one that opens it
// all of the new one.
func TestFilesAreReplaced(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	put(t, d, disk)
	before, _ := os.Stat(path + "/data/b8:0")
	put(t, d, disk)
	if after, _ := os.Stat(path + "/data/b8:0"); !os.SameFile(before, after) {
		t.Error("nothing changed, and the file was written")
	}
	next := disk
	next.Properties = "ID_SERIAL=y\x00"
	put(t, d, next)
	if after, _ := os.Stat(path + "/data/b8:0"); os.SameFile(before, after) {
		t.Error("the file was changed in place")
	}
	os.RemoveAll(path + "/data/b8:0")
	put(t, d, next)
	d.Close()
	before, _ = os.Stat(path + "/data/b8:0")
	d = open(t, path)
	put(t, d, next)
	if after, _ := os.Stat(path + "/data/b8:0"); !os.SameFile(before, after) {
		t.Error("a restart wrote what was there")
	}
	if r, err := d.Read("b8:0"); err != nil || r.Properties.Get("ID_SERIAL") != "y" {
		t.Errorf("a file that somebody removed: %+v, %v", r, err)
	}
}

func TestU07_RestartKeepsTheTime(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	put(t, d, disk)
	put(t, d, Record{ID: "+usb:gone", Links: nil, Properties: "A=1\x00", CurrentTags: []string{"seat"}})
	put(t, d, Record{ID: "b8:16", DevName: "sdb", Links: []string{"disk/by-id/x"}, CurrentTags: []string{"seat"}})
	d.Close()
	os.WriteFile(path+"/data/.b8:99", []byte("E:A"), 0o644) // killed while it wrote
	os.WriteFile(path+"/tags/seat/b7:7", nil, 0o444)

	d = open(t, path)
	next := disk
	next.Initialized, next.Links, next.CurrentTags = 99, []string{"disk/by-id/z"}, nil
	got := put(t, d, next)
	if got.Initialized != 5 || !slices.Equal(got.Tags, []string{"systemd"}) || got.CurrentTags != nil {
		t.Errorf("got %+v", got)
	}
	if n := d.Sweep(); n != 3 {
		t.Errorf("swept %d", n)
	}
	same(t, list(t, path), `
data/b8:0 rw-r--r-- "S:disk/by-id/z\nL:10\nI:5\nE:ID_SERIAL=x\nG:systemd\nV:1\n"
links/disk\x2fby-id\x2fz/b8:0 rwxrwxrwx "-> 10:/dev/sda"
tags/systemd/b8:0 r--r--r-- ""`)
	if left, _ := filepath.Glob(path + "/links/*"); len(left) != 1 {
		t.Errorf("left: %q", left)
	}
}

// Who looks need not be root, whatever the umask was.
func TestUmaskDoesNotHide(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	path := t.TempDir() + "/udev"
	d := open(t, path)
	put(t, d, disk)
	put(t, d, Record{ID: "n1"})
	for name, want := range map[string]fs.FileMode{"": 0o755, "data": 0o755, "data/b8:0": 0o644, "data/n1": 0o644, "tags/systemd": 0o755,
		"tags/systemd/b8:0": 0o444} {
		if st, err := os.Stat(path + "/" + name); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
}

func TestQueueAndStaticNodes(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	os.WriteFile(path+"/queue", nil, 0o644) // left by one that was killed
	for _, busy := range []bool{true, true, false, false, true} {
		if err := d.SetQueue(busy); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "/queue"); errors.Is(err, fs.ErrNotExist) == busy {
			t.Errorf("busy is %v: %v", busy, err)
		}
	}
	for range 2 {
		if err := d.TagStatic("uaccess", "snd/seq"); err != nil {
			t.Error(err)
		}
	}
	if target, _ := os.Readlink(path + `/static_node-tags/uaccess/snd\x2fseq`); target != "/dev/snd/seq" {
		t.Errorf("target %q", target)
	}
	if d.TagStatic("../x", "null") == nil || d.TagStatic("x", "") == nil {
		t.Error("a bad tag was taken")
	}
}

// BenchmarkPut writes what a coldplug of 10,000 disks writes. Files per second
// is what counts: about 8 us a file on tmpfs.
func BenchmarkPut(b *testing.B) {
	dir, err := os.MkdirTemp("/dev/shm", "udevdb")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for b.Loop() {
		b.StopTimer()
		os.RemoveAll(dir)
		d := open(b, dir)
		b.StartTimer()
		for i := range 10000 {
			id := fmt.Sprintf("b7:%d", i)
			put(b, d, Record{ID: id, DevName: "loop", Links: []string{"disk/by-diskseq/" + id}, CurrentTags: []string{"systemd"}})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/10000/float64(b.N), "us/file")
}
