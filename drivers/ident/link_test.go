package ident

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// defaultLinks decide like the files of Debian's udev.
func defaultLinks() []LinkFile {
	return []LinkFile{
		{"/lib/systemd/network/99-default.link", "[Match]\nOriginalName=*\n[Link]\nNamePolicy=keep kernel database onboard slot path\n"},
		{"/lib/systemd/network/73-usb-net-by-mac.link", "[Match]\nPath=*-usb-*\n\n[Link]\nNamePolicy=mac\n"},
	}
}

// TestLinksOfMachine compares with what net_setup_link said of the recorded PC,
// whose interfaces have been renamed before.
func TestLinksOfMachine(t *testing.T) {
	rules, problems := ParseLinks(defaultLinks())
	if problems != nil {
		t.Fatal(problems)
	}
	r := recorded(t, "pc.txtar")
	compared := 0
	for _, s := range r.said {
		if s.program != "net_setup_link" {
			continue
		}
		known := NetAnswers{Property: propertiesOf(r, s.device)}
		if strings.Contains(s.device, "/virtual/") || strings.Contains(s.device, "gadget") {
			known.Driver = valueOf(s.want, "ID_NET_DRIVER") // only ethtool knows
		}
		got, err := rules.Setup(r.tree, s.device, known)
		if err != nil || !slices.Equal(got.Properties, s.want) {
			t.Errorf("%s: %v\n%s", s.device, err, difference(got.Properties, s.want))
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d compared", compared)
	}
}

// propertiesOf answers with what we say of a device.
func propertiesOf(r *recording, devpath string) func(string) string {
	var all []Property
	for _, find := range []string{"path_id", "net_id"} {
		some, _ := programs()[find](r.tree, devpath)
		all = append(all, some...)
	}
	return func(key string) string { return valueOf(all, key) }
}

func valueOf(all []Property, key string) string {
	for _, p := range all {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

func TestLinkRules(t *testing.T) {
	const card = "/devices/p/0000:00:03.0|pci\n/devices/p/0000:00:03.0/net/eth0|net|addr_assign_type=0|name_assign_type=1"
	tree := netTree(card)
	answers := map[string]string{"ID_NET_NAME_SLOT": "ens7", "ID_NET_NAME_PATH": "enp0s3", "ID_NET_NAME_MAC": "enx525400123456",
		"ID_NET_NAME_ONBOARD": "eno1234567890123", "ID_PATH": "pci-0000:00:03.0"}
	tests := []struct{ files, want string }{
		{"10-a:[Match]\nOriginalName=*\n[Link]\nNamePolicy=onboard slot path", "ens7"}, // that on the board is too long
		{"10-a:[Match]\nOriginalName=*\n[Link]\nNamePolicy=database mac", "enx525400123456"},
		{"10-a:[Match]\nOriginalName=*\n[Link]\nNamePolicy=database\nName=lan0", "lan0"},
		{"10-a:[Match]\nOriginalName=*\n[Link]\nName=../x", "eth0"},
		{"10-a:[Match]\nOriginalName=*\n[Link]\nName=12", "eth0"},
		{"10-a:[Match]\nMACAddress=52-54-00-12-34-56\n[Link]\nName=lan0|20-b:[Match]\nOriginalName=*\n[Link]\nName=no", "lan0"},
		{"20-b:[Match]\nOriginalName=*\n[Link]\nName=no|10-a:[Match]\nPermanentMACAddress=5254.0012.3456\n[Link]\nName=lan0", "lan0"},
		{"10-a:[Match]\nMACAddress=52:54:00:12:34:57\n[Link]\nName=no", ""},
		{"10-a:[Match]\nDriver=!e1000* virtio_net\nPath=pci-*\nType=ether\n[Link]\nName=lan0", "lan0"},
		{"10-a:[Match]\nDriver=!test*\n[Link]\nName=no", ""},
		{"10-a:[Match]\nType=wlan\n[Link]\nName=no", ""},
		{"10-a:[Match]\nOriginalName=eth[!1-9]\n[Link]\nName=lan0", "lan0"},
		{"10-a:[Match]\nHost=x\n[Link]\nName=no", ""},
		{"10-a:|20-b:[Match]\nOriginalName=*\n[Link]\nName=lan0", "lan0"},
		{"10-a:|10-a:[Match]\nOriginalName=*\n[Link]\nName=masked", ""},
		{"10-a:# says nothing\n[Link]\nName=lan0", "lan0"},
	}
	for _, tt := range tests {
		var files []LinkFile
		for f := range strings.SplitSeq(tt.files, "|") {
			name, text, _ := strings.Cut(f, ":")
			files = append(files, LinkFile{"/etc/systemd/network/" + name + ".link", text})
		}
		rules, _ := ParseLinks(files)
		setup, err := rules.Setup(tree, "/devices/p/0000:00:03.0/net/eth0", NetAnswers{Driver: "test1", Property: func(key string) string { return answers[key] }})
		if got := valueOf(setup.Properties, "ID_NET_NAME"); got != tt.want || err != nil {
			t.Errorf("%q: got %q, want %q, error %v", tt.files, got, tt.want, err)
		}
	}
}

func TestLinkSetup(t *testing.T) {
	tree := netTree("/devices/p/net/eth0|net|name_assign_type=4")
	rules, problems := ParseLinks([]LinkFile{{"/etc/a.link", "[Link]\nNamePolicy=keep path\nMACAddress=AA-BB-CC-00-11-22\nAlternativeName=uplink\nAlternativeName=bad/name\n" +
		"AlternativeNamesPolicy=path mac\nMTUBytes=9K\nTransmitQueueLength=0\nAlias=the lan\nWakeOnLan=magic\nMACAddressPolicy=persistent\nMTUBytes=big\nnonsense\n[Match]\nCredential=x"}})
	want := []string{"/etc/a.link:10: WakeOnLan=magic has no effect: this setting is not supported", "/etc/a.link:11: MACAddressPolicy=persistent has no effect: addresses are not made up",
		"/etc/a.link:12: MTUBytes=big has no effect: it is no size", "/etc/a.link:13: neither a section nor KEY=VALUE", `/etc/a.link:15: the condition "Credential" is not known: the file matches nothing`}
	if got := fmt.Sprint(problems); got != fmt.Sprint(want) || !rules.Sets() {
		t.Errorf("problems %v, want %v", got, want)
	}
	rules.files[0].match = nil
	setup, err := rules.Setup(tree, "/devices/p/net/eth0", NetAnswers{KernelNames: false, Property: func(key string) string { return strings.TrimPrefix(key, "ID_NET_NAME_") }})
	if err != nil || setup.MTU != 9216 || setup.QueueLength == nil || *setup.QueueLength != 0 || setup.Alias != "the lan" {
		t.Errorf("%+v %v", setup, err)
	}
	if setup.MACAddress != "aa:bb:cc:00:11:22" || !slices.Equal(setup.AlternativeNames, []string{"uplink", "PATH", "MAC"}) || valueOf(setup.Properties, "ID_NET_NAME") != "eth0" {
		t.Errorf("%+v %v", setup, err)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add("[Match]\nOriginalName=*\n[Link]\nName=lan0\nNamePolicy=path")
	f.Add("[Match]\nMACAddress=!:\n=\n[")
	tree := netTree("/devices/p/net/eth0|net")
	f.Fuzz(func(t *testing.T, text string) {
		rules, _ := ParseLinks([]LinkFile{{"a.link", text}})
		setup, err := rules.Setup(tree, "/devices/p/net/eth0", NetAnswers{Property: func(string) string { return "x" }})
		if err != nil {
			t.Error(err)
		}
		if m := setup.MACAddress; m != "" && len(m) != 17 {
			t.Errorf("%q", m)
		}
		for _, name := range append(setup.AlternativeNames, valueOf(setup.Properties, "ID_NET_NAME")) {
			if strings.ContainsAny(name, "/ %\n") {
				t.Errorf("%q", name)
			}
		}
	})
}
