package mountinfo

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line string
		want Mount
		ok   bool
	}{
		{`24 22 8:4 / /perm rw,nodev shared:1 - ext4 /dev/sda4 rw,errors=panic`, Mount{"8:4", "/perm", "rw,nodev", "ext4", "/dev/sda4", "rw,errors=panic"}, true},
		{`30 22 8:5 / /a\040b\134c\ ro - vfat my\040disk ro`, Mount{"8:5", `/a b\c\`, "ro", "vfat", "my disk", "ro"}, true},
		{`31 22 0:9 / /run rw - tmpfs  rw`, Mount{"0:9", "/run", "rw", "tmpfs", "rw", ""}, true},
		{`1 1 0:2 / /`, Mount{}, false},
		{`1 1 0:2 / - x y`, Mount{}, false},
		{``, Mount{}, false},
	} {
		if got, ok := Parse(c.line); got != c.want || ok != c.ok {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v, %v", c.line, got, ok, c.want, c.ok)
		}
	}
}

func TestOnDisk(t *testing.T) {
	for fstype, want := range map[string]bool{"ext4": true, "squashfs": true, "fuseblk": true, "fuse": false, "fuse.sshfs": false, "fusectl": false, "tmpfs": false, "autofs": false} {
		if OnDisk(fstype) != want {
			t.Errorf("OnDisk(%s) = %v", fstype, !want)
		}
	}
}
