package ident

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// netTree makes interfaces from lines "DEVICE SUBSYSTEM [FILE=TEXT]...", in
// which a device of subsystem net gets what an Ethernet card has.
func netTree(lines string) fstest.MapFS {
	tree := fstest.MapFS{}
	for i, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		words := strings.Split(line, "|")
		dir := strings.TrimPrefix(words[0], "/")
		set := func(name, text string) { tree[dir+"/"+name] = &fstest.MapFile{Data: []byte(text)} }
		link := func(name, to string) { tree[dir+"/"+name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }
		if len(words) > 1 && words[1] != "" {
			link("subsystem", "../x/"+words[1])
		}
		if len(words) > 1 && words[1] == "net" {
			number := fmt.Sprintf("%d\n", i)
			set("type", "1\n")
			set("ifindex", number)
			set("iflink", number)
			set("addr_assign_type", "1\n")
			set("address", "52:54:00:12:34:56\n")
		}
		for _, w := range words[min(2, len(words)):] {
			name, text, _ := strings.Cut(w, "=")
			switch name {
			case "config":
				set(name, strings.Repeat("\x00", 14)+text)
			case "of_node", "physfn", "virtfn0", "virtfn1":
				link(name, text)
			default:
				set(name, text+"\n")
			}
		}
	}
	return tree
}

