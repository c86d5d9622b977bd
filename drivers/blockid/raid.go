package blockid

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

const mdMagic = 0xa92b4efc

// mdraid finds a member of a Linux software array: version 0.90 in the last 64 KiB
// but one, then version 1 at its three places.
func mdraid(w *window) (Info, bool) {
	if info, ok := md0(w); ok {
		return info, true
	}
	sectors := w.size / 512
	for minor, offset := range []int64{(sectors - 16) &^ 7 * 512, 0, 4096} {
		if info, ok := md1(w.at(offset, 256), offset, minor); ok {
			return info, true
		}
	}
	return Info{}, false
}

func md1(sb block, offset int64, minor int) (Info, bool) {
	if sb.le32(0) != mdMagic || sb.le32(4) != 1 || sb.le64(144) != uint64(offset/512) {
		return Info{}, false
	}
	return Info{
		Type: "linux_raid_member", Usage: "raid",
		Version: fmt.Sprintf("1.%d", minor),
		UUID:    sb.uuid(16),
		UUIDSub: sb.uuid(168),
		Label:   sb.text(32, 32),
	}, true
}

// md0 reads the 0.90 superblock, which is in the byte order of the machine that made it.
func md0(w *window) (Info, bool) {
	offset := w.size&^0xffff - md0Reserved
	sb := w.at(offset, 4096)
	var order binary.ByteOrder = binary.LittleEndian
	if sb.be32(0) == mdMagic {
		order = binary.BigEndian
	} else if sb.le32(0) != mdMagic {
		return Info{}, false
	}
	word := func(i int) uint32 { return uint32(sb.number(4*i, 4, order)) }
	if used := int64(word(8)); used > w.size/1024 || inPartition(w, offset) {
		return Info{}, false
	}
	words := []int{5, 13, 14, 15} // set_uuid0 to set_uuid3; before minor version 90 the first alone
	if word(2) < 90 {
		words = words[:1]
	}
	id := make(block, 16)
	for n, i := range words {
		binary.BigEndian.PutUint32(id[4*n:], word(i))
	}
	return Info{
		Type: "linux_raid_member", Usage: "raid",
		Version: fmt.Sprintf("%d.%d.%d", word(1), word(2), word(3)),
		UUID:    id.uuid(0),
	}, true
}

// md0Reserved is what version 0.90 keeps for its superblock.
const md0Reserved = 64 << 10

// inPartition reports whether the superblock at an offset belongs to a partition, the last
// one mostly, and not to the whole disk.
func inPartition(w *window, offset int64) bool {
	t := partitionTable(w)
	first, end := uint64(offset)/512, uint64(offset+md0Reserved)/512
	return t != nil && slices.ContainsFunc(t.entries, func(e entry) bool {
		return e.start <= first && end <= e.start+e.size && e.start+e.size <= uint64(w.size/512)
	})
}

// lvm2 finds the label of a physical volume in one of the first four sectors.
func lvm2(w *window) (Info, bool) {
	for sector := int64(0); sector < 4; sector++ {
		label := w.at(sector*512, 512)
		if !label.has(0, "LABELONE") || !label.has(24, "LVM2 001") || label.le64(8) != uint64(sector) {
			continue
		}
		if lvmCRC(label[20:]) != label.le32(16) {
			continue
		}
		id := w.at(sector*512+int64(label.le32(20)), 32).text(0, 32)
		return Info{Type: "LVM2_member", Usage: "raid", Version: "LVM2 001", UUID: lvmUUID(id)}, true
	}
	return Info{}, false
}

// lvmCRC is CRC-32 with LVM's own first value.
func lvmCRC(b block) uint32 { return ^crc32.Update(^uint32(0xf597a6cf), crc32.IEEETable, b) }

// lvmUUID writes the 32 letters in groups of 6, 4, 4, 4, 4, 4 and 6.
func lvmUUID(id string) string {
	var groups []string
	for _, n := range []int{6, 4, 4, 4, 4, 4, 6} {
		n = min(n, len(id))
		groups, id = append(groups, id[:n]), id[n:]
	}
	return strings.Join(groups, "-")
}

func bcache(w *window) (Info, bool) {
	sb := w.at(4096, 512)
	if !sb.has(24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81") || sb.le64(8) != 8 {
		return Info{}, false
	}
	return Info{Type: "bcache", Usage: "other", UUID: sb.uuid(40)}, true
}
