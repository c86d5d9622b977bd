package netname

import (
	"errors"
	"net"
	"runtime"
	"strings"
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
		queue := uint32(77)
		if err := Set(lo.Index, Settings{MTU: 1400, QueueLength: &queue, Alias: "the lan", Alternatives: []string{"a-name-of-more-than-15-bytes", "lan0", "other"}}); err != nil {
			t.Error(err)
		}
		if found, err := net.InterfaceByIndex(lo.Index); err != nil || found.MTU != 1400 {
			t.Errorf("%+v, %v", found, err)
		}
		if err := Rename(lo.Index, "other"); !errors.Is(err, unix.EEXIST) {
			t.Errorf("other is another name of it already: %v", err)
		}
		err = Set(lo.Index, Settings{Address: []byte{2, 0, 0, 0, 0, 1}, Alias: strings.Repeat("x", 300), Alternatives: []string{"third"}})
		if err == nil || !strings.HasPrefix(err.Error(), "set the alias of interface ") {
			t.Errorf("a long alias: %v", err)
		}
		if found, err := net.InterfaceByIndex(lo.Index); err != nil || found.HardwareAddr.String() != "02:00:00:00:00:01" {
			t.Errorf("%+v, %v", found, err)
		}
		if err := Rename(lo.Index, "third"); !errors.Is(err, unix.EEXIST) {
			t.Errorf("behind what was refused: %v", err)
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
