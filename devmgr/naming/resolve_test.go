package naming

import (
	"errors"
	"strings"
	"testing"

	"slashdev/devmgr/uevent"
)

// bench is a machine with two disks, one of which says hostile things.
func bench() []Known {
	n := NewNamer(Options{}, nil)
	know := func(line string, id Identity, links ...string) Known {
		d := device(line)
		id.Label, id.PartLabel = encode(id.Label), encode(id.PartLabel)
		return Known{Device: d, Names: n.Names(d, Place{}), Identity: id, Links: links}
	}
	return []Known{
		know(sata+"/block/sr0 block sr0 DEVTYPE=disk MAJOR=11 MINOR=0", Identity{}, "cdrom"),
		know(scsi+"/block/sda block sda DEVTYPE=disk MAJOR=8 MINOR=0", Identity{}),
		know(scsi+"/block/sda/sda1 block sda1 MAJOR=8 MINOR=1"+part+"1", Identity{Label: "root fs", UUID: "60c24cc1-AAAA", PartUUID: "0AB-01", PartLabel: "sda"}),
		know(scsi+"/block/sda/sda2 block sda2 MAJOR=8 MINOR=2"+part+"2", Identity{Label: "$(reboot)\n/../x", UUID: "ABCD-1234"}),
		know(vda+" block vda DEVTYPE=disk MAJOR=254 MINOR=0", Identity{Label: "root fs"}, "disk/by-id/virtio-x"),
		know("/devices/virtual/mem/zero mem zero MAJOR=1 MINOR=5", Identity{}),
		know("/devices/virtual/block/ram0 block ram0 MAJOR=1 MINOR=5", Identity{Label: "null"}),
		know("/devices/x/tty/ttyS0 tty ttyS0 MAJOR=4 MINOR=64", Identity{}),
		know("/devices/x/net/eth0 net -", Identity{}),
	}
}

func TestS3_51_Resolve(t *testing.T) {
	r := NewResolver(bench())
	for name, want := range map[string]string{
		"sda1": "sda1 kernel", "/dev/sda1": "sda1 kernel", "/devices/sda1": "sda1 kernel",
		"discs/disc0/part1": "sda1 devfs", "/dev/discs/disc0/disc": "sda devfs", "discs/disc1/disc": "vda devfs",
		"/dev/scsi/host0/bus0/target1/lun4099/part2": "sda2 devfs", "cdroms/cdrom0": "sr0 devfs",
		"sd/c0b0t1u4099p1": "sda1 new-compat", "/dev/vd/v1": "vda new-compat", "scd0": "sr0 old-compat",
		"LABEL=root fs": "sda1 LABEL", `LABEL="root fs"`: "sda1 LABEL", "LABEL=$(reboot)\n/../x": "sda2 LABEL", "LABEL=null": "ram0 LABEL",
		"UUID=60C24CC1-aaaa": "sda1 UUID", "PARTUUID=0ab-01": "sda1 PARTUUID", "PARTUUID=0ab-01/PARTNROFF=1": "sda2 PARTUUID",
		"PARTLABEL=sda": "sda1 PARTLABEL", "8:2": "sda2 number", "4:64": "ttyS0 number", "1:5": "ram0 number",
		"block/1:5": "ram0 link", "char/1:5": "zero link", "/dev/cdrom": "sr0 link", "disk/by-id/virtio-x": "vda link",
		"tts/0": "ttyS0 devfs", "net/eth0": "eth0 devfs",
	} {
		d, how, err := r.Resolve(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.Name() + " " + string(how); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", "/", "/dev", "/dev/", "sdb", "/dev/../dev/sda", "/dev//sda", "./sda", "sda/", "discs/disc0", "discs/disc2/disc",
		"discs", "LABEL=", "LABEL", "label=root fs", "UUID=", "ID=x", "8:99", "8:", ":", "=", "PARTUUID=0ab-01/PARTNROFF=9", "PARTUUID=0ab-01/PARTNROFF=x",
		"LABEL=root", "/dev/LABEL=null", strings.Repeat("a", 9999), "nothing\x00"} {
		if d, how, err := r.Resolve(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%.40q is %v by %s: %v", name, d, how, err)
		}
	}
}

// A medium that calls itself like a device is found by LABEL= only (E-10), and
// a link that rules gave to one of several wins.
func TestE10_LabelTakesNobodysName(t *testing.T) {
	all := bench()
	all[6].Label = "sda1"
	if d, _, _ := NewResolver(all).Resolve("sda1"); d.Name() != "sda1" || d.DevName != "sda1" {
		t.Errorf("sda1 is %s", d.DevPath)
	}
	all[4].Links = append(all[4].Links, `disk/by-label/root\x20fs`)
	if d, _, _ := NewResolver(all).Resolve("LABEL=root fs"); d.Name() != "vda" {
		t.Errorf("the link leads to vda, the label to %s", d.DevPath)
	}
}

// Every part of a RAID has the label of the whole, which is a device of its own.
func TestS3_51_PartsOfARAIDAreNotMeant(t *testing.T) {
	says := func(more ...string) func(string) string {
		all := append([]string{`ID_FS_LABEL_ENC=a\x20b`, "ID_FS_UUID_ENC=1-2", "PARTUUID=kernel", "PARTNAME=c d"}, more...)
		return uevent.Lines(strings.Join(all, "\n") + "\n").Get
	}
	for _, tt := range []struct {
		get  func(string) string
		want Identity
	}{
		{says("ID_FS_USAGE=filesystem"), Identity{`a\x20b`, "1-2", `c\x20d`, "kernel"}},
		{says("ID_FS_USAGE=raid"), Identity{"", "", `c\x20d`, "kernel"}},
		{says("ID_PART_ENTRY_UUID=table", "ID_PART_ENTRY_NAME=e"), Identity{`a\x20b`, "1-2", "e", "table"}},
	} {
		if got := IdentityOf(tt.get); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Whatever the name, the answer is a device, and its names lead back to it.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{"sda", "/dev/discs/disc0/part1", "LABEL=x", `LABEL=""`, "PARTUUID=a/PARTNROFF=-1", "8:0", "discs/disc0", "../x", "cdroms/cdrom0/", "\xff="} {
		f.Add(seed)
	}
	known := bench()
	r := NewResolver(known)
	f.Fuzz(func(t *testing.T, name string) {
		d, _, err := r.Resolve(name)
		if err != nil {
			return
		}
		for _, k := range known {
			if k.Device == d {
				resolveAll(t, r, []Known{k})
			}
		}
	})
}
