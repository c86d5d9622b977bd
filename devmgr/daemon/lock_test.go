package daemon_test

import (
	"testing"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/devtest"
)

func TestLockIsThatOfTheWholeDisk(t *testing.T) {
	sys := devtest.NewSys()
	sys.Add(disks+"vda", "block", "MAJOR=254", "MINOR=0", "DEVNAME=vda", "DEVTYPE=disk")
	sys.Add(disks+"vda/vda1", "block", "MAJOR=254", "MINOR=1", "DEVNAME=vda1", "DEVTYPE=partition")
	sys.Add("/devices/virtual/mem/null", "mem", "MAJOR=1", "MINOR=3", "DEVNAME=null")
	for devpath, want := range map[string]string{disks + "vda": "vda", disks + "vda/vda1": "vda", "/devices/virtual/mem/null": ""} {
		if got := daemon.WholeDisk(sys.FS(), devpath); got != want {
			t.Errorf("%s: %q, want %q", devpath, got, want)
		}
	}
}
