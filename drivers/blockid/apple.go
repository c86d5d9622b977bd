package blockid

import (
	"crypto/md5"
	"encoding/binary"
)

// apfs finds the superblock of a container, of which there may be several volumes.
func apfs(w *window) (Info, bool) {
	const superblock, blockSize = 1, 4096
	sb := w.at(0, 512)
	if !sb.has(32, "NXSB") || sb.le16(24) != superblock || sb.le32(28) != 0 || sb.le32(36) != blockSize {
		return Info{}, false
	}
	return Info{Type: "apfs", Usage: "filesystem", UUID: sb.uuid(72), BlockSize: blockSize}, true
}

// hfsplus reads the volume header of HFS Plus (TN1150), which may lie in a wrapper of HFS.
func hfsplus(w *window) (Info, bool) {
	offset := int64(0)
	if mdb := w.at(1024, 512); mdb.has(0, "BD") && (mdb.has(124, "H+") || mdb.has(124, "HX")) {
		offset = int64(mdb.be16(28))*512 + int64(mdb.be16(126))*int64(mdb.be32(20)) // drAlBlSt, drEmbedExtent, drAlBlkSiz
	}
	header := w.at(offset+1024, 512)
	if !header.has(0, "H+") && !header.has(0, "HX") {
		return Info{}, false
	}
	info := Info{Type: "hfsplus", Usage: "filesystem", UUID: finderUUID(header.slice(104, 8)), BlockSize: header.be32(40)}
	if info.BlockSize >= 512 {
		info.Label = hfsName(w, header, offset)
	}
	return info, true
}

// hfs reads the master directory block of plain HFS.
func hfs(w *window) (Info, bool) {
	mdb := w.at(1024, 512)
	if !mdb.has(0, "BD") || mdb.has(124, "H+") || mdb.has(124, "HX") {
		return Info{}, false
	}
	if size := mdb.be32(20); size == 0 || size%512 != 0 {
		return Info{}, false
	}
	return Info{
		Type: "hfs", Usage: "filesystem",
		UUID:  finderUUID(mdb.slice(116, 8)),
		Label: mdb.text(37, min(int(mdb.byte(36)), 27)),
	}, true
}

// finderUUID makes a version 3 UUID of the number that the Finder gave a volume.
func finderUUID(id block) string {
	if id.zero() {
		return ""
	}
	const namespace = "\xb3\xe2\x0f\x39\xf2\x92\x11\xd6\x97\xa4\x00\x30\x65\x43\xec\xac"
	sum := md5.Sum(append([]byte(namespace), id...))
	sum[6], sum[8] = sum[6]&0x0f|0x30, sum[8]&0x3f|0x80
	return block(sum[:]).uuid(0)
}

// hfsName finds the volume's name: it is the key of the first record in the first leaf of
// the catalog, whose parent is 1.
func hfsName(w *window, header block, offset int64) string {
	const leaf, rootParent, longest = 0xff, 1, 255
	size := header.be32(40)
	at := func(number, length uint32) block {
		return w.at(offset+int64(catalogBlock(header, number))*int64(size), int(length))
	}
	tree := at(0, 512)
	nodeSize := uint32(tree.be16(32))
	if nodeSize < 512 || tree.be32(20) == 0 { // leafRecords
		return ""
	}
	record := at(tree.be32(24)*nodeSize/size, nodeSize) // firstLeafNode
	length := int(record.be16(20))
	if record.byte(8) != leaf || record.be16(10) == 0 || record.be32(16) != rootParent || length > longest {
		return ""
	}
	return utf16Text(record.slice(22, 2*length), binary.BigEndian)
}

// catalogBlock says where a block of the catalog file is, by its eight extents; 0, where
// no node is, if they do not reach so far.
func catalogBlock(header block, number uint32) uint32 {
	const extents = 288
	for e := range 8 {
		start, count := header.be32(extents+8*e), header.be32(extents+8*e+4)
		if number < count {
			return start + number
		}
		number -= count
	}
	return 0
}
