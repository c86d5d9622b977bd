package blockid

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
)

// bpb is the BIOS parameter block of a FAT, in the words of its specification. Counts are
// of sectors; they wrap as 32 bits do.
type bpb struct {
	block
	sectorSize, clusterSize uint32 // bytes, sectors
	reserved, fats          uint32 // all copies of the FAT
	rootSize, clusters      uint32
	fat32                   bool
}

func readBPB(b block) (p bpb, ok bool) {
	p = bpb{block: b, sectorSize: uint32(b.le16(0x0b)), clusterSize: uint32(b.byte(0x0d)), reserved: uint32(b.le16(0x0e))}
	media, copies := b.byte(0x15), uint32(b.byte(0x10))
	power := func(n uint32) bool { return bits.OnesCount32(n) == 1 }
	if !power(p.sectorSize) || p.sectorSize < 512 || p.sectorSize > 4096 || !power(p.clusterSize) ||
		p.reserved == 0 || copies == 0 || media < 0xf8 && media != 0xf0 {
		return p, false
	}
	sectors, length := uint32(b.le16(0x13)), uint32(b.le16(0x16))
	if sectors == 0 {
		sectors = b.le32(0x20)
	}
	if length == 0 {
		length, p.fat32 = b.le32(0x24), b.le32(0x24) != 0
	}
	p.fats = copies * length
	p.rootSize = (uint32(b.le16(0x11))*32 + p.sectorSize - 1) / p.sectorSize
	p.clusters = (sectors - p.reserved - p.fats - p.rootSize) / p.clusterSize
	return p, looksFAT(b) && (p.clusters <= 0xfff4 || p.fat32 && p.clusters <= 0x0ffffff6)
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
	if !ok || !p.soundFSInfo(w) {
		return Info{}, false
	}
	info := Info{Type: "vfat", Usage: "filesystem", BlockSize: p.sectorSize}
	serial := 0x27
	switch {
	case p.fat32:
		info.Version, info.Label = "FAT32", p.root32(w)
		serial = 0x43
	case p.clusters < 4085:
		info.Version, info.Label = "FAT12", p.root16(w)
	default:
		info.Version, info.Label = "FAT16", p.root16(w)
	}
	if s := p.slice(serial, 4); !s.zero() && (p.fat32 || p.byte(serial-1)&^1 == 0x28) {
		info.UUID = fmt.Sprintf("%04X-%04X", s.le16(2), s.le16(0))
	}
	return info, true
}

// soundFSInfo wants both marks of the sector that counts free clusters, or zeros.
func (p bpb) soundFSInfo(w *window) bool {
	if !p.fat32 || p.le16(0x30) == 0 {
		return true
	}
	info := p.sector(w, uint32(p.le16(0x30)), 512)
	return info != nil && (info.has(0, "RRaA") || info.le32(0) == 0) && (info.has(484, "rrAa") || info.le32(484) == 0)
}

// sector returns n bytes from a sector.
func (p bpb) sector(w *window, sector, n uint32) block {
	return w.at(int64(sector)*int64(p.sectorSize), int(n))
}

// root16 finds the label in the root directory, which follows the FATs.
func (p bpb) root16(w *window) string {
	return fatEntries(p.sector(w, p.reserved+p.fats, min(p.rootSize*p.sectorSize, 64<<10)))
}

// maxChain bounds the clusters of a root directory that are looked at.
const maxChain = 100

// root32 follows the clusters of the root directory.
func (p bpb) root32(w *window) string {
	for next, n := p.le32(0x2c), 0; next >= 2 && next < 0x0ffffff0 && n < maxChain; n++ {
		label := fatEntries(p.sector(w, p.reserved+p.fats+(next-2)*p.clusterSize, p.clusterSize*p.sectorSize))
		if label != "" {
			return label
		}
		next = w.at(int64(p.reserved)*int64(p.sectorSize)+4*int64(next), 4).le32(0) & 0x0fffffff
	}
	return ""
}

// fatEntries looks for the volume's entry in a part of the root directory.
func fatEntries(dir block) string {
	for ; len(dir) >= 32 && dir[0] != 0; dir = dir[32:] {
		const free, longName, kinds, volume = 0xe5, 0x0f, 0x18, 0x08
		attr, empty := dir[11], dir.le16(20) == 0 && dir.le16(26) == 0
		if dir[0] == free || attr&0x3f == longName || attr&kinds != volume || !empty {
			continue
		}
		label := block(bytes.Clone(dir[:11]))
		if label[0] == 5 { // stands for 0xe5
			label[0] = free
		}
		return strings.TrimRight(label.text(0, 11), " ")
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
