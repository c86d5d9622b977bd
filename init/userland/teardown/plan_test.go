package teardown

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const mounted = `21 1 8:2 / / ro,relatime - squashfs /dev/root ro
22 21 0:5 / /dev rw,nosuid - devtmpfs devtmpfs rw
23 21 0:21 / /proc rw - proc proc rw
24 21 8:4 / /perm rw,nosuid - ext4 /dev/sda4 rw
25 24 7:0 / /perm/my\040disk rw - vfat /dev/loop0 rw
26 21 0:40 / /dev rw - fuse.devmgr devmgr rw
27 26 0:41 / /dev/views/web rw - fuse x rw
damaged line
28 21 253:0 / /data rw - ext4 /dev/mapper/data rw
`

func machine(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for path, text := range files {
		root[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func text(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	root := machine(map[string]string{
		"proc/self/mountinfo":               mounted,
		"proc/swaps":                        "Filename Type Size Used Priority\n/perm/swap\\040file file 1 0 -2\n/dev/sda3 partition 1 0 -3\n",
		"sys/block/sda/dev":                 "8:0\n",
		"sys/block/loop0/dev":               "7:0\n",
		"sys/block/loop0/loop/backing_file": "/perm/img\n",
		"sys/block/loop1/dev":               "7:1\n",
		"sys/block/loop1/loop/backing_file": "/perm/idle\n",
		"sys/block/loop2/dev":               "7:2\n",
		"sys/block/dm-0/dev":                "253:0\n",
		"sys/block/dm-0/dm/name":            "data\n",
		"sys/block/dm-1/dev":                "253:1\n",
		"sys/block/dm-1/dm/name":            "idle\n",
		"sys/block/md0/dev":                 "9:0\n",
		"sys/block/md0/md/array_state":      "clean\n",
		"sys/block/md0/holders/dm-1":        "",
		"sys/block/md1/dev":                 "9:1\n",
		"sys/block/md1/md/array_state":      "clear\n",
		"sys/block/md2/dev":                 "9:2\n",
		"sys/block/md2/md/array_state":      "read-auto\n",
	})
	tests := []struct {
		name  string
		steps []Step
		want  string
	}{
		{"first", First(root), "kill -KILL -1\nsync\nswapoff /perm/swap file\nswapoff /dev/sda3\numount -l /dev/views/web\numount -l /dev\n"},
		{"plan", Plan(root), "umount /data\numount /perm/my disk\numount /perm\ndmsetup remove idle\nlosetup -d loop1\nmdadm --stop md2\n"},
		{"last", Last(root), "mount -o remount,ro /data\nmount -o remount,ro /perm/my disk\nmount -o remount,ro /perm\nmount -o remount,ro /\nsync \n"},
	}
	for _, tt := range tests {
		if got := text(tt.steps); strings.ReplaceAll(got, " \n", "\n") != strings.ReplaceAll(tt.want, " \n", "\n") {
			t.Errorf("%s: got\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestPlanOfInitramfs(t *testing.T) {
	root := machine(map[string]string{"proc/self/mountinfo": "1 1 0:2 / / rw - rootfs none rw\n"})
	if got := fmt.Sprint(First(root), Plan(root), Last(root)); got != "[kill -KILL -1 sync] [] [sync]" {
		t.Errorf("got %s", got)
	}
}

// N-06: any number of mounts, paths of any length and with any byte.
func TestN06_MountTableOfAnySize(t *testing.T) {
	var b strings.Builder
	deep := strings.Repeat("/"+strings.Repeat(`\012`, 250), 16) // 4 KiB of newlines
	for n := range 10_000 {
		path := "/x"
		if n > 9700 {
			path = deep
		}
		fmt.Fprintf(&b, "%d 1 8:1 / %s/%d rw - ext4 /dev/sda1 rw\n", n, path, n)
		if n == 5000 {
			b.WriteString(strings.Repeat("x", 1<<20) + " - ext4 too long\n")
		}
	}
	steps := Plan(machine(map[string]string{"proc/self/mountinfo": b.String()}))
	if len(steps) != maxMounts || !strings.HasSuffix(steps[0].Target, "/9999") || strings.Count(steps[0].Target, "\n") != 16*250 {
		t.Errorf("%d steps, first %.40q", len(steps), steps[0].Target)
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add(mounted, "Filename\n/swap file 1 0 -2\n")
	f.Add("1 1 8:1 / /\\134040 rw - ext4 x rw", "/\\012")
	f.Add(strings.Repeat("9", maxLine+1)+" - ext4 x\n", "\x00")
	f.Fuzz(func(t *testing.T, mounted, swaps string) {
		root := machine(map[string]string{"proc/self/mountinfo": mounted, "proc/swaps": swaps})
		steps := slices.Concat(First(root), Plan(root), Last(root))
		if len(steps) < 3 || steps[len(steps)-1].Verb != Sync || len(steps) > 5*maxMounts {
			t.Fatalf("%d steps: %v", len(steps), steps)
		}
		for _, s := range steps {
			if s.Verb == Unmount && s.Target == "/" {
				t.Fatal("the root is unmounted")
			}
		}
	})
}
