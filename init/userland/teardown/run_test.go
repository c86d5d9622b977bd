package teardown

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

// stacked is a file system on a mapped device on a loop device whose file is on
// /perm, with a view on /dev and swap on /perm.
func stacked() *fake {
	return &fake{files: map[string]string{
		"proc/self/mountinfo": `21 1 8:2 / / ro,relatime - squashfs /dev/root ro
23 21 0:21 / /proc rw - proc proc rw
24 21 8:4 / /perm rw,nosuid - ext4 /dev/sda4 rw
25 24 253:0 / /perm/my\040disk rw - vfat /dev/loop0 rw
26 21 0:40 / /dev rw - fuse.devmgr devmgr rw
`,
		"proc/swaps":                        "Filename\n/perm/swap file 1 0 -2\n",
		"sys/block/loop0/dev":               "7:0\n",
		"sys/block/loop0/loop/backing_file": "/perm/img\n",
		"sys/block/loop0/holders/dm-0":      "",
		"sys/block/dm-0/dev":                "253:0\n",
		"sys/block/dm-0/dm/name":            "secret",
	}}
}

const want = `kill
sync all
swapoff /perm/swap
detach /dev
unmount /perm/my disk
unmount /perm
dmsetup remove secret
losetup -d loop0
remount /
sync all
`

func TestRun(t *testing.T) {
	k := stacked()
	errs := Run(k)
	if got := strings.Join(k.calls, "\n") + "\n"; got != want || len(errs) > 0 {
		t.Errorf("got\n%swant\n%serrors %v", got, want, errs)
	}
}

// A step that fails keeps none of the others from being done, and what could
// not be unmounted is at least made read-only.
func TestAnyStepMayFail(t *testing.T) {
	all := strings.Split(strings.TrimSpace(want), "\n")
	for n, name := range all {
		k := stacked()
		k.failCall, k.err = n+1, syscall.EBUSY
		errs := Run(k)
		for _, call := range all {
			held := strings.HasPrefix(name, "dmsetup") && strings.HasPrefix(call, "losetup")
			if !held && !slices.Contains(k.calls, call) {
				t.Errorf("%s failed and %s was left out", name, call)
			}
		}
		if len(errs) == 0 && !strings.HasPrefix(name, "sync") && !strings.HasPrefix(name, "unmount") { // those come again
			t.Errorf("%s failed and nobody said so", name)
		}
	}
}

func TestBusyFileSystemBecomesReadOnly(t *testing.T) {
	k := stacked()
	k.failAll, k.err = "unmount /perm", syscall.EBUSY
	errs := Run(k)
	if n := len(k.calls); !slices.Contains(k.calls, "remount /perm") || n > 40 {
		t.Errorf("%d calls: %q", n, k.calls)
	}
	if !strings.Contains(fmt.Sprint(errs), "unmount /perm: device or resource busy") {
		t.Errorf("errors %v", errs)
	}
}

// S-04: whatever hangs, the other steps are done.
func TestS04_StepThatHangsIsLeftBehind(t *testing.T) {
	for _, hangs := range []string{"swapoff", "detach /dev", "unmount /perm/my", "losetup", "sync"} {
		synctest.Test(t, func(t *testing.T) {
			k := stacked()
			k.hangs, k.release = hangs, make(chan struct{})
			defer close(k.release)
			errs := Run(k)
			if !slices.Contains(k.log(), "unmount /perm") || !slices.Contains(k.log(), "remount /") {
				t.Errorf("%s hangs: only %q", hangs, k.log())
			}
			if !strings.Contains(fmt.Sprint(errs), "no answer after") {
				t.Errorf("%s hangs: errors %v", hangs, errs)
			}
		})
	}
}

// A step prints itself as what a person would type.
func TestStepsPrint(t *testing.T) {
	if got := fmt.Sprint(First(stacked().Root())); got != "[kill -KILL -1 sync swapoff /perm/swap umount -l /dev]" {
		t.Errorf("got %s", got)
	}
}
