package cpio

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand"
	"os/exec"
	"strings"
	"testing"

	"slashdev/image/tree"
)

func sample(t testing.TB) []tree.Entry {
	t.Helper()
	noise := make([]byte, 5*chunkSize+3)
	rand.New(rand.NewSource(1)).Read(noise)
	var tr tree.Tree
	for _, e := range []tree.Entry{
		tree.Char("/dev/console", 0o600, 5, 1), tree.Char("/dev/null", 0o666, 1, 3), tree.Link("/init", "sbin/init"),
		tree.Bytes("/sbin/init", 0o755|fs.ModeSetuid, noise), tree.Bytes("/empty", 0o600, nil), tree.Dir("/tmp", 0o777|fs.ModeSticky),
	} {
		if err := tr.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	list, err := tr.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func write(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, sample(t), 1e9); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	got, err := Read(bytes.NewReader(write(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := sample(t)[1:] // the root is the kernel's own
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].String() != want[i].String() || !bytes.Equal(got[i].Bytes, want[i].Bytes) {
			t.Errorf("got %v, want %v", &got[i], &want[i])
		}
	}
}

func TestSameTreeSameBytes(t *testing.T) {
	if !bytes.Equal(write(t), write(t)) {
		t.Error("two writes differ")
	}
}

// gzip's own tool must accept the stream that was made in pieces.
func TestGzipAcceptsTheStream(t *testing.T) {
	cmd := exec.Command("gzip", "-t")
	cmd.Stdin = bytes.NewReader(write(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("gzip -t: %v %s", err, out)
	}
}

type fullDisk struct{ left int }

var errFull = errors.New("disk full")

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteErrorIsReported(t *testing.T) {
	for _, room := range []int{0, 100, chunkSize} {
		if err := Write(&fullDisk{room}, sample(t), 0); !errors.Is(err, errFull) {
			t.Errorf("room for %d: got %v", room, err)
		}
	}
}

func TestUnreadableContentIsNamed(t *testing.T) {
	list := []tree.Entry{tree.Dir("/", 0o755), {Path: "/x", Mode: 0o644, File: "/nonexistent/x"}}
	if err := Write(&bytes.Buffer{}, list, 0); err == nil || !strings.Contains(err.Error(), "/nonexistent/x") {
		t.Errorf("got %v", err)
	}
}
