package blockid

import (
	"encoding/binary"
	"fmt"
)

func ntfs(w *window) (Info, bool) {
	boot := w.at(0, 512)
	if !boot.has(3, "NTFS    ") {
		return Info{}, false
	}
	sector := int64(boot.le16(0x0b))
	cluster := int64(boot.byte(0x0d))
	if cluster > 0x80 { // a negative power of two
		cluster = 1 << min(256-cluster, 31)
	}
	record := int64(int8(boot.byte(0x40)))
	if record > 0 {
		record *= cluster * sector
	} else {
		record = 1 << min(-record, 31)
	}
	mft := int64(boot.le64(0x30))
	if sector < 256 || sector > 4096 || cluster == 0 || record < 256 || record > 4096 || mft < 0 || mft > w.size/(sector*cluster) {
		return Info{}, false
	}
	first := w.at(mft*cluster*sector, int(record))
	volume := w.at(mft*cluster*sector+3*record, int(record)) // $Volume is the fourth file
	if !first.has(0, "FILE") || !volume.has(0, "FILE") {
		return Info{}, false
	}
	return Info{
		Type: "ntfs", Usage: "filesystem", BlockSize: uint32(sector),
		UUID:  fmt.Sprintf("%016X", boot.le64(0x48)),
		Label: volumeName(volume),
	}, true
}

// volumeName finds the attribute $VOLUME_NAME in a record.
func volumeName(record block) string {
	const end, name = 0xffffffff, 0x60
	for at := int(record.le16(0x14)); at+24 <= len(record); {
		kind, size := record.le32(at), int(record.le32(at+4))
		if kind == end || size < 24 || size > len(record) {
			return ""
		}
		if kind == name {
			return utf16Text(record.slice(at+int(record.le16(at+20)), int(record.le32(at+16))), binary.LittleEndian)
		}
		at += size
	}
	return ""
}
