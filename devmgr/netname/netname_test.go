package netname

import (
	"errors"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRename(t *testing.T) {
	ended := make(chan error)
	go func() { // the thread ends with the goroutine, and its network with it
		defer close(ended)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			ended <- err
			return
		}
		lo, err := net.InterfaceByName("lo")
		if err != nil {
			t.Error(err)
			return
		}
		if err := Rename(lo.Index, "lan0"); err != nil {
			t.Error(err)
		}
		if found, err := net.InterfaceByName("lan0"); err != nil || found.Index != lo.Index {
			t.Errorf("lan0 is %v, %v", found, err)
		}
		if err := Rename(lo.Index+1000, "lan1"); !errors.Is(err, unix.ENODEV) {
			t.Errorf("no such interface: %v", err)
		}
		for _, name := range []string{"", "averyveryverylongname"} {
			if err := Rename(lo.Index, name); !errors.Is(err, unix.EINVAL) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}()
	if err := <-ended; err != nil {
		t.Skipf("needs root: %v", err)
	}
}
