package blockid

import (
	"encoding/binary"
	"fmt"
)

// Features of ext2, ext3 and ext4 as the kernel's documentation names them.
const (
	compatHasJournal = 0x4
	incompatJournal  = 0x8  // the device is a journal
	incompatExt3     = 0x16 // FILETYPE, RECOVER, META_BG
	roCompatExt3     = 0x7  // SPARSE_SUPER, LARGE_FILE, BTREE_DIR
	incompatExt2     = 0x12 // FILETYPE, META_BG
	flagTestFS       = 0x4
)

func ext(w *window) (Info, bool) {
	sb := w.at(1024, 1024)
	if sb.le16(0x38) != 0xef53 {
		return Info{}, false
	}
	compat, incompat, roCompat := sb.le32(0x5c), sb.le32(0x60), sb.le32(0x64)
	info := Info{
		Usage:   "filesystem",
		Version: fmt.Sprintf("%d.%d", sb.le32(0x4c), sb.le16(0x3e)),
		UUID:    sb.uuid(0x68),
		Label:   sb.text(0x78, 16),
	}
	if shift := sb.le32(0x18); shift < 22 {
		info.BlockSize = 1024 << shift
	}
	switch {
	case incompat&incompatJournal != 0:
		info.Type, info.Usage = "jbd", "other"
	case incompat&^incompatExt3 != 0 || roCompat&^roCompatExt3 != 0:
		info.Type = "ext4"
		if sb.le32(0x160)&flagTestFS != 0 {
			info.Type = "ext4dev"
		}
	case compat&compatHasJournal != 0:
		info.Type = "ext3"
	case incompat&^incompatExt2 == 0:
		info.Type = "ext2"
	default:
		return Info{}, false
	}
	return info, true
}

func xfs(w *window) (Info, bool) {
	sb := w.at(0, 512)
	if !sb.has(0, "XFSB") || !xfsSound(sb) {
		return Info{}, false
	}
	return Info{
		Type: "xfs", Usage: "filesystem",
		UUID:      sb.uuid(32),
		Label:     sb.text(108, 12),
		BlockSize: uint32(sb.be16(102)),
	}, true
}

// xfsSound holds the sizes of a superblock against each other and against the limits of
// the format.
func xfsSound(sb block) bool {
	within := func(n, low, high uint32) bool { return n >= low && n <= high }
	log := func(n uint32, at int) bool { return n == 1<<min(sb.byte(at), 31) }
	blockSize, sector, inode := sb.be32(4), uint32(sb.be16(102)), uint32(sb.be16(104))
	return sb.be32(88) != 0 && // agcount
		within(sector, 512, 32768) && log(sector, 121) &&
		within(blockSize, 512, 65536) && log(blockSize, 120) &&
		within(inode, 256, 2048) && log(inode, 122) &&
		sb.byte(120)-sb.byte(122) == sb.byte(123) && // inopblog
		within(sb.be32(80)*blockSize, 4096, 1<<30) && // rextsize
		sb.be64(8) != 0 && xfsBlocks(sb)
}

// xfsBlocks wants dblocks to be what agcount groups of agblocks hold.
func xfsBlocks(sb block) bool {
	groups, size, blocks := uint64(sb.be32(88)), uint64(sb.be32(84)), sb.be64(8)
	return blocks <= groups*size && blocks >= (groups-1)*size+64
}

func btrfs(w *window) (Info, bool) {
	sb := w.at(64<<10, 4096)
	if !sb.has(0x40, "_BHRfS_M") {
		return Info{}, false
	}
	return Info{
		Type: "btrfs", Usage: "filesystem",
		UUID:      sb.uuid(0x20),
		UUIDSub:   sb.uuid(0x10b), // dev_item.uuid
		Label:     sb.text(0x12b, 256),
		BlockSize: sb.le32(0x90),
	}, true
}

func f2fs(w *window) (Info, bool) {
	sb := w.at(1024, 3072)
	if sb.le32(0) != 0xf2f52010 {
		return Info{}, false
	}
	info := Info{Type: "f2fs", Usage: "filesystem"}
	version := fmt.Sprintf("%d.%d", sb.le16(4), sb.le16(6))
	if version == "1.0" { // of which there were two layouts
		return info, true
	}
	info.Version, info.UUID, info.Label = version, sb.uuid(108), utf16Text(sb.slice(124, 1024), binary.LittleEndian)
	if shift := sb.le32(16); shift < 32 {
		info.BlockSize = 1 << shift
	}
	return info, true
}
