package main

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/init/userland/applet"
	"slashdev/init/userland/tool"
)

func TestTableAndLinksAgree(t *testing.T) {
	var table []string
	for _, a := range applets() {
		table = append(table, a.Name)
	}
	listed := slices.Concat(applet.Names(), applet.Power(), applet.Services())
	slices.Sort(table)
	slices.Sort(listed)
	if !slices.Equal(table, listed) {
		t.Errorf("main's table and package applet differ:\ntable  %q\nlisted %q", table, listed)
	}
	if len(slices.Compact(listed)) != len(table) {
		t.Error("a name is listed twice")
	}
}

func TestHelpFits80Columns(t *testing.T) {
	for _, a := range applets() {
		if a.Run == nil {
			t.Errorf("%s does nothing", a.Name)
		}
		for l := range strings.Lines(a.Usage() + fmt.Sprintf("%-10s%s", a.Name, a.Summary)) {
			if len(l) > tool.Width {
				t.Errorf("%s: %d columns: %s", a.Name, len(l), l)
			}
		}
	}
}

// call runs an applet over a made-up file tree.
func call(t *testing.T, root fstest.MapFS, words ...string) (out, complaint string, code int) {
	t.Helper()
	a, ok := findApplet(words[0])
	if !ok {
		t.Fatalf("no applet %s", words[0])
	}
	var o, e strings.Builder
	env := &tool.Env{
		Name: words[0], In: strings.NewReader(""), Out: &o, Err: &e, Dir: "/", Root: root,
		Getenv: func(string) string { return "" },
	}
	code = a.Start(context.Background(), env, words[1:])
	return o.String(), e.String(), code
}

func tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return root
}

func TestUnknownOptionIsUsage(t *testing.T) {
	for _, a := range applets() {
		switch a.Name {
		case "sh", "logd", "perm", "launch":
			continue // they start a shell, serve, mount, become another program
		}
		if isCore(a.Name) {
			continue // u-root's say it in their own way
		}
		if _, complaint, code := call(t, nil, a.Name, "--no-such-option"); code != tool.Usage || !strings.Contains(complaint, "usage: "+a.Name) {
			t.Errorf("%s: exit %d, %q", a.Name, code, complaint)
		}
	}
}

func isCore(name string) bool {
	return slices.ContainsFunc(coreApplets(), func(a tool.Applet) bool { return a.Name == name })
}

