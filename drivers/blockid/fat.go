package blockid

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
)

// bpb is the BIOS parameter block of a FAT, in the words of its specification.
type bpb struct {
	block
	sectorSize, clusterSize    int64 // bytes, sectors
	reserved, fats, rootSize   int64 // sectors, copies, sectors
	fatLength, sectors, starts int64 // sectors; starts is where the clusters are
	clusters                   int64
}

func readBPB(b block) (p bpb, ok bool) {
	p = bpb{
		block: b, sectorSize: int64(b.le16(0x0b)), clusterSize: int64(b.byte(0x0d)),
		reserved: int64(b.le16(0x0e)), fats: int64(b.byte(0x10)),
		fatLength: int64(b.le16(0x16)), sectors: int64(b.le16(0x13)),
	}
	media := b.byte(0x15)
	power := func(n int64) bool { return bits.OnesCount64(uint64(n)) == 1 }
	if !power(p.sectorSize) || p.sectorSize < 512 || p.sectorSize > 4096 || !power(p.clusterSize) ||
		p.reserved == 0 || p.fats == 0 || media < 0xf8 && media != 0xf0 {
		return p, false
	}
	if p.sectors == 0 {
		p.sectors = int64(b.le32(0x20))
	}
	if p.fatLength == 0 {
		p.fatLength = int64(b.le32(0x24))
	}
	p.rootSize = (int64(b.le16(0x11))*32 + p.sectorSize - 1) / p.sectorSize
	p.starts = p.reserved + p.fats*p.fatLength + p.rootSize
	p.clusters = (p.sectors - p.starts) / p.clusterSize
	return p, true
}

// fatMarks are texts that formatting tools leave in a boot sector.
var fatMarks = []struct {
	offset int
	text   string
}{
	{0x52, "MSWIN"}, {0x52, "FAT32   "}, {0x36, "MSDOS"}, {0x36, "FAT16   "}, {0x36, "FAT12   "}, {0x36, "FAT     "},
}

// looksFAT reports whether the boot sector has a mark, or a jump and a signature.
func looksFAT(b block) bool {
	for _, m := range fatMarks {
		if b.has(m.offset, m.text) {
			return true
		}
	}
	return (b.byte(0) == 0xeb || b.byte(0) == 0xe9) && b.le16(510) == 0xaa55
}

func vfat(w *window) (Info, bool) {
	p, ok := readBPB(w.at(0, 512))
	if !ok || !looksFAT(p.block) {
		return Info{}, false
	}
	info := Info{Type: "vfat", Usage: "filesystem", BlockSize: uint32(p.sectorSize)}
	serial, label := 0x27, 0x2b
	switch {
	case p.le16(0x16) == 0 && p.le32(0x24) != 0:
		info.Version = "FAT32"
		serial, label = 0x43, 0x47
		info.Label = p.root32(w)
	case p.clusters < 4085:
		info.Version = "FAT12"
		info.Label = p.root16(w)
	default:
		info.Version = "FAT16"
		info.Label = p.root16(w)
	}
	if ext := p.byte(serial - 1); info.Label == "" && ext == 0x29 && !p.has(label, "NO NAME    ") {
		info.Label = fatLabel(p.slice(label, 11))
	}
	if s := p.slice(serial, 4); !s.zero() {
		info.UUID = fmt.Sprintf("%04X-%04X", s.le16(2), s.le16(0))
	}
	return info, true
}

func fatLabel(b block) string { return strings.TrimRight(string(b), " ") }

// root16 finds the label in the root directory, which follows the FATs.
func (p bpb) root16(w *window) string {
	return fatEntries(w.at((p.reserved+p.fats*p.fatLength)*p.sectorSize, int(min(p.rootSize*p.sectorSize, 64<<10))))
}

// maxChain bounds the clusters of a root directory that are looked at.
const maxChain = 100

// root32 follows the clusters of the root directory.
func (p bpb) root32(w *window) string {
	size := p.clusterSize * p.sectorSize
	for next, n := p.le32(0x2c)&0x0fffffff, 0; next >= 2 && next < 0x0ffffff0 && n < maxChain; n++ {
		label := fatEntries(w.at((p.starts+int64(next-2)*p.clusterSize)*p.sectorSize, int(size)))
		if label != "" {
			return label
		}
		next = w.at(p.reserved*p.sectorSize+4*int64(next), 4).le32(0) & 0x0fffffff
	}
	return ""
}

// fatEntries looks for the volume's entry in a part of the root directory.
func fatEntries(dir block) string {
	for ; len(dir) >= 32 && dir[0] != 0; dir = dir[32:] {
		attr := dir[11]
		switch {
		case dir[0] == 0xe5 || attr&0x3f == 0x0f: // free; part of a long name
		case attr&0x18 == 0x08 && dir[0] == 5: // a volume, no directory; 5 stands for 0xe5
			return fatLabel(append(block{0xe5}, dir[1:11]...))
		case attr&0x18 == 0x08:
			return fatLabel(dir[:11])
		}
	}
	return ""
}

func exfat(w *window) (Info, bool) {
	boot := w.at(0, 512)
	if !boot.has(3, "EXFAT   ") {
		return Info{}, false
	}
	sector, cluster := boot.byte(0x6c), boot.byte(0x6d)
	if sector < 9 || sector > 12 || cluster > 25-sector {
		return Info{}, false
	}
	info := Info{
		Type: "exfat", Usage: "filesystem", BlockSize: 1 << sector,
		Version: fmt.Sprintf("%d.%d", boot.byte(0x69), boot.byte(0x68)),
		Label:   exfatLabel(w, boot),
	}
	if s := boot.slice(0x64, 4); !s.zero() {
		info.UUID = fmt.Sprintf("%04X-%04X", s.le16(2), s.le16(0))
	}
	return info, true
}

// exfatLabel follows the root directory to the volume label entry.
func exfatLabel(w *window, boot block) string {
	sector := boot.byte(0x6c)
	cluster := int64(1) << (sector + boot.byte(0x6d))
	fat, heap := int64(boot.le32(0x50))<<sector, int64(boot.le32(0x58))<<sector
	next := boot.le32(0x60)
	for n := 0; next >= 2 && next < boot.le32(0x5c)+2 && n < maxChain; n++ {
		dir := w.at(heap+int64(next-2)*cluster, int(min(cluster, 4096)))
		for ; len(dir) >= 32; dir = dir[32:] {
			switch dir[0] {
			case 0:
				return ""
			case 0x83:
				return utf16Text(dir.slice(2, 2*min(int(dir[1]), 15)), binary.LittleEndian)
			}
		}
		next = w.at(fat+4*int64(next), 4).le32(0)
	}
	return ""
}
