package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"slashdev/devmgr/devtest"
)

// sysDir is a /sys on a disk with one network interface.
func sysDir(t *testing.T) string {
	s := devtest.NewSys()
	s.Add("/devices/pci0/0000:00:01.0", "pci", "MODALIAS=pci:v1")
	s.Add("/devices/pci0/0000:00:01.0/net/eth0", "net", "INTERFACE=eth0", "NAME=\"a\\\\b\"")
	s.Attr("devices/pci0/0000:00:01.0/net/eth0/address", "52:54:00:12:34:56\n")
	s.Add("/devices/virtual/net/lo", "net", "INTERFACE=lo")
	dir := t.TempDir()
	if err := os.CopyFS(dir, s.Tree()); err != nil {
		t.Fatal(err)
	}
	return "--sys=" + dir
}

func TestCapture(t *testing.T) {
	sys := sysDir(t)
	code, stdout, stderr := call("dev", "capture", sys, "--raw", "eth0")
	if code != 0 || !strings.Contains(stdout, "P: /devices/pci0/0000:00:01.0\n") || strings.Contains(stdout, "virtual") ||
		!strings.Contains(stdout, "A: address=52:54:00:12:34:56\\n\n") {
		t.Errorf("%d %s\n%s", code, stderr, stdout)
	}
	if _, stdout, _ := call("dev", "capture", sys); strings.Contains(stdout, "12:34:56") || !strings.Contains(stdout, "A: address=52:54:00:") {
		t.Errorf("the hardware address is not concealed:\n%s", stdout)
	}
	var list []struct {
		Devpath    string
		Attributes map[string]string
		Properties map[string]string
	}
	_, stdout, _ = call("dev", "capture", sys, "--json", "--raw")
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list) != 3 || list[1].Attributes["address"] != "52:54:00:12:34:56\n" ||
		list[1].Properties["NAME"] != `"a\\b"` {
		t.Errorf("%v: %s", err, stdout)
	}
}

// With --events the recording goes on for a time, and then ends well.
func TestCaptureEvents(t *testing.T) {
	code, stdout, stderr := call("dev", "capture", sysDir(t), "--events=0.05")
	if code != 0 && strings.Contains(stderr, "permission") {
		t.Skip("needs root: no uevent socket here")
	}
	if code != 0 || !strings.HasPrefix(stdout, "# 3 devices, ") {
		t.Errorf("%d %s\n%s", code, stderr, stdout)
	}
}
