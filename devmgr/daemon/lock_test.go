package daemon_test

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/devtest"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
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

// lockedDisk plugs a disk that somebody works on, and counts the probes of it.
func lockedDisk(m *machine) (held *os.File, probes *atomic.Int64) {
	m.t.Helper()
	probes = new(atomic.Int64)
	m.blkid = func(string) []udevrules.Property {
		probes.Add(1)
		return []udevrules.Property{{Key: "ID_FS_UUID", Value: "1234"}}
	}
	m.rule("50-blkid.rules", `KERNEL=="loop0", IMPORT{builtin}="blkid", SYMLINK+="disk/by-uuid/$env{ID_FS_UUID}"`+"\n"+`KERNEL=="loop0", MODE="0640"`)
	m.start()
	m.sys.Add("/devices/virtual/block/loop0", "block", "MAJOR=7", "MINOR=0", "DEVNAME=loop0", "DEVTYPE=disk")
	m.writeSys()
	m.node("loop0", unix.S_IFBLK, 7, 0)
	held, err := os.OpenFile(m.dev+"/loop0", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		m.t.Skipf("needs root and a loop device: %v", err)
	}
	m.t.Cleanup(func() { held.Close() })
	m.must(unix.Flock(int(held.Fd()), unix.LOCK_EX))
	m.send(uevent.Add, "/devices/virtual/block/loop0", "block")
	m.plug("vdb", 16)
	for m.stat("block/254:16") == "" { // others go on
		m.do("status")
	}
	return held, probes
}

func TestLockedDiskIsProbedWhenItIsFree(t *testing.T) {
	m := newMachine(t)
	held, probes := lockedDisk(m)
	m.is("vdb", "0660 0:6")
	m.is("loop0", "0660 0:6") // of the stock table
	if _, err := os.Stat(m.root + "/udev/queue"); err != nil || probes.Load() != 0 {
		t.Errorf("%d probes of a disk that somebody works on; queue: %v", probes.Load(), err)
	}
	m.must(unix.Flock(int(held.Fd()), unix.LOCK_UN))
	m.do("settle")
	m.leads("disk/by-uuid/1234", "../../loop0")
	m.is("loop0", "0640 0:6")
}

// After three minutes the device gets what it gets without a probe.
func TestLockedDiskIsGivenUp(t *testing.T) {
	m := newMachine(t)
	began := time.Now() // 40 times as fast, and not at one jump: a try that is under way would be overdue
	m.clock = func() time.Time { return stopped().Add(40 * time.Since(began)) }
	_, probes := lockedDisk(m)
	m.do("settle")
	m.is("loop0", "0640 0:6")
	if !m.logged("blkid: lock loop0: somebody works on the disk") || probes.Load() != 0 {
		t.Errorf("%d probes; log: %q", probes.Load(), m.log)
	}
}
