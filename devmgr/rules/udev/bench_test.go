package udev

import (
	"strings"
	"testing"
)

// stockDevices are what a coldplug meets most.
func stockDevices() map[string]Device {
	return map[string]Device{
		"loop": {Action: "add", Device: newDevice("/devices/virtual/block/loop77", "block",
			"MAJOR=7\nMINOR=77\nDEVNAME=loop77\nDEVTYPE=disk\nDISKSEQ=78\n")},
		"bdi": {Action: "add", Device: newDevice("/devices/virtual/bdi/7:77", "bdi", "")},
		"tty": {Action: "add", Device: newDevice("/devices/virtual/tty/tty7", "tty", "MAJOR=4\nMINOR=7\nDEVNAME=tty7\n")},
		"vda": {Action: "add", Device: newDevice(vdaPath, "block", "MAJOR=254\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk\nDISKSEQ=9\n")},
	}
}

// BenchmarkDecide decides with the rules of Debian's package udev, and with
// those of all packages, 3,000 of them.
func BenchmarkDecide(b *testing.B) {
	all := stockRules(b)
	var stock []File
	for _, f := range all {
		if strings.HasPrefix(f.Name, "udev/") {
			stock = append(stock, f)
		}
	}
	m, _ := newMachine()
	m.answers["blkid"], m.answers["path_id"] = "ID_FS_USAGE=filesystem ID_FS_UUID_ENC=1234 ID_FS_TYPE=ext4", "ID_PATH=pci-0000:00:02.0"
	for name, dev := range stockDevices() {
		for set, files := range map[string][]File{"stock": stock, "all": all} {
			s, _ := Parse(files)
			b.Run(name+"/"+set, func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					m.calls = m.calls[:0]
					s.Decide(dev, m)
				}
			})
		}
	}
}

func BenchmarkParse(b *testing.B) {
	files := stockRules(b)
	for range b.N {
		Parse(files)
	}
}
