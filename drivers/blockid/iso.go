package blockid

import (
	"encoding/binary"
	"strings"
)

// maxDescriptors bounds the volume descriptors of a disc that are looked at.
const maxDescriptors = 16

func iso9660(w *window) (Info, bool) {
	pvd := w.at(0x8000, 2048)
	if !pvd.has(1, "CD001") {
		return Info{}, false
	}
	info := Info{Type: "iso9660", Usage: "filesystem", BlockSize: 2048, UUID: isoDate(pvd.slice(830, 16))}
	if info.UUID == "" {
		info.UUID = isoDate(pvd.slice(813, 16))
	}
	info.Label = isoText(pvd, 40, 32)
	for _, f := range []struct {
		key    string
		at, is int
	}{
		{"SYSTEM_ID", 8, 32}, {"VOLUME_SET_ID", 190, 128}, {"PUBLISHER_ID", 318, 128},
		{"DATA_PREPARER_ID", 446, 128}, {"APPLICATION_ID", 574, 128},
	} {
		info.names = append(info.names, Property{f.key, isoText(pvd, f.at, f.is)})
	}
	for i := int64(0); i < maxDescriptors; i++ {
		d := w.at(0x8000+2048*i, 2048)
		if !d.has(1, "CD001") || d[0] == 255 {
			break
		}
		info.descriptor(d)
	}
	return info, true
}

// descriptor takes what a boot record and a Joliet descriptor add.
func (i *Info) descriptor(d block) {
	switch d[0] {
	case 0:
		i.names = append(i.names, Property{"BOOT_SYSTEM_ID", isoText(d, 7, 32)})
	case 2:
		if e := d.text(88, 3); e == "%/@" || e == "%/C" || e == "%/E" {
			i.Version = "Joliet Extension"
			i.Label = joliet(strings.TrimRight(utf16Text(d.slice(40, 32), binary.BigEndian), " "), i.Label)
		}
	}
}

// joliet chooses between the two spellings of a label: Joliet has 16 characters, so a
// longer plain one that begins with it says more.
func joliet(wide, narrow string) string {
	if strings.HasPrefix(strings.ToUpper(narrow), strings.ToUpper(wide)) {
		return narrow
	}
	return wide
}

// isoText returns a field without the spaces behind it.
func isoText(b block, at, n int) string { return strings.TrimRight(b.text(at, n), " ") }

// isoDate turns YYYYMMDDHHMMSScc into YYYY-MM-DD-HH-MM-SS-cc; a date of zeros is none.
func isoDate(b block) string {
	s := string(b)
	if b.zero() || strings.Trim(s, "0") == "" {
		return ""
	}
	return strings.Join([]string{s[:4], s[4:6], s[6:8], s[8:10], s[10:12], s[12:14], s[14:]}, "-")
}
