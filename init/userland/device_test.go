package main

import "testing"

func TestS3_51_MountFindsTheDevice(t *testing.T) {
	fakeDaemon(t, "devmgr.sock", map[string]string{
		`resolve LABEL=data`:            "= devpath=/devices/x devname=sda1 by=LABEL\nok",
		`resolve /dev/discs/disc0/disc`: "= devpath=/devices/x devname=nvme0n1 by=devfs\nok",
		`resolve UUID=net`:              "= devpath=/devices/x devname= by=UUID\nok",
	})
	for name, want := range map[string]string{
		"LABEL=data": "/dev/sda1", "/dev/discs/disc0/disc": "/dev/nvme0n1", "UUID=net": "", "LABEL=other": "", "/dev/nosuch": "",
		"/dev/null": "/dev/null", "tmpfs": "tmpfs", "size=1": "size=1", "/tmp/image": "/tmp/image",
	} {
		if got, err := findDevice(name); got != want || err != nil != (want == "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}
