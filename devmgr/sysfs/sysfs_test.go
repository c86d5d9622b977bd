package sysfs_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"slashdev/devmgr/devtest"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
)

func machine() *devtest.Sys {
	s := devtest.NewSys()
	s.Add("/devices/pci0/0000:00:01.0", "pci", "DRIVER=ahci", "MODALIAS=pci:x")
	s.Add("/devices/pci0/0000:00:01.0/block/sda", "block", "MAJOR=8", "MINOR=0", "DEVNAME=sda", "DEVTYPE=disk")
	s.Add("/devices/virtual/mem/null", "mem", "MAJOR=1", "MINOR=3", "DEVNAME=null")
	s.Attr("class/net/bonding_masters", "")
	s.Attr("devices/pci0/0000:00:01.0/vendor", "0x8086\n")
	s.Attr("devices/pci0/uevent", "")
	return s
}

// both runs a test on a tree in memory and on the same tree on a disk, which
// is read as /sys is.
func both(t *testing.T, test func(*testing.T, sysfs.FS)) {
	s := machine()
	t.Run("memory", func(t *testing.T) { test(t, s.FS()) })
	t.Run("host", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, s.Tree()); err != nil {
			t.Fatal(err)
		}
		test(t, sysfs.Host(dir))
	})
}

func TestScan(t *testing.T) {
	both(t, func(t *testing.T, s sysfs.FS) {
		want := []uevent.Event{
			{Action: uevent.Add, DevPath: "/devices/pci0/0000:00:01.0", Subsystem: "pci", Env: "DRIVER=ahci\x00MODALIAS=pci:x\x00"},
			{Action: uevent.Add, DevPath: "/devices/pci0/0000:00:01.0/block/sda", Subsystem: "block",
				Env: "MAJOR=8\x00MINOR=0\x00DEVNAME=sda\x00DEVTYPE=disk\x00"},
			{Action: uevent.Add, DevPath: "/devices/virtual/mem/null", Subsystem: "mem", Env: "MAJOR=1\x00MINOR=3\x00DEVNAME=null\x00"},
		}
		i := 0
		for ev, err := range s.Scan() {
			if err != nil || i >= len(want) || ev != want[i] {
				t.Fatalf("%d: got %+v, %v", i, ev, err)
			}
			one, err := s.Read(ev.DevPath)
			one.Action = uevent.Add
			if err != nil || one != ev {
				t.Errorf("Read gives %+v, %v", one, err)
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%d devices, want %d", i, len(want))
		}
	})
}

func TestReadOfWhatIsNoDevice(t *testing.T) {
	both(t, func(t *testing.T, s sysfs.FS) {
		for _, p := range []string{"/devices/nosuch", "/devices/pci0", "/class"} {
			if _, err := s.Read(p); !errors.Is(err, sysfs.ErrNoDevice) || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Read(%s): %v", p, err)
			}
		}
		for _, p := range []string{"", "devices/x", "/devices/../../etc", "/"} {
			if _, err := s.Read(p); !errors.Is(err, uevent.ErrMalformed) {
				t.Errorf("Read(%q): %v", p, err)
			}
		}
	})
}

func TestAttrAndLink(t *testing.T) {
	both(t, func(t *testing.T, s sysfs.FS) {
		const dev = "/devices/pci0/0000:00:01.0"
		if v, err := s.Attr(dev, "vendor"); v != "0x8086" || err != nil {
			t.Errorf("vendor = %q, %v", v, err)
		}
		if _, err := s.Attr(dev, "../../../etc/passwd"); err == nil {
			t.Error("an attribute outside was read")
		}
		if l, err := s.Link(dev, "subsystem"); l != "/bus/pci" || err != nil {
			t.Errorf("subsystem = %q, %v", l, err)
		}
		if !s.IsBus("pci") || s.IsBus("block") {
			t.Error("IsBus is wrong")
		}
	})
}

func TestScanWithoutSysfs(t *testing.T) {
	for _, err := range sysfs.Host(t.TempDir()).Scan() {
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("an empty directory is a machine without devices")
}

func TestU08_WhatVanishesIsPassedOver(t *testing.T) {
	s := machine()
	var seen []string
	for ev, err := range s.FS().Scan() {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, ev.DevPath)
		s.Remove("/devices/pci0/0000:00:01.0") // and the disk below it
	}
	if len(seen) != 2 || seen[1] != "/devices/virtual/mem/null" {
		t.Errorf("got %q", seen)
	}
}

func BenchmarkScanHost(b *testing.B) {
	s := sysfs.Host("/sys")
	for b.Loop() {
		n := 0
		for range s.Scan() {
			n++
		}
		b.ReportMetric(float64(n), "devices")
	}
}

// Virtual devices are found by a listing: a real one beside them must not be.
func TestScanTellsVirtualDevices(t *testing.T) {
	s := devtest.NewSys()
	want := map[string]bool{"/devices/pnp0/00:01/tty/ttyS0": true}
	for _, name := range []string{"tty", "tty0", "tty1", "tty2", "tty3", "console"} {
		want["/devices/virtual/tty/"+name] = true
	}
	for p := range want {
		s.Add(p, "tty", "MAJOR=4", "MINOR=1", "DEVNAME=x")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, s.Tree()); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []sysfs.FS{s.FS(), sysfs.Host(dir)} {
		n := 0
		for ev, err := range tree.Scan() {
			if n++; err != nil || !want[ev.DevPath] || ev.Subsystem != "tty" {
				t.Errorf("got %+v, %v", ev, err)
			}
		}
		if n != len(want) {
			t.Errorf("%d devices, want %d", n, len(want))
		}
	}
}
