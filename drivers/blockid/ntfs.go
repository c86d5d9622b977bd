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
	cluster, record, ok := ntfsSizes(boot)
	if !ok {
		return Info{}, false
	}
	mft := int64(boot.le64(0x30)) * cluster
	first, volume := w.at(mft, record), w.at(mft+3*int64(record), record) // $Volume is the fourth file
	if !first.has(0, "FILE") || !volume.has(0, "FILE") {
		return Info{}, false
	}
	return Info{
		Type: "ntfs", Usage: "filesystem", BlockSize: uint32(boot.le16(0x0b)),
		UUID:  fmt.Sprintf("%016X", boot.le64(0x48)),
		Label: volumeName(volume),
	}, true
}

// ntfsSizes returns the bytes of a cluster and of a record of the master file table, if
// the boot sector makes sense: the fields that only a FAT has are zero, and the table and
// its copy lie within the volume.
func ntfsSizes(boot block) (cluster int64, record int, ok bool) {
	sector, perCluster := int64(boot.le16(0x0b)), int64(boot.byte(0x0d))
	if perCluster > 0x80 { // a negative power of two
		perCluster = 1 << (256 - perCluster)
	}
	cluster = sector * perCluster
	if sector < 256 || sector > 4096 || sector&(sector-1) != 0 || cluster == 0 || cluster > 2<<20 || perCluster&(perCluster-1) != 0 {
		return 0, 0, false
	}
	if !boot.slice(0x0e, 7).zero() || !boot.slice(0x16, 2).zero() || !boot.slice(0x20, 4).zero() {
		return 0, 0, false
	}
	clusters := boot.le64(0x28) / uint64(perCluster)
	if boot.le64(0x30) > clusters || boot.le64(0x38) > clusters {
		return 0, 0, false
	}
	if n := int64(int8(boot.byte(0x40))); n > 0 && n*cluster <= 4096 {
		record = int(n * cluster)
	} else if n < 0 && n >= -12 {
		record = 1 << -n
	}
	return cluster, record, record >= 256
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
			value := at + int(record.le16(at+20))
			return utf16Text(record.slice(value, min(int(record.le32(at+16)), len(record)-value)), binary.LittleEndian)
		}
		at += size
	}
	return ""
}
