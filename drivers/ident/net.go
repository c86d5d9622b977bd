package ident

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// maxNetName bounds a name made for an interface. The kernel takes 15 bytes;
// longer names are told all the same, as alternatives.
const maxNetName = 127

// iface is a network interface whose names are being made.
type iface struct {
	device
	prefix string // en, wl, ...
	port   string // behind a name by place: n and its name, or d and its number
	all    properties
}

// Net says what udev's net_id says of a network interface by its naming scheme
// v252: names that stay the same as long as the card does, or its place:
//
//	ID_NET_NAMING_SCHEME=v252
//	ID_NET_NAME_MAC=enx525400123456
//	ID_NET_NAME_ONBOARD=eno7  ID_NET_LABEL_ONBOARD=Ethernet Port 1
//	ID_NET_NAME_PATH=enp3s3
//	ID_NET_NAME_SLOT=ens3
//
// It says nothing of interfaces that stand on others (VLANs, ...), of those
// that are no cards (loopback, tunnels), and of virtual ones nothing but the
// scheme. The sources are the attributes of the interface and of the devices
// above it, bus/pci/slots, and firmware/devicetree/base/aliases. The maker of
// the card, ID_OUI_FROM_DATABASE, is a question to hwdb. Formats:
// systemd.net-naming-scheme(7).
func Net(tree fs.FS, devpath string) ([]Property, error) {
	n := &iface{device: at(tree, devpath)}
	kind, err := n.need("type")
	if err != nil {
		return nil, fmt.Errorf("net_id: %w", err)
	}
	if n.prefix = n.prefixOf(kind); n.prefix == "" || n.stacked() {
		return nil, nil
	}
	n.all.add("ID_NET_NAMING_SCHEME", "v252")
	n.byAddress(kind)
	if name := n.text("phys_port_name"); name != "" {
		n.port = "n" + spaced(name)
	} else if number, _ := strconv.ParseUint(n.text("dev_port"), 10, 32); number > 0 {
		n.port = "d" + strconv.FormatUint(number, 10)
	}
	n.byFirmware()
	n.byPlace()
	return n.all, nil
}

// prefixOf takes the number of a hardware type (if_arp.h).
func (n *iface) prefixOf(kind string) string {
	switch kind {
	case "1":
		switch {
		case n.is("net", "wlan"):
			return "wl"
		case n.is("net", "wwan"):
			return "ww"
		}
		return "en"
	case "32":
		return "ib"
	case "256":
		return "sl"
	}
	return ""
}

// stacked says whether packets leave through another interface. Without these
// numbers nobody knows.
func (n *iface) stacked() bool {
	link, ok := n.attr("iflink")
	return !ok || n.text("ifindex") != "" && n.text("ifindex") != link
}

// byAddress names the interface by an address that is burnt in, not made up.
func (n *iface) byAddress(kind string) {
	const size = 6
	if n.text("addr_assign_type") != "0" || kind == "32" {
		return
	}
	var address []byte
	for part := range strings.SplitSeq(n.text("address"), ":") {
		b, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return
		}
		address = append(address, byte(b))
	}
	if len(address) == size {
		n.name("MAC", n.prefix+"x"+hex.EncodeToString(address))
	}
}

func (n *iface) name(what, name string) {
	if len(name) <= maxNetName {
		n.all.add("ID_NET_NAME_"+what, name)
	}
}

// byPlace goes up to the first device that has an address on its bus.
func (n *iface) byPlace() {
	const netUp = 2 // .../net/eth0
	d := device{n.tree, n.dir}
	for range netUp {
		d.dir = path.Dir(d.dir)
	}
	if d.subsystem() == "virtio" {
		d.dir = path.Dir(d.dir)
	}
	switch d.subsystem() {
	case "pci":
		n.onPCI(d)
	case "usb":
		n.onUSB(d)
	case "bcma":
		n.onBCMA(d)
	case "platform":
		n.onPlatform(d.name())
	case "xen":
		if number, ok := strings.CutPrefix(d.name(), "vif-"); ok {
			n.name("SLOT", n.prefix+"X"+spaced(number))
		}
	}
}

// onPCI tells all names of an interface of a PCI card.
func (n *iface) onPCI(d device) {
	if index, ok := onboard(d); ok {
		n.name("ONBOARD", n.prefix+"o"+index+n.port)
		if label, ok := d.attr("label"); ok && !strings.ContainsFunc(label, func(r rune) bool { return r < ' ' }) {
			n.all.add("ID_NET_LABEL_ONBOARD", spaced(label))
		}
	}
	n.pciNames(d, "")
}

// pciNames tells the names by place and by slot, with what follows the card's.
func (n *iface) pciNames(d device, behind string) {
	virtual := ""
	if up, number, ok := physical(d); ok {
		d, virtual = up, "v"+strconv.Itoa(number)
	}
	a, err := parsePCI(d)
	if err != nil {
		return
	}
	n.name("PATH", n.prefix+a.domainPart()+"p"+strconv.FormatUint(a.bus, 10)+"s"+strconv.FormatUint(a.slot, 10)+a.functionPart()+n.port+virtual+behind)
	if slot, ok := hotplugSlot(d, a.many); ok {
		n.name("SLOT", n.prefix+a.domainPart()+"s"+slot+a.functionPart()+n.port+virtual+behind)
	}
}

// onboard returns the number that the firmware gives to a card on the board:
// the one of ACPI, else of SMBIOS.
func onboard(d device) (string, bool) {
	for _, name := range []string{"acpi_index", "index"} {
		if text, ok := d.attr(name); ok {
			number, err := strconv.ParseUint(trim(text), 0, 16)
			return strconv.FormatUint(number, 10), err == nil
		}
	}
	return "", false
}

