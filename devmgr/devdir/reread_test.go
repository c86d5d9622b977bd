package devdir

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel reads the partition table of a disk that nobody works on. Which
// tables it knows is its own affair: that of some test machines knows none.
func TestReread(t *testing.T) {
	node := loop(t)
	if err := Reread(node); err != nil {
		t.Error(err)
	}
	f, err := os.Open(node)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	if err := Reread(node); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("somebody works on it: %v", err)
	}
	if err := Reread("/dev/null"); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("no disk: %v", err)
	}
	if err := Reread(node + "-nosuch"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no node: %v", err)
	}
}

// loop gives a file of four megabytes to a loop device, and makes a node of it.
func loop(t *testing.T) (node string) {
	t.Helper()
	dir := t.TempDir()
	file, err := os.Create(dir + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(4 << 20); err != nil {
		t.Fatal(err)
	}
	control, err := os.Open("/dev/loop-control")
	if err != nil {
		t.Skipf("needs root and loop devices: %v", err)
	}
	defer control.Close()
	for range 10 { // others may take it before us
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			t.Skipf("needs root and loop devices: %v", err)
		}
		node = fmt.Sprint(dir, "/loop", number)
		if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(unix.Mkdev(7, uint32(number)))); err != nil && err != unix.EEXIST {
			t.Skipf("needs root: %v", err)
		}
		disk, err := os.OpenFile(node, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_PARTSCAN}}
		if err = unix.IoctlLoopConfigure(int(disk.Fd()), &config); err == nil {
			t.Cleanup(func() {
				_ = unix.IoctlSetInt(int(disk.Fd()), unix.LOOP_CLR_FD, 0)
				disk.Close()
			})
			return node
		}
		disk.Close()
	}
	t.Skip("needs root and a free loop device")
	return ""
}
