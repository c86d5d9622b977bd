package blockid

import (
	"encoding/binary"
	"strings"
	"unicode"
)

// maxDescriptors bounds the volume descriptors of a disc that are looked at.
const maxDescriptors = 16

// isoField is a text in a volume descriptor (ECMA-119).
type isoField struct {
	key    string
	at, is int
}

var (
	isoLabel  = isoField{"LABEL", 40, 32}
	isoFields = []isoField{
		{"SYSTEM_ID", 8, 32}, {"VOLUME_SET_ID", 190, 128}, {"PUBLISHER_ID", 318, 128},
		{"DATA_PREPARER_ID", 446, 128}, {"APPLICATION_ID", 574, 128},
	}
)

func iso9660(w *window) (Info, bool) {
	pvd := w.at(w.session+0x8000, 2048)
	if !pvd.has(0, "\x01CD001") {
		return Info{}, false
	}
	info := Info{Type: "iso9660", Usage: "filesystem", BlockSize: 2048, UUID: isoDate(pvd)}
	var joliet block
	for i := int64(1); i < maxDescriptors; i++ {
		d := w.at(w.session+0x8000+2048*i, 2048)
		if d == nil || d[0] == 255 {
			break
		}
		if d[0] == 0 {
			info.names = append(info.names, Property{"BOOT_SYSTEM_ID", d.text(7, 32)})
		} else if joliet == nil && isJoliet(d) {
			joliet = d
		}
	}
	info.Label = isoLabel.plain(pvd)
	if joliet != nil {
		info.Version = "Joliet Extension"
		info.Label = isoLabel.both(pvd, joliet)
	}
	for _, f := range isoFields {
		value := f.plain(pvd)
		if joliet != nil && (f.key == "VOLUME_SET_ID" || !f.blank(joliet)) {
			value = f.both(pvd, joliet)
		}
		info.names = append(info.names, Property{f.key, value})
	}
	return info, true
}

// isJoliet knows the supplementary descriptor by the escape sequences of its three levels.
func isJoliet(d block) bool {
	e := d.text(88, 3)
	return d[0] == 2 && (e == "%/@" || e == "%/C" || e == "%/E")
}

func (f isoField) plain(d block) string { return strings.TrimRight(d.text(f.at, f.is), " ") }

func (f isoField) wide(d block) string {
	return strings.TrimRight(utf16Text(d.slice(f.at, f.is), binary.BigEndian), " ")
}

func (f isoField) blank(joliet block) bool {
	return string(joliet.slice(f.at, f.is)) == strings.Repeat("\x00 ", f.is/2)
}

// both joins the two spellings of a field. The plain one has twice the characters, but no
// lower case, and underscores for what its character set lacks. If they are not two
// spellings of one text, the wide one counts.
func (f isoField) both(pvd, joliet block) string {
	joined := make([]rune, f.is)
	for i := range joined {
		joined[i] = rune(pvd.byte(f.at + i))
	}
	for i := range f.is / 2 {
		c := rune(joliet.be16(f.at + 2*i))
		switch n := joined[i]; {
		case c == n, c == '_', n == unicode.ToLower(c):
		case n == '_', c == unicode.ToLower(n):
			joined[i] = c
		default:
			return f.wide(joliet)
		}
	}
	text, _, _ := strings.Cut(string(joined), "\x00")
	return strings.TrimRight(text, " ")
}

// isoDate makes YYYY-MM-DD-HH-MM-SS-cc of the date of the last change, or of the first one
// where that has no digits but zeros.
func isoDate(pvd block) string {
	const never = "0000000000000000"
	date := string(pvd.slice(830, 16))
	if date == never {
		date = string(pvd.slice(813, 16))
	}
	if date == never || date == "" {
		return ""
	}
	parts := []string{date[:4], date[4:6], date[6:8], date[8:10], date[10:12], date[12:14], date[14:]}
	date, _, _ = strings.Cut(strings.Join(parts, "-"), "\x00")
	return date
}
