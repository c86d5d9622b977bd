package devdir

import (
	"context"
	"errors"
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
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ShareDisk(over, node); !errors.Is(err, context.Canceled) {
		t.Errorf("a locked disk: %v", err)
	}
	unlock := make(chan error, 1)
	go func() { unlock <- unix.Flock(int(f.Fd()), unix.LOCK_UN) }()
	release, err := ShareDisk(t.Context(), node)
	if err != nil || <-unlock != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
		t.Errorf("while it is read: %v", err)
	}
	release()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("when it has been read: %v", err)
	}
	if release, err := ShareDisk(over, node+"-nosuch"); err != nil {
		t.Errorf("no node: %v", err)
	} else {
		release()
	}
}
