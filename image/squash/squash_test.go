package squash

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"slashdev/image/tree"
)

// buffer is an io.WriterAt that grows.
type buffer []byte

func (b *buffer) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(*b) {
		*b = append(*b, make([]byte, need-len(*b))...)
	}
	return copy((*b)[at:], p), nil
}

// sample has what is easy to get wrong: several blocks, a hole, an empty file,
// more names than one directory header holds, a long directory, special bits.
func sample(t testing.TB) []tree.Entry {
	t.Helper()
	var tr tree.Tree
	noise := make([]byte, 3*blockSize+17)
	rand.New(rand.NewSource(1)).Read(noise)
	add := func(e tree.Entry) {
		if err := tr.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	add(tree.Bytes("/etc/empty", 0o600, nil))
	add(tree.Bytes("/bin/noise", 0o755|fs.ModeSetuid, noise))
	add(tree.Bytes("/bin/text", 0o644, bytes.Repeat([]byte("slashdev "), 50000)))
	add(tree.Bytes("/bin/hole", 0o644, make([]byte, 2*blockSize+5)))
	add(tree.Link("/var", "perm/var"))
	add(tree.Dir("/tmp", 0o777|fs.ModeSticky))
	owned := tree.Bytes("/etc/owned", 0o640, []byte("x"))
	owned.UID, owned.GID = 65534, 20
	add(owned)
	for i := range 5000 {
		add(tree.Bytes(fmt.Sprintf("/many/a-rather-long-name-%05d", i), 0o644, []byte{byte(i)}))
	}
	list, err := tr.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func write(t testing.TB, entries []tree.Entry, c Config) []byte {
	t.Helper()
	var b buffer
	n, err := Write(&b, entries, c)
	if err != nil {
		t.Fatal(err)
	}
	if int(n) != len(b) {
		t.Fatalf("size: got %d, wrote %d bytes", n, len(b))
	}
	return b
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	want := sample(t)
	for _, c := range []Config{{}, {Raw: func(*tree.Entry) bool { return true }}} {
		img := write(t, want, c)
		got, err := Read(bytes.NewReader(img), int64(len(img)))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, want)
	}
}

func compare(t *testing.T, got, want []tree.Entry) {
	t.Helper()
	at := map[string]tree.Entry{}
	for _, e := range got {
		at[e.Path] = e
	}
	if len(got) != len(want) {
		t.Errorf("entries: got %d, want %d", len(got), len(want))
	}
	for _, w := range want {
		g := at[w.Path]
		if g.String() != w.String() || !bytes.Equal(g.Bytes, w.Bytes) {
			t.Fatalf("got  %v (%d bytes)\nwant %v (%d bytes)", &g, len(g.Bytes), &w, len(w.Bytes))
		}
	}
}

func TestSameTreeSameBytes(t *testing.T) {
	entries := sample(t)
	if !bytes.Equal(write(t, entries, Config{}), write(t, entries, Config{})) {
		t.Error("two writes of one tree differ")
	}
}

// The kernel's own tools must agree with our reader.
func TestUnsquashfsReadsIt(t *testing.T) {
	tool, err := exec.LookPath("unsquashfs")
	if err != nil {
		t.Skip("unsquashfs is not installed (squashfs-tools)")
	}
	entries := sample(t)
	file := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(file, write(t, entries, Config{}), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command(tool, "-lls", file).CombinedOutput()
	if err != nil {
		t.Fatalf("unsquashfs -lls: %v\n%s", err, list)
	}
	for _, want := range []string{"-rwsr-xr-x root/root", "drwxrwxrwt root/root", "squashfs-root/var -> perm/var"} {
		if !strings.Contains(string(list), want) {
			t.Errorf("unsquashfs -lls lacks %q", want)
		}
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Path, "/bin/") {
			continue
		}
		out, err := exec.Command(tool, "-cat", file, e.Path).Output()
		if err != nil || !bytes.Equal(out, e.Bytes) {
			t.Errorf("unsquashfs -cat %s: %d bytes, want %d: %v", e.Path, len(out), len(e.Bytes), err)
		}
	}
}

func TestWriteSaysWhatItCannotRead(t *testing.T) {
	var tr tree.Tree
	if err := tr.Add(tree.Entry{Path: "/x", Mode: 0o644, File: "/nonexistent/x", Size: 10}); err != nil {
		t.Fatal(err)
	}
	entries, _ := tr.Entries()
	var b buffer
	if _, err := Write(&b, entries, Config{}); err == nil || !strings.Contains(err.Error(), "/nonexistent/x") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

type fullDisk struct{ left int64 }

func (f *fullDisk) WriteAt(p []byte, _ int64) (int, error) {
	if f.left -= int64(len(p)); f.left < 0 {
		return 0, fmt.Errorf("disk full")
	}
	return len(p), nil
}

func TestWriteErrorEndsWrite(t *testing.T) {
	entries := sample(t)
	for _, room := range []int64{0, 200000, 400000} {
		if _, err := Write(&fullDisk{room}, entries, Config{}); err == nil {
			t.Errorf("room for %d bytes: no error", room)
		}
	}
}

func FuzzRead(f *testing.F) {
	var tr tree.Tree
	for _, e := range []tree.Entry{tree.Bytes("/a/b", 0o644, []byte("hello")), tree.Link("/l", "a"), tree.Bytes("/h", 0o600, make([]byte, 300000))} {
		if err := tr.Add(e); err != nil {
			f.Fatal(err)
		}
	}
	entries, _ := tr.Entries()
	f.Add(write(f, entries, Config{}))
	f.Add([]byte("hsqs"))
	f.Fuzz(func(t *testing.T, img []byte) {
		list, err := Read(bytes.NewReader(img), int64(len(img)))
		if err == nil && len(list) == 0 {
			t.Error("neither entries nor an error")
		}
	})
}
