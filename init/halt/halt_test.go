package halt

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"slashdev/init/linux/linuxtest"
)

const mountinfo = `21 1 8:2 / / ro,relatime - squashfs /dev/root ro
22 21 0:5 / /dev rw,nosuid - devtmpfs devtmpfs rw
23 21 0:21 / /proc rw - proc proc rw
24 21 8:4 / /perm rw,nosuid - ext4 /dev/sda4 rw
25 24 7:0 / /perm/my\040disk rw - vfat /dev/loop0 rw
damaged line
`

const want = `kill -KILL -1
sync
mount -o remount,ro /perm/my disk
mount -o remount,ro /perm
mount -o remount,ro /
sync
`

func TestPlan(t *testing.T) {
	var b strings.Builder
	for _, s := range Plan(mountinfo) {
		fmt.Fprintln(&b, s)
	}
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestPlanOfInitramfs(t *testing.T) {
	if got := fmt.Sprint(Plan("1 1 0:2 / / rw - rootfs none rw\n")); got != "[kill -KILL -1 sync sync]" {
		t.Errorf("got %s", got)
	}
}

// A step that fails keeps none of the others from being done.
func TestAnyStepMayFail(t *testing.T) {
	steps := Plan(mountinfo)
	for n := range steps {
		k := &linuxtest.Kernel{FailCall: n + 1, Err: syscall.EBUSY}
		errs := Do(k, steps)
		if len(k.Calls) != len(steps) {
			t.Errorf("step %d failed: %d of %d done", n+1, len(k.Calls), len(steps))
		}
		if steps[n].Verb != "sync" && len(errs) != 1 {
			t.Errorf("step %s failed: errors %v", steps[n], errs)
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(mountinfo)
	f.Add(`1 1 8:1 / /\134040 rw - ext4 x rw`)
	f.Fuzz(func(t *testing.T, s string) {
		steps := Plan(s)
		if len(steps) < 3 || steps[len(steps)-1].Verb != "sync" {
			t.Fatalf("plan %v does not end in a sync", steps)
		}
	})
}
