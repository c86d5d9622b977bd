package devdir

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk is not read while somebody makes a file system on it.
func TestShareDisk(t *testing.T) {
	node := t.TempDir() + "/vda"
	if err := os.WriteFile(node, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(node)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock := func(how int) error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) }
	if err := lock(unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, ok := ShareDisk(node); ok {
		t.Error("a locked disk is read")
	}
	if err := lock(unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	release, ok := ShareDisk(node)
	if !ok {
		t.Fatal("a free disk is not read")
	}
	if err := lock(unix.LOCK_EX); err != unix.EWOULDBLOCK {
		t.Errorf("while it is read: %v", err)
	}
	release()
	if err := lock(unix.LOCK_EX); err != nil {
		t.Errorf("when it has been read: %v", err)
	}
	if release, ok := ShareDisk(node + "-nosuch"); !ok {
		t.Error("no node")
	} else {
		release()
	}
}