// physical returns the card that a virtual function belongs to, and its number
// there.
func physical(d device) (device, int, bool) {
	target, err := fs.ReadLink(d.tree, d.dir+"/physfn")
	if err != nil {
		return d, 0, false
	}
	up := device{d.tree, path.Join(d.dir, target)}
	const most = 256
	for i := range most {
		if link := up.link("virtfn" + strconv.Itoa(i)); link == d.name() {
			return up, i, true
		}
	}
	return d, 0, false
}

// pciAddress is domain:bus:slot.function, and whether there are more functions.
type pciAddress struct {
	domain, bus, slot, function uint64
	many                        bool
}

var errAddress = errors.New("not an address of PCI")

func parsePCI(d device) (a pciAddress, err error) {
	head, function, _ := strings.Cut(d.name(), ".")
	parts := strings.Split(head, ":")
	if len(parts) != 3 {
		return a, errAddress
	}
	for i, to := range []*uint64{&a.domain, &a.bus, &a.slot} {
		if *to, err = strconv.ParseUint(parts[i], 16, 32); err != nil {
			return a, errAddress
		}
	}
	if a.function, err = strconv.ParseUint(function, 16, 8); err != nil {
		return a, errAddress
	}
	const headerType, multi = 14, 0x80
	config := d.raw("config")
	a.many = len(config) > headerType && config[headerType]&multi != 0
	return a, nil
}

func (a pciAddress) domainPart() string {
	if a.domain == 0 {
		return ""
	}
	return "P" + strconv.FormatUint(a.domain, 10)
}

func (a pciAddress) functionPart() string {
	if a.function == 0 && !a.many {
		return ""
	}
	return "f" + strconv.FormatUint(a.function, 10)
}

// hotplugSlot finds the number of the slot that d or a card above it sits in.
// That of a bridge counts for cards with several functions only: others behind
// the bridge would have the same name.
func hotplugSlot(d device, many bool) (string, bool) {
	slots, err := fs.ReadDir(d.tree, "bus/pci/slots")
	if err != nil || len(slots) == 0 {
		return "", false
	}
	addresses := map[string]string{}
	for _, s := range slots {
		if number, err := strconv.ParseUint(s.Name(), 10, 32); err == nil && number > 0 && s.Name()[0] != '0' {
			address, _, _ := strings.Cut((device{d.tree, "bus/pci/slots/" + s.Name()}).text("address"), ".")
			addresses[address] = s.Name()
		}
	}
	for up := d; up.subsystem() == "pci"; up.dir = path.Dir(up.dir) {
		address, _, _ := strings.Cut(up.name(), ".")
		if slot := addresses[address]; slot != "" {
			return slot, many || !up.bridge()
		}
	}
	return "", false
}

// bridge says whether a PCI device leads to others.
func (d device) bridge() bool { return strings.Contains(d.text("modalias"), "bc06sc04") }

// onUSB adds the ports between the card and the interface.
func (n *iface) onUSB(d device) {
	if !d.is("usb", "usb_interface") {
		return
	}
	head, tail, ok := strings.Cut(d.name(), ":")
	_, ports, ok2 := strings.Cut(head, "-")
	config, number, ok3 := strings.Cut(tail, ".")
	if !ok || !ok2 || !ok3 {
		return
	}
	behind := "u" + strings.ReplaceAll(ports, ".", "u")
	if config != "1" {
		behind += "c" + config
	}
	if number != "0" {
		behind += "i" + number
	}
	if card, err := d.parent("pci", ""); err == nil {
		n.pciNames(card, behind)
	}
}

func (n *iface) onBCMA(d device) {
	_, core, _ := strings.Cut(d.name(), ":")
	behind := "b" + spaced(core)
	if core == "0" {
		behind = ""
	}
	if card, err := d.parent("pci", ""); err == nil {
		n.pciNames(card, behind)
	}
}

// onPlatform names what ACPI knows by the three or four letters of a maker, a
// model and an instance, all but the letters hexadecimal: APMC0D05:00.
func (n *iface) onPlatform(name string) {
	id, instance, ok := strings.Cut(name, ":")
	letters := len(id) - 4
	if !ok || letters != 3 && letters != 4 {
		return
	}
	model, err := strconv.ParseUint(id[letters:], 16, 16)
	number, err2 := strconv.ParseUint(instance, 16, 16)
	if err != nil || err2 != nil || strings.Trim(id[:letters], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return
	}
	n.name("PATH", fmt.Sprintf("%sa%s%xi%d", n.prefix, strings.ToLower(id[:letters]), model, number))
}

// byFirmware names what has an alias ethernetN in the device tree.
func (n *iface) byFirmware() {
	const aliases = "firmware/devicetree/base/aliases"
	d := device{n.tree, path.Dir(path.Dir(n.dir))}
	node, err := fs.ReadLink(n.tree, d.dir+"/of_node")
	if err != nil || d.subsystem() != "platform" {
		return
	}
	_, node, _ = strings.Cut(path.Join("/", d.dir, node), "/base")
	entries, _ := fs.ReadDir(n.tree, aliases)
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), "ethernet")
		if !ok || strings.Trim(number, "0123456789") != "" || number == "" {
			continue
		}
		if (device{n.tree, aliases}).text(e.Name()) == node {
			n.name("ONBOARD", n.prefix+"d"+number+n.port)
			return
		}
	}
}