func TestGolden(t *testing.T) {
	root := tree(map[string]string{
		"proc/meminfo": "MemTotal:        1048576 kB\nMemFree:  524288 kB\nMemAvailable: 786432 kB\nBuffers: 1024 kB\nCached: 2048 kB\nShmem: 10 kB\nHugePages_Total:       0\nbad line\n",
		"proc/self/mountinfo": `22 1 0:20 / / ro,relatime shared:1 - squashfs /dev/sda2 ro
23 22 0:21 / /mnt/a\040b rw,nosuid - tmpfs tmpfs rw
24 22 8:4 / /perm rw,nodev - ext4 /dev/sda4 rw
`,
		"proc/1/stat":                "1 (in it) x) S 0 1 1 0 -1 4194560 1 2 3 4 250 50 7 8 20 0 5 0 9 1000000 1200 184467 1 1 0\n",
		"proc/1/cmdline":             "/sbin/init\x00--evil\x1b[2J\x00",
		"proc/1/status":              "Name:\tinit\nUid:\t0\t0\t0\t0\n",
		"proc/2/stat":                "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 9 0 0 18446744073709551615 0 0 0\n",
		"proc/77/stat":               "garbage",
		"proc/uptime":                "90061.50 100.00\n",
		"proc/loadavg":               "0.01 0.02 0.03 1/99 1234\n",
		"etc/passwd":                 "root:x:0:0:root:/:/bin/sh\nroot2:x:0:0::/:\n",
		"sys/class/block/sda/uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n",
		"sys/class/block/sda/size":   "2097152\n", "sys/class/block/sda/dev": "8:0\n", "sys/class/block/sda/removable": "1\n",
		"sys/class/block/sda/device/vendor": "QEMU    \n", "sys/class/block/sda/device/model": "HARD\x1bDISK   \n",
		"sys/class/block/sda4/uevent": "DEVNAME=sda4\nDEVTYPE=partition\nPARTN=4\nPARTUUID=abcd-04\nPARTNAME=perm\n",
		"sys/class/block/sda4/size":   "1048576\n", "sys/class/block/sda4/dev": "8:4\n",
		"sys/class/block/loop0/size": "0\n", "sys/class/block/loop0/uevent": "DEVNAME=loop0\n",
		"sys/bus/pci/devices/0000:00:01.1/class": "0x010180\n", "sys/bus/pci/devices/0000:00:01.1/vendor": "0x8086\n",
		"sys/bus/pci/devices/0000:00:01.1/device": "0x7010\n",
		"sys/bus/usb/devices/usb1/idVendor":       "1d6b\n", "sys/bus/usb/devices/usb1/idProduct": "0002\n",
		"sys/bus/usb/devices/usb1/busnum": "1\n", "sys/bus/usb/devices/usb1/devnum": "1\n", "sys/bus/usb/devices/usb1/speed": "480\n",
		"sys/bus/usb/devices/usb1/bDeviceClass": "09\n", "sys/bus/usb/devices/usb1/product": "xHCI\x07 Controller\n",
		"sys/bus/usb/devices/1-1/idVendor": "0627\n", "sys/bus/usb/devices/1-1/idProduct": "0001\n", "sys/bus/usb/devices/1-1/busnum": "1\n",
		"sys/bus/usb/devices/1-1/devnum": "2\n", "sys/bus/usb/devices/1-1/bDeviceClass": "00\n", "sys/bus/usb/devices/1-1/speed": "12\n",
		"sys/bus/usb/devices/1-1:1.0/bInterfaceClass": "03\n",
		"proc/sys/kernel/hostname":                    "box\n",
	})
	symlink(root, "sys/bus/pci/devices/0000:00:01.1/driver", "../../../../bus/pci/drivers/ata_piix")
	symlink(root, "sys/bus/usb/devices/1-1:1.0/driver", "../../../bus/usb/drivers/usbhid")
	for _, c := range []struct{ command, want string }{
		{"free", `        total  used  free  shared  cache  available
memory   1.0G  256M  512M     10K   3.0M       768M
`},
		{"mount", `TARGET    TYPE      SOURCE     OPTIONS
/         squashfs  /dev/sda2  ro,relatime
/mnt/a b  tmpfs     tmpfs      rw,nosuid
/perm     ext4      /dev/sda4  rw,nodev
`},
		{"mount -t ext4", `TARGET  TYPE  SOURCE     OPTIONS
/perm   ext4  /dev/sda4  rw,nodev
`},
		{"ps", `PID  PPID  USER  S  THR   RSS  TIME  COMMAND
  1     0  root  S    5  4.7M  0:03  /sbin/init --evil\x1b[2J
`},
		{"ps -a", `PID  PPID  USER  S  THR   RSS  TIME  COMMAND
  1     0  root  S    5  4.7M  0:03  /sbin/init --evil\x1b[2J
  2     0  root  S    1     0  0:00  [kthreadd]
`},
		{"lsblk", `NAME    MAJ:MIN  SIZE  RM  RO  WHAT               MOUNTED ON
sda         8:0  1.0G  1   0   QEMU HARD\x1bDISK
  sda4      8:4  512M  0   0   perm               /perm
`},
		{"lspci", `SLOT          ID         CLASS   DRIVER    WHAT
0000:00:01.1  8086:7010  010180  ata_piix  IDE controller
`},
		{"lsusb", `PORT  BUS  DEV  ID         MBIT/S  DRIVER  WHAT
1-1     1    2  0627:0001      12  usbhid  input
usb1    1    1  1d6b:0002     480  -       hub  xHCI\x07 Controller
`},
		{"sysctl kernel.hostname", "kernel.hostname = box\n"},
		{"sysctl -n kernel/hostname", "box\n"},
	} {
		t.Run(c.command, func(t *testing.T) {
			out, complaint, code := call(t, root, strings.Fields(c.command)...)
			if out != c.want || code != 0 {
				t.Errorf("exit %d %s\ngot:\n%s\nwant:\n%s", code, complaint, out, c.want)
			}
		})
	}
	if out, _, _ := call(t, root, "uptime"); !strings.HasSuffix(out, "UTC, up 1 d 01:01, load 0.01 0.02 0.03\n") {
		t.Errorf("uptime: %q", out)
	}
}

func symlink(root fstest.MapFS, name, to string) {
	root[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
}

func TestExitCodes(t *testing.T) {
	for command, want := range map[string]int{
		"sysctl no.such": tool.NotFound, "sysctl ../../etc/passwd": tool.Usage, "sysctl": tool.Usage,
		"kill": tool.Usage, "kill -NOSUCH 1": tool.Usage, "kill 0": tool.Usage, "sleep x": tool.Usage, "sleep -1": tool.Usage,
		"cat /no/such": tool.NotFound, "ls /no/such": tool.NotFound, "stat /no/such": tool.NotFound, "lspci": tool.NotFound,
		"mount a": tool.Usage, "ip nosuch": tool.Usage, "ip addr add x dev lo": tool.Usage, "ip link set nosuch0 up": tool.NotFound,
		"grep": tool.Usage, "grep ( /etc/passwd": tool.Usage, "grep -q nosuchuser /etc/passwd": tool.Failed, "which nosuch": tool.NotFound,
		"dmesg -n loud": tool.Usage, "hexdump -n x": tool.Usage,
	} {
		if _, complaint, code := call(t, tree(nil), strings.Fields(command)...); code != want {
			t.Errorf("%s: exit %d, want %d (%s)", command, code, want, complaint)
		}
	}
}
