package actions_test

import (
	"fmt"
	"strings"
	"testing"

	"slashdev/devmgr/actions"
	"slashdev/devmgr/uevent"
)

const known = `# what this appliance uses
mount UUID=1234-ABCD /perm/stick
mount PARTUUID=0f-1 /mnt/data ro

ifup eth1 192.168.7.1/24
ifup 52:54:00:12:34:56
`

func env(words string) (e uevent.Env) {
	for word := range strings.FieldsSeq(words) {
		e += uevent.Env(word + "\x00")
	}
	return e
}

func TestD05_OnlyKnownMediaAreMountedAndNeverWithTheirNodesAndPrograms(t *testing.T) {
	k, errs := actions.ParseKnown("known", known)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, c := range []struct{ what, subsystem, env, properties, address, want string }{
		{"known", "block", "DEVNAME=sda1", "ID_FS_TYPE=vfat ID_FS_UUID=1234-ABCD", "",
			"/bin/mkdir -p /perm/stick; /bin/mount -t vfat -o nosuid,nodev,noexec,errors=remount-ro /dev/sda1 /perm/stick"},
		{"read-only", "block", "DEVNAME=sda2", "ID_FS_TYPE=ext4 ID_FS_UUID=7 ID_PART_ENTRY_UUID=0f-1", "",
			"/bin/mkdir -p /mnt/data; /bin/mount -t ext4 -o nosuid,nodev,noexec,errors=remount-ro,ro /dev/sda2 /mnt/data"},
		{"unknown", "block", "DEVNAME=sda1", "ID_FS_TYPE=vfat ID_FS_UUID=9999-9999", "", ""},
		{"nothing on it", "block", "DEVNAME=sda", "", "", ""},
		{"the label of a known one", "block", "DEVNAME=sda1", "ID_FS_TYPE=vfat ID_FS_LABEL=1234-ABCD", "", ""},
		{"a file system nobody asked for", "block", "DEVNAME=sda1", "ID_FS_TYPE=minix ID_FS_UUID=1234-ABCD", "", ""},
		{"a node outside", "block", "DEVNAME=../etc", "ID_FS_TYPE=vfat ID_FS_UUID=1234-ABCD", "", ""},
		{"interface", "net", "INTERFACE=eth1", "", "", "/bin/ip addr add 192.168.7.1/24 dev eth1; /bin/ip link set eth1 up"},
		{"by its address", "net", "INTERFACE=usb0", "", "52:54:00:12:34:56", "/bin/ip link set usb0 up"},
		{"unknown interface", "net", "INTERFACE=eth9", "", "52:54:00:00:00:00", ""},
		{"neither", "tty", "DEVNAME=ttyS0", "ID_FS_UUID=1234-ABCD", "", ""},
	} {
		var got []string
		s := actions.Subject{Event: uevent.Event{Action: uevent.Add, DevPath: "/devices/x", Subsystem: c.subsystem, Env: env(c.env)},
			Properties: env(c.properties), Address: c.address}
		for _, j := range k.Jobs(s) {
			got = append(got, strings.Join(j.Argv, " "))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.what, text, c.want)
		}
		s.Event.Action = uevent.Change
		if j := k.Jobs(s); j != nil {
			t.Errorf("%s: a change makes %v", c.what, j)
		}
	}
}

func TestKnownMediumThatGoesIsUnmounted(t *testing.T) {
	k, _ := actions.ParseKnown("known", known)
	s := actions.Subject{Event: uevent.Event{Action: uevent.Remove, DevPath: "/devices/x", Subsystem: "block", Env: env("DEVNAME=sda1")},
		Properties: env("ID_FS_TYPE=vfat ID_FS_UUID=1234-ABCD")}
	if got := fmt.Sprint(k.Jobs(s)); !strings.Contains(got, "[/bin/umount -l /perm/stick]") {
		t.Errorf("got %s", got)
	}
}

func TestKnownProblems(t *testing.T) {
	for text, want := range map[string]string{
		"mount LABEL=x /mnt/x":   `known:1: "LABEL=x": name the medium by UUID= or PARTUUID=`,
		"\nmount UUID=x mnt":     `known:2: "mnt": mount it on an absolute path`,
		"mount UUID=x /etc/x":    `known:1: "/etc/x": mount it on an absolute path`,
		"mount UUID=x /":         `known:1: "/": mount it`,
		"mount UUID=x /mnt/../x": `known:1: "/mnt/../x": mount it`,
		"mount UUID=x /mnt exec": `known:1: "mount UUID=x /mnt exec": write`,
		"ifup eth0 10.0.0.1":     `known:1: "10.0.0.1": write an address`,
		"frob":                   "known:1: \"frob\": write `mount",
	} {
		k, errs := actions.ParseKnown("known", text)
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want) {
			t.Errorf("%q: got %v, want %s", text, errs, want)
		}
		if k == nil {
			t.Errorf("%q: nothing is known at all", text)
		}
	}
	if _, errs := actions.ParseKnown("known", strings.Repeat("\x00", 100)); len(errs) != 1 {
		t.Errorf("NULs: %v", errs)
	}
}

// Whatever is on a medium: no set-user-ID, no device nodes, no programs.
func TestD06_MediaBringNoRights(t *testing.T) {
	k, _ := actions.ParseKnown("known", "mount UUID=u /mnt/x")
	mounted := 0
	for _, fstype := range strings.Fields("ext2 ext3 ext4 xfs btrfs f2fs vfat exfat ntfs iso9660 udf squashfs erofs nosuch proc") {
		s := actions.Subject{Event: uevent.Event{Action: uevent.Add, DevPath: "/devices/x", Subsystem: "block", Env: env("DEVNAME=sda1")},
			Properties: env("ID_FS_UUID=u ID_FS_TYPE=" + fstype)}
		for _, j := range k.Jobs(s) {
			if j.Argv[0] != "/bin/mount" {
				continue
			}
			mounted++
			if options := "," + strings.Join(j.Argv[1:], ",") + ","; !strings.Contains(options, ",nosuid,nodev,noexec,") {
				t.Errorf("%s: %q", fstype, j.Argv)
			}
		}
	}
	if mounted != 13 {
		t.Errorf("%d file systems are mounted", mounted)
	}
}
