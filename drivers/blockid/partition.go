package blockid

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// Place is where a partition lies: its number, its first sector and its length in
// sectors of 512 bytes, as sysfs has them, and the number of the disk's node.
type Place struct {
	Number      int
	Start, Size uint64
	Disk        string // "8:0"
	Sector      int64  // bytes of the disk's own sectors, in which tables of DOS count; 0 is 512
}

// entry is a partition as its table describes it.
type entry struct {
	scheme           string
	number           int
	start, size      uint64 // sectors of 512 bytes
	name, uuid, kind string
	flags            uint64
}

// Entry returns the ID_PART_ENTRY_ properties of the partition at a place of a disk;
// it returns nothing if the disk's table has no such partition.
func Entry(disk io.ReaderAt, size int64, place Place) ([]Property, error) {
	w := newWindow(disk, size)
	if place.Sector > 512 {
		w.sector = place.Sector
	}
	found, ok := findEntry(w, place)
	if w.err != nil {
		return nil, fmt.Errorf("read partition table of %s: %w", place.Disk, w.err)
	}
	if !ok {
		return nil, nil
	}
	return found.properties(place.Disk), nil
}

func findEntry(w *window, place Place) (entry, bool) {
	table := partitionTable(w)
	if table == nil {
		return entry{}, false
	}
	for _, e := range table.entries {
		if e.start == place.Start && (e.size == place.Size || e.extended()) {
			return e, true
		}
	}
	return entry{}, false
}

func (e entry) extended() bool {
	return e.scheme == "dos" && (e.kind == "0x5" || e.kind == "0xf" || e.kind == "0x85")
}

func (e entry) properties(disk string) []Property {
	all := []Property{{"ID_PART_ENTRY_SCHEME", e.scheme}}
	if e.name != "" {
		all = append(all, Property{"ID_PART_ENTRY_NAME", Encode(e.name)})
	}
	if e.uuid != "" {
		all = append(all, Property{"ID_PART_ENTRY_UUID", e.uuid})
	}
	all = append(all, Property{"ID_PART_ENTRY_TYPE", e.kind})
	if e.flags != 0 {
		all = append(all, Property{"ID_PART_ENTRY_FLAGS", fmt.Sprintf("0x%x", e.flags)})
	}
	return append(all,
		Property{"ID_PART_ENTRY_NUMBER", fmt.Sprint(e.number)},
		Property{"ID_PART_ENTRY_OFFSET", fmt.Sprint(e.start)},
		Property{"ID_PART_ENTRY_SIZE", fmt.Sprint(e.size)},
		Property{"ID_PART_ENTRY_DISK", disk})
}

// table is a partition table.
type table struct {
	kind, uuid string
	scale      uint64 // sectors of 512 bytes in one of the disk's
	entries    []entry
}

// partitionTable finds the table of a device. File systems that begin with a boot
// sector have bytes where a table of DOS would be; those are no table.
func partitionTable(w *window) *table {
	if t := readGPT(w); t != nil {
		return t
	}
	mbr := w.at(0, 512)
	if mbr.le16(510) == 0xaa55 && protective(mbr) {
		return &table{kind: "PMBR"} // what it announces is lost
	}
	_, isFAT := readBPB(mbr)
	_, isNTFS := ntfs(w)
	if _, locked := bitLocker(w); !locked && (isFAT || isNTFS) {
		return nil
	}
	return readDOS(w)
}

// readGPT reads the table after the first sector, or its copy in the last one. Disks
// have sectors of 512 or 4096 bytes.
func readGPT(w *window) *table {
	mbr := w.at(0, 512)
	if mbr.le16(510) != 0xaa55 || !protective(mbr) {
		return nil
	}
	for _, sector := range []int64{512, 4096} {
		for _, lba := range []int64{1, w.size/sector - 1} {
			if t := gptAt(w, sector, lba); t != nil {
				return t
			}
		}
	}
	return nil
}

// protective reports whether the MBR says that a GPT follows.
func protective(mbr block) bool {
	for i := range 4 {
		if mbr.byte(446+16*i+4) == 0xee {
			return true
		}
	}
	return false
}

func gptAt(w *window, sector, lba int64) *table {
	h := w.at(lba*sector, int(sector))
	size := h.le32(12)
	if !h.has(0, "EFI PART") || size < 92 || size > uint32(len(h)) || h.le64(24) != uint64(lba) {
		return nil
	}
	sum := crc32.Update(0, crc32.IEEETable, h[:16])
	sum = crc32.Update(sum, crc32.IEEETable, make([]byte, 4))
	sum = crc32.Update(sum, crc32.IEEETable, h[20:size])
	count, each := h.le32(80), h.le32(84)
	if sum != h.le32(16) || count == 0 || each < 128 || uint64(count)*uint64(each) > 256<<10 || h.le64(72) > uint64(w.size) {
		return nil
	}
	array := w.at(int64(h.le64(72))*sector, int(count*each))
	if crc32.ChecksumIEEE(array) != h.le32(88) {
		return nil
	}
	t := &table{kind: "gpt", uuid: h.guid(56)}
	for i := range int(count) {
		e := array.slice(i*int(each), int(each))
		if inside := e.le64(32) >= h.le64(40) && e.le64(40) <= h.le64(48); inside && !e.slice(0, 16).zero() {
			t.entries = append(t.entries, gptEntry(e, i+1, uint64(sector/512)))
		}
	}
	return t
}

func gptEntry(e block, number int, scale uint64) entry {
	return entry{
		scheme: "gpt", number: number,
		start: e.le64(32) * scale, size: (e.le64(40) - e.le64(32) + 1) * scale,
		name: utf16Text(e.slice(56, 72), binary.LittleEndian),
		uuid: e.guid(16), kind: e.guid(0), flags: e.le64(48),
	}
}
