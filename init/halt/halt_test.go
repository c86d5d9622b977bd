package halt

import (
	"strings"
	"syscall"
	"testing"

	"slashdev/init/linux/linuxtest"
)

const mounted = `21 1 8:2 / / ro,relatime - squashfs /dev/root ro
22 21 0:5 / /dev rw,nosuid - devtmpfs devtmpfs rw
23 21 0:21 / /proc rw - proc proc rw
24 21 8:4 / /perm rw,nosuid - ext4 /dev/sda4 rw
25 24 7:0 / /perm/my\040disk rw - vfat /dev/loop0 rw
damaged line
`

const want = `killall killed
sync all
remount /perm/my disk
remount /perm
remount /
sync all`

func TestDo(t *testing.T) {
	k := &linuxtest.Kernel{}
	errs := Do(k, mounted)
	if got := strings.Join(k.Calls, "\n"); got != want || len(errs) > 0 {
		t.Errorf("got\n%s\nwant\n%s\nerrors %v", got, want, errs)
	}
}

func TestInitramfsHasNoDisk(t *testing.T) {
	k := &linuxtest.Kernel{}
	_ = Do(k, "1 1 0:2 / / rw - rootfs none rw\n2 1 0:9 / /dev rw - fuse.devmgr x rw\n")
	if got := strings.Join(k.Calls, "\n"); got != "killall killed\nsync all\nsync all" {
		t.Errorf("got %s", got)
	}
}

// A step that fails keeps none of the others from being done.
func TestAnyStepMayFail(t *testing.T) {
	for n, step := range strings.Split(want, "\n") {
		k := &linuxtest.Kernel{FailCall: n + 1, Err: syscall.EBUSY}
		errs := Do(k, mounted)
		if got := strings.Join(k.Calls, "\n"); got != want {
			t.Errorf("%s failed: done\n%s", step, got)
		}
		if !strings.HasPrefix(step, "sync") && len(errs) != 1 {
			t.Errorf("%s failed: errors %v", step, errs)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add(mounted)
	f.Add(`1 1 8:1 / /\134040 rw - ext4 x rw`)
	f.Fuzz(func(t *testing.T, s string) {
		k := &linuxtest.Kernel{}
		if errs := Do(k, s); len(errs) > 0 || k.Calls[len(k.Calls)-1] != "sync all" {
			t.Fatalf("%v, last %s", errs, k.Calls[len(k.Calls)-1])
		}
	})
}
