package ident

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"strconv"
)

// identifySize is the size of what a drive answers to IDENTIFY.
const identifySize = 512

// ata is the answer of a drive to IDENTIFY (PACKET) DEVICE (ATA8-ACS, 7.16).
type ata [identifySize / 2]uint16

// ATA says what udev's ata_id says of a disk at an ATA port:
//
//	ID_ATA=1                ID_TYPE=disk            ID_BUS=ata
//	ID_MODEL=QEMU_HARDDISK  ID_MODEL_ENC=QEMU\x20HARDDISK\x20...
//	ID_REVISION=2.5+
//	ID_SERIAL=QEMU_HARDDISK_QM00003  ID_SERIAL_SHORT=QM00003
//	ID_ATA_WRITE_CACHE=1    ID_ATA_WRITE_CACHE_ENABLED=1
//	ID_ATA_FEATURE_SET_SMART=1  ...  ID_ATA_SATA=1
//	ID_WWN=0x5000c50012345678  ID_WWN_WITH_EXTENSION=0x5000c50012345678
//
// The source is vpd_pg89 in sysfs, in which the kernel keeps what the disk
// answered to IDENTIFY when it was found. CD drives, and disks behind a bridge,
// have none: [Identify] takes what they answer to SG_IO.
func ATA(tree fs.FS, devpath string) ([]Property, error) {
	const answer = 56 // of the page, behind what tells of the translating layer
	d, err := at(tree, devpath).parent("scsi", "scsi_device")
	if err != nil {
		return nil, fmt.Errorf("ata_id: %w", err)
	}
	if vendor := d.text("vendor"); trim(vendor) != "ATA" {
		return nil, fmt.Errorf("ata_id: /%s: the vendor is %q, not ATA", d.dir, vendor)
	}
	if _, err := d.need("vpd_pg89"); err != nil {
		return nil, fmt.Errorf("ata_id: %w", err)
	}
	b := page(d.raw("vpd_pg89"), 0x89)
	if len(b) < answer+identifySize {
		return nil, fmt.Errorf("ata_id: /%s: vpd_pg89: %w", d.dir, errShort)
	}
	return Identify([identifySize]byte(b[answer:])), nil
}

// Identify is [ATA] of what a drive answered to IDENTIFY DEVICE or IDENTIFY
// PACKET DEVICE.
func Identify(answer [identifySize]byte) []Property {
	var a ata
	for i := range a {
		a[i] = binary.LittleEndian.Uint16(answer[2*i:])
	}
	model, serial := a.text(27, 20), plain(a.text(10, 10), maxSerial)
	all := properties{{"ID_ATA", "1"}, {"ID_TYPE", a.kind()}, {"ID_BUS", "ata"}}
	name := plain(model, maxPlain)
	all.add("ID_MODEL", name)
	all.add("ID_MODEL_ENC", encoded(model))
	all.add("ID_REVISION", plain(a.text(23, 4), maxPlain))
	if serial != "" {
		name += "_" + serial
	}
	all.add("ID_SERIAL", name)
	all.addSome("ID_SERIAL_SHORT", serial)
	a.features(&all)
	a.security(&all)
	a.link(&all)
	if wwn := uint64(a[108])<<48 | uint64(a[109])<<32 | uint64(a[110])<<16 | uint64(a[111]); a[87]&0xc100 == 0x4100 && wwn != 0 {
		text := fmt.Sprintf("0x%016x", wwn)
		all.add("ID_WWN", text)
		all.add("ID_WWN_WITH_EXTENSION", text)
	}
	return all
}

// text returns count words of characters, the first in the higher half.
func (a *ata) text(first, count int) string {
	b := make([]byte, 0, 2*count)
	for _, w := range a[first : first+count] {
		b = append(b, byte(w>>8), byte(w))
	}
	return upToZero(b)
}

// kind says disk, unless the drive takes packets: then it says what it is.
func (a *ata) kind() string {
	if a[0]>>14 != 2 {
		return "disk"
	}
	return nameOf(scsiTypes, uint64(a[0]>>8&31))
}

// ataFeatures are those that a drive has if the bit is set in a word, and that
// are enabled if it is set three words on.
var ataFeatures = []struct {
	word, bit int
	name      string
}{
	{82, 5, "WRITE_CACHE"}, {82, 10, "FEATURE_SET_HPA"}, {82, 3, "FEATURE_SET_PM"}, {82, 1, "FEATURE_SET_SECURITY"},
	{82, 0, "FEATURE_SET_SMART"}, {83, 9, "FEATURE_SET_AAM"}, {83, 5, "FEATURE_SET_PUIS"}, {83, 3, "FEATURE_SET_APM"},
}

func (a *ata) features(all *properties) {
	for _, f := range ataFeatures {
		if a[f.word]>>f.bit&1 == 0 {
			continue
		}
		enabled := a[f.word+3]>>f.bit&1 == 1
		all.add("ID_ATA_"+f.name, "1")
		all.add("ID_ATA_"+f.name+"_ENABLED", map[bool]string{true: "1", false: "0"}[enabled])
		switch {
		case f.name == "FEATURE_SET_AAM":
			all.add("ID_ATA_FEATURE_SET_AAM_VENDOR_RECOMMENDED_VALUE", number(a[94]>>8))
			all.add("ID_ATA_FEATURE_SET_AAM_CURRENT_VALUE", number(a[94]&255))
		case f.name == "FEATURE_SET_APM" && enabled:
			all.add("ID_ATA_FEATURE_SET_APM_CURRENT_VALUE", number(a[91]&255))
		}
	}
	if a[83]&1 == 1 {
		all.add("ID_ATA_DOWNLOAD_MICROCODE", "1")
	}
}

// security says how long the drive takes to erase itself, and its state.
func (a *ata) security(all *properties) {
	const prefix = "ID_ATA_FEATURE_SET_SECURITY_"
	if a[82]>>1&1 == 0 {
		return
	}
	for i, name := range []string{"ERASE_UNIT_MIN", "ENHANCED_ERASE_UNIT_MIN"} {
		if minutes := a[89+i] & 255; minutes != 0 {
			all.add(prefix+name, number(2*minutes))
		}
	}
	for bit, name := range []string{2: "LOCKED", 3: "FROZEN", 4: "EXPIRE"} {
		if name != "" && a[128]>>bit&1 == 1 {
			all.add(prefix+name, "1")
		}
	}
}

func (a *ata) link(all *properties) {
	if a[76] != 0 && a[76] != 0xffff {
		all.add("ID_ATA_SATA", "1")
		for bit, name := range []string{1: "GEN1", 2: "GEN2"} {
			if name != "" && a[76]>>bit&1 == 1 {
				all.add("ID_ATA_SATA_SIGNAL_RATE_"+name, "1")
			}
		}
	}
	switch rate := a[217]; {
	case rate == 1:
		all.add("ID_ATA_ROTATION_RATE_RPM", "0")
	case rate >= 0x401 && rate < 0xffff:
		all.add("ID_ATA_ROTATION_RATE_RPM", number(rate))
	}
}

func number(n uint16) string { return strconv.Itoa(int(n)) }
