package blockid

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Tags of descriptors (ECMA-167).
const (
	tagPrimary   = 1
	tagAnchor    = 2
	tagLogical   = 6
	tagEnd       = 8
	tagIntegrity = 9
)

// udf finds the recognition sequence, then the anchor, which says in which blocks
// the descriptors are.
func udf(w *window) (Info, bool) {
	for _, size := range []int64{512, 1024, 2048, 4096} {
		if !udfRecognised(w, max(size, 2048)) {
			continue
		}
		for _, block := range []int64{256, 512} {
			block += w.session / size
			anchor := w.at(block*size, 512)
			if anchor.le16(0) == tagAnchor && int64(anchor.le32(12)) == block {
				return udfVolume(w, size, anchor)
			}
		}
	}
	return Info{}, false
}

// udfRecognised looks for NSR02 or NSR03 among the volume structure descriptors,
// each of which fills 2048 bytes, or a block where blocks are larger.
func udfRecognised(w *window, step int64) bool {
	for i := range int64(maxDescriptors) {
		switch w.at(w.session+0x8000+i*step, 6).text(1, 5) {
		case "NSR02", "NSR03":
			return true
		case "BEA01", "BOOT2", "CD001", "CDW02", "TEA01":
		default:
			return false
		}
	}
	return false
}

func udfVolume(w *window, size int64, anchor block) (Info, bool) {
	info := Info{Type: "udf", Usage: "filesystem", BlockSize: uint32(size)}
	first, length := int64(anchor.le32(20)), int64(anchor.le32(16))
	if w.at(first*size, 512) == nil {
		return Info{}, false
	}
	for i := range min(length/size, 64) {
		d := w.at((first+i)*size, 512)
		if int64(d.le32(12)) != first+i { // a descriptor says where it is
			break
		}
		ok := true
		switch d.le16(0) {
		case tagPrimary:
			info.udfPrimary(d)
		case tagLogical:
			ok = info.udfLogical(w, d, size)
		case tagEnd:
			return info, true
		}
		if !ok {
			return Info{}, false
		}
	}
	return info, true
}

func (i *Info) udfPrimary(d block) {
	application := d.text(345, 23)
	if application == "" {
		application = d.text(389, 23) // the implementation, which is the tool that wrote the disc
	}
	i.names = append(i.names, Property{"APPLICATION_ID", strings.TrimPrefix(application, "*")})
	if !d.has(200, "\x00OSTA Compressed Unicode\x00") {
		return
	}
	set := dstring(d.slice(72, 128))
	i.UUID = udfUUID(set)
	i.names = append(i.names, Property{"VOLUME_ID", dstring(d.slice(24, 32))}, Property{"VOLUME_SET_ID", set})
}

// udfLogical reads the logical volume, whose version is the highest that it and its
// integrity descriptor ask of who reads or writes it.
func (i *Info) udfLogical(w *window, d block, size int64) bool {
	if d.has(20, "\x00OSTA Compressed Unicode\x00") {
		i.Label = dstring(d.slice(84, 128))
		i.names = append(i.names, Property{"LOGICAL_VOLUME_ID", i.Label})
	}
	revision := uint16(0)
	if d.has(217, "*OSTA UDF Compliant") {
		revision = d.le16(240)
	}
	at := int64(d.le32(436))
	if lvid := w.at(at*size, 512); d.le32(432) != 0 && lvid.le16(0) == tagIntegrity && int64(lvid.le32(12)) == at {
		use := w.at(at*size+80+8*int64(lvid.le32(72)), 46) // the tool's part, behind two tables
		if use == nil {
			return false
		}
		revision = max(revision, use.le16(40), use.le16(42))
	}
	if revision != 0 {
		i.Version = fmt.Sprintf("%x.%02x", revision>>8, revision&0xff)
	}
	return true
}

// dstring decodes a field whose first byte says how many bytes a character has
// and whose last byte how many bytes are used.
func dstring(b block) string {
	if len(b) == 0 {
		return ""
	}
	used := b.slice(1, min(int(b[len(b)-1]), len(b)-1)-1)
	switch b[0] {
	case 8:
		return latin1(used)
	case 16:
		return utf16Text(used, binary.BigEndian)
	}
	return ""
}

func latin1(b block) string {
	var s []byte
	for _, c := range b {
		if c == 0 {
			break
		}
		s = utf8.AppendRune(s, rune(c))
	}
	return string(s)
}

// udfUUID makes 16 hexadecimal digits of the first characters of the volume set
// identifier, as udflabel(8) describes: digits stay, others are written in hexadecimal.
func udfUUID(set string) string {
	if len(set) < 8 {
		return ""
	}
	digits := len(set) - len(strings.TrimLeft(set, "0123456789abcdefABCDEF"))
	set = (set + strings.Repeat("\x00", 8))[:16]
	switch {
	case digits >= 16:
		return strings.ToLower(set)
	case digits >= 8:
		return strings.ToLower(set[:8]) + hex.EncodeToString([]byte(set[8:12]))
	}
	return hex.EncodeToString([]byte(set[:8]))
}
