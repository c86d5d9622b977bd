package qemu_test

import (
	"strings"
	"testing"
)

const namesConfig = `{"Hostname": "names", "Packages": [], "GokrazyPackages": [],
	"Slashdev": {"Version": 1, "Shell": {"Mode": "open"}, "Devfs": {"Names": ["devfs", "new-compat", "old-compat"], "Numbers": "stable"}}}`

// The names of Linux 2.4 are in /dev of a real machine, lead to the devices,
// and every way to name a medium mounts it.
func TestS3_65_NamesOnAMachine(t *testing.T) {
	t.Parallel()
	const uuid = "60c24cc1-f3f9-427a-8199-2e18c40c0004"
	b := bootBox(t, "pc", namesConfig,
		"-drive", "if=virtio,format=raw,file="+ext4Disk(t, 8<<20, "-L", "the data", "-U", uuid),
		"-drive", "if=none,id=stick,format=raw,file="+ext4Disk(t, 8<<20), "-device", "usb-storage,drive=stick")
	b.run("dev settle sda")
	number := strings.TrimSpace(b.run("cat /sys/block/vda/dev"))
	virtio := strings.TrimSpace(b.run("dev name vda --scheme new-compat")) // vd/vN
	counted := "discs/disc0/disc"
	if !strings.Contains(b.run("dev name vda"), counted) {
		counted = "discs/disc1/disc"
	}
	for _, name := range []string{"vda", "/dev/vda", counted, "/dev/" + counted, virtio, "/dev/" + virtio, number, "LABEL='the data'", "UUID=" + uuid} {
		if got := b.run("dev resolve " + name); got != "/dev/vda\n" {
			t.Errorf("%s is %s", name, got)
		}
		if strings.HasPrefix(name, "/dev/") || strings.Contains(name, "=") {
			b.run("mkdir -p /tmp/m && mount " + name + " /tmp/m && ls -d /tmp/m/lost+found && umount /tmp/m")
		}
	}
	b.wants("ls -l /dev/discs/disc0 /dev/discs/disc1", `scsi/host\d+/bus0/target0/lun0`)
	b.wants("cat /dev/discs/disc*/disc | wc -c", `^16777216\n`)
	b.wants("ls -l /dev/sd", ` c\d+b0t0u0 -> \.\./sda`)
	b.wants("cat /dev/net/lo/address", `^00:00:00:00:00:00\n`)
	b.wants("ls -l /dev/vc/1 /dev/tts/0 /dev/vcc/0 /dev/loop/0", `/dev/tts/0 -> \.\./ttyS0\n`)
	b.wants("cat /run/slashdev/numbers", `disc 0 `)
}