// What udev 252 was seen to say; names by place, then by slot, by firmware, by
// address, without ID_NET_ and the scheme.
func TestNetAsObserved(t *testing.T) {
	const bridge = "modalias=pci:v00001B36d0000000Cbc06sc04i00"
	tests := []struct{ lines, want string }{
		{"/devices/virtual/net/e|net", ""},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net", "NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|dev_port=1", "NAME_PATH=enp0s3d1"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|dev_port=2|phys_port_name=p0", "NAME_PATH=enp0s3np0"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|dev_port=2|phys_port_name=", "NAME_PATH=enp0s3d2"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|dev_port=0x1", "NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|addr_assign_type=0", "NAME_MAC=enx525400123456 NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|addr_assign_type=0|address=AA:bB:0:1:2:3", "NAME_MAC=enxaabb00010203 NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|addr_assign_type=0|address=01:02:03:04:05:06:07", "NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|type=32|addr_assign_type=0", "NAME_PATH=ibp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|type=256", "NAME_PATH=slp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|uevent=DEVTYPE=wlan", "NAME_PATH=wlp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|uevent=DEVTYPE=wwan", "NAME_PATH=wwp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|type=772", "nothing"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net|iflink=77", "nothing"},
		{"/devices/p/0000:00:04.0|pci|config=\x80\n/net/e|net", "NAME_PATH=enp0s4f0"},
		{"/devices/p/0001:05:1f.7|pci\n/net/e|net", "NAME_PATH=enP1p5s31f7"},
		{"/devices/p/10000:e1:00.0|pci\n/net/e|net", "NAME_PATH=enP65536p225s0"},
		{"/devices/p/0000:07:01.0|pci|acpi_index=3|index=4\n/net/e|net", "NAME_ONBOARD=eno3 NAME_PATH=enp7s1"},
		{"/devices/p/0000:07:01.0|pci|index=0\n/net/e|net", "NAME_ONBOARD=eno0 NAME_PATH=enp7s1"},
		{"/devices/p/0000:07:01.0|pci|index=65536\n/net/e|net", "NAME_PATH=enp7s1"},
		{"/devices/p/0000:07:01.0|pci|acpi_index=0x10\n/net/e|net|phys_port_name=p1", "NAME_ONBOARD=eno16np1 NAME_PATH=enp7s1np1"},
		{"/devices/p/0000:07:01.0|pci|label=Ethernet Port 1|index=1\n/net/e|net", "NAME_ONBOARD=eno1 LABEL_ONBOARD=Ethernet Port 1 NAME_PATH=enp7s1"},
		{"/devices/p/0000:07:01.0|pci|label=a\x1bb|index=1\n/net/e|net", "NAME_ONBOARD=eno1 NAME_PATH=enp7s1"},
		{"/devices/p/0000:07:01.0|pci|label=L\n/net/e|net", "NAME_PATH=enp7s1"},
		{"/devices/p/0000:08:01.0|pci\n/virtio0|virtio\n/net/e|net", "NAME_PATH=enp8s1"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net\n0bus/pci/slots/3||address=0000:00:03", "NAME_PATH=enp0s3 NAME_SLOT=ens3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net\n0bus/pci/slots/08||address=0000:00:03", "NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:03.0|pci\n/net/e|net\n0bus/pci/slots/4-1||address=0000:00:03", "NAME_PATH=enp0s3"},
		{"/devices/p/0000:00:1c.0|pci|" + bridge + "\n/0000:01:00.0|pci\n/net/e|net\n0bus/pci/slots/7||address=0000:00:1c", "NAME_PATH=enp1s0"},
		{"/devices/p/0000:00:1c.0|pci|" + bridge + "\n/0000:01:00.0|pci|config=\x80\n/net/e|net\n0bus/pci/slots/7||address=0000:00:1c", "NAME_PATH=enp1s0f0 NAME_SLOT=ens7f0"},
		{"/devices/p/0000:00:1c.0|pci|" + bridge + "\n/0000:01:00.0|pci\n/net/e|net\n0bus/pci/slots/9||address=0000:01:00", "NAME_PATH=enp1s0 NAME_SLOT=ens9"},
		{"/devices/p/0000:09:00.0|pci\n/usb1|usb\n/1-1|usb\n/1-1:1.0|usb|uevent=DEVTYPE=usb_interface\n/net/e|net", "NAME_PATH=enp9s0u1"},
		{"/devices/p/0000:09:00.0|pci\n/usb1|usb\n/1-1.2.13|usb\n/1-1.2.13:2.10|usb|uevent=DEVTYPE=usb_interface\n/net/e|net", "NAME_PATH=enp9s0u1u2u13c2i10"},
		{"/devices/platform/dwc|platform\n/usb1|usb\n/1-1|usb\n/1-1:1.0|usb|uevent=DEVTYPE=usb_interface\n/net/e|net", ""},
		{"/devices/p/0000:09:01.0|pci\n/bcma0:3|bcma\n/net/e|net", "NAME_PATH=enp9s1b3"},
		{"/devices/p/0000:09:01.0|pci\n/bcma0:0|bcma\n/net/e|net", "NAME_PATH=enp9s1"},
		{"/devices/platform/APMC0D05:00|platform\n/net/e|net", "NAME_PATH=enaapmcd05i0"},
		{"/devices/platform/HISI00C2:0a|platform\n/net/e|net", "NAME_PATH=enahisic2i10"},
		{"/devices/platform/HIS00C2:01|platform\n/net/e|net", "NAME_PATH=enahisc2i1"},
		{"/devices/platform/HI0C2:01|platform\n/net/e|net", ""},
		{"/devices/vif-3|xen\n/net/e|net", "NAME_SLOT=enX3"},
		{"/devices/p/0000:08:10.2|pci|physfn=../0000:08:00.0\n/net/e|net\n0devices/p/0000:08:00.0|pci|virtfn1=../0000:08:10.2|config=\x80", "NAME_PATH=enp8s0f0v1"},
	}
	for _, tt := range tests {
		lines, devpath := spread(tt.lines)
		all, err := Net(netTree(lines), devpath)
		if err != nil {
			t.Errorf("%q: %v", tt.lines, err)
		}
		if got := words(all); got != tt.want {
			t.Errorf("%q:\n got %q\nwant %q", tt.lines, got, tt.want)
		}
	}
}

// The manual page names devices by the device tree, no machine here has any.
func TestNetByDeviceTree(t *testing.T) {
	tree := netTree("/devices/platform/soc/a.ethernet|platform|of_node=../../../../firmware/devicetree/base/soc/eth@0\n" +
		"/devices/platform/soc/a.ethernet/net/e|net\n/firmware/devicetree/base/aliases||ethernet1=/soc/eth@0\x00|ethernet=/soc/eth@0\x00|ethernet0=/soc/eth@1\x00")
	all, err := Net(tree, "/devices/platform/soc/a.ethernet/net/e")
	if got := words(all); got != "NAME_ONBOARD=end1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// spread makes every line begin with the one before, unless it begins with 0.
// The interface is the last of those.
func spread(lines string) (string, string) {
	var all []string
	up, device := "", ""
	for line := range strings.SplitSeq(lines, "\n") {
		if rest, ok := strings.CutPrefix(line, "0"); ok {
			all = append(all, rest)
			continue
		}
		all = append(all, up+line)
		dir, _, _ := strings.Cut(line, "|")
		up += dir
		device = up
	}
	return strings.Join(all, "\n"), device
}

func words(all []Property) string {
	if len(all) == 0 {
		return "nothing"
	}
	var b []string
	for _, p := range all[1:] {
		b = append(b, strings.TrimPrefix(p.Key, "ID_NET_")+"="+p.Value)
	}
	return strings.Join(b, " ")
}
