// Package gpt writes and reads GUID partition tables with 512-byte sectors and
// the master boot record in front of them.
//
// Disk and partition GUIDs follow gokrazy's scheme: they are derived from the
// host name, so that the root= word of an image never changes and a gokrazy disk
// can be updated in place.
package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"unicode/utf16"
)

// SectorSize is the only sector size written.
const SectorSize = 512

const (
	entryCount   = 128
	entrySize    = 128
	headerSize   = 92
	tableSectors = entryCount * entrySize / SectorSize
	maxName      = 36 // UTF-16 units
)

// FirstLBA is the first sector a partition may use; the backup table takes as
// many sectors at the end of the disk.
const FirstLBA = 2 + tableSectors

// GUID is in the mixed byte order of the table.
type GUID [16]byte

// Type names what a partition is for.
type Type string

// Partition types.
const (
	EFISystem Type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	BIOSBoot  Type = "21686148-6449-6e6f-744e-656564454649"
	LinuxData Type = "0fc63daf-8483-4772-8e79-3d69d8477de4"
	BasicData Type = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
	RootAMD64 Type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
	RootARM64 Type = "b921b045-1df0-41c3-af44-4c6f280d3fae"
)

// Partition is one entry. Number counts from 1 and need not follow the order on
// the disk.
type Partition struct {
	Number int
	Name   string
	Type   Type
	Start  int64 // in sectors
	Size   int64 // in sectors
	UUID   string
	Hybrid bool // also in the MBR, as FAT, for firmware that knows no GPT
}

// End is the sector behind the partition.
func (p *Partition) End() int64 { return p.Start + p.Size }

// Table is a partition table.
type Table struct {
	Sectors    int64 // of the disk
	UUID       string
	Partitions []Partition
}

// UUID returns the UUID of partition number of a host's disk; 0 is the disk's.
func UUID(hostname string, number int) string {
	h := fnv.New32a()
	h.Write([]byte(hostname))
	return fmt.Sprintf("60c24cc1-f3f9-427a-8199-%08x00%02x", h.Sum32(), number)
}

// ParseGUID reads the usual text form.
func ParseGUID(s string) (g GUID, err error) {
	var a uint32
	var b, c uint16
	var d []byte
	if n, err := fmt.Sscanf(s, "%08x-%04x-%04x-%x", &a, &b, &c, &d); err != nil || n != 4 || len(d) != 2 || len(s) != 36 {
		return g, fmt.Errorf("parse GUID %q: want 8-4-4-4-12 hex digits", s)
	}
	var e []byte
	if _, err := fmt.Sscanf(s[23:], "-%x", &e); err != nil || len(e) != 6 {
		return g, fmt.Errorf("parse GUID %q: want 8-4-4-4-12 hex digits", s)
	}
	binary.LittleEndian.PutUint32(g[0:], a)
	binary.LittleEndian.PutUint16(g[4:], b)
	binary.LittleEndian.PutUint16(g[6:], c)
	copy(g[8:], d)
	copy(g[10:], e)
	return g, nil
}

func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(g[0:]),
		binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}

// Check says what is wrong with the partitions: overlaps, numbers, borders.
func (t *Table) Check() error {
	last := t.Sectors - FirstLBA + 1 // behind the last usable sector
	for i, p := range t.Partitions {
		if p.Number < 1 || p.Number > entryCount || len(utf16.Encode([]rune(p.Name))) > maxName {
			return fmt.Errorf("partition %d %q: number or name does not fit a GPT", p.Number, p.Name)
		}
		if p.Start < FirstLBA || p.Size <= 0 || p.End() > last {
			return fmt.Errorf("partition %d (%s): sectors %d to %d lie outside %d to %d", p.Number, p.Name, p.Start, p.End()-1, FirstLBA, last-1)
		}
		for _, q := range t.Partitions[:i] {
			if p.Number == q.Number || p.Start < q.End() && q.Start < p.End() {
				return fmt.Errorf("partition %d (%s) and %d (%s): same number or sectors", p.Number, p.Name, q.Number, q.Name)
			}
		}
	}
	return nil
}

// Write writes the MBR, the table and its backup. code, at most 440 bytes,
// goes to the start of the MBR.
func (t *Table) Write(w io.WriterAt, code []byte) error {
	if err := t.Check(); err != nil {
		return err
	}
	entries, err := t.entries()
	if err != nil {
		return err
	}
	backup := t.Sectors - 1
	for _, part := range []struct {
		at   int64 // sector
		data func() ([]byte, error)
	}{
		{0, func() ([]byte, error) { return t.mbr(code) }},
		{1, func() ([]byte, error) { return t.header(1, backup, 2, entries) }},
		{2, func() ([]byte, error) { return entries, nil }},
		{backup - tableSectors, func() ([]byte, error) { return entries, nil }},
		{backup, func() ([]byte, error) { return t.header(backup, 1, backup-tableSectors, entries) }},
	} {
		data, err := part.data()
		if err != nil {
			return err
		}
		if _, err := w.WriteAt(data, part.at*SectorSize); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) entries() ([]byte, error) {
	out := make([]byte, entryCount*entrySize)
	for _, p := range t.Partitions {
		kind, err := ParseGUID(string(p.Type))
		if err != nil {
			return nil, err
		}
		id, err := ParseGUID(p.UUID)
		if err != nil {
			return nil, err
		}
		e := out[(p.Number-1)*entrySize:]
		copy(e, kind[:])
		copy(e[16:], id[:])
		binary.LittleEndian.PutUint64(e[32:], uint64(p.Start))
		binary.LittleEndian.PutUint64(e[40:], uint64(p.End()-1))
		for i, u := range utf16.Encode([]rune(p.Name)) {
			binary.LittleEndian.PutUint16(e[56+2*i:], u)
		}
	}
	return out, nil
}

func (t *Table) header(self, other, table int64, entries []byte) ([]byte, error) {
	disk, err := ParseGUID(t.UUID)
	if err != nil {
		return nil, err
	}
	h := make([]byte, SectorSize)
	copy(h, "EFI PART")
	binary.LittleEndian.PutUint32(h[8:], 0x10000)
	binary.LittleEndian.PutUint32(h[12:], headerSize)
	binary.LittleEndian.PutUint64(h[24:], uint64(self))
	binary.LittleEndian.PutUint64(h[32:], uint64(other))
	binary.LittleEndian.PutUint64(h[40:], FirstLBA)
	binary.LittleEndian.PutUint64(h[48:], uint64(t.Sectors-FirstLBA))
	copy(h[56:], disk[:])
	binary.LittleEndian.PutUint64(h[72:], uint64(table))
	binary.LittleEndian.PutUint32(h[80:], entryCount)
	binary.LittleEndian.PutUint32(h[84:], entrySize)
	binary.LittleEndian.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
	binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h[:headerSize]))
	return h, nil
}

// Read reads the table of a disk. It believes the primary table only, and only
// with right checksums.
func Read(r io.ReaderAt) (*Table, error) {
	h := make([]byte, SectorSize)
	if _, err := r.ReadAt(h, SectorSize); err != nil || !bytes.HasPrefix(h, []byte("EFI PART")) {
		return nil, errors.New("read partition table: no GPT")
	}
	sum := binary.LittleEndian.Uint32(h[16:])
	binary.LittleEndian.PutUint32(h[16:], 0)
	count, size := binary.LittleEndian.Uint32(h[80:]), binary.LittleEndian.Uint32(h[84:])
	if crc32.ChecksumIEEE(h[:headerSize]) != sum || size != entrySize || count > entryCount {
		return nil, errors.New("read partition table: damaged GPT header")
	}
	entries := make([]byte, count*size)
	at := int64(binary.LittleEndian.Uint64(h[72:]) & (1<<40 - 1))
	if _, err := r.ReadAt(entries, at*SectorSize); err != nil || crc32.ChecksumIEEE(entries) != binary.LittleEndian.Uint32(h[88:]) {
		return nil, errors.New("read partition table: damaged GPT entries")
	}
	t := &Table{Sectors: int64(binary.LittleEndian.Uint64(h[32:])&(1<<40-1)) + 1, UUID: GUID(h[56:72]).String()}
	for i := 0; i < len(entries); i += entrySize {
		if p, ok := parseEntry(i/entrySize+1, entries[i:i+entrySize]); ok {
			t.Partitions = append(t.Partitions, p)
		}
	}
	return t, t.Check()
}

func parseEntry(number int, e []byte) (Partition, bool) {
	kind := GUID(e[:16])
	if kind == (GUID{}) {
		return Partition{}, false
	}
	name := make([]uint16, 0, maxName)
	for i := 56; i < entrySize && (e[i] != 0 || e[i+1] != 0); i += 2 {
		name = append(name, binary.LittleEndian.Uint16(e[i:]))
	}
	const mask = 1<<40 - 1 // far beyond any disk, and no overflow in bytes
	start := int64(binary.LittleEndian.Uint64(e[32:]) & mask)
	end := int64(binary.LittleEndian.Uint64(e[40:])&mask) + 1
	return Partition{
		Number: number, Name: string(utf16.Decode(name)), Type: Type(kind.String()),
		Start: start, Size: end - start, UUID: GUID(e[16:32]).String(),
	}, true
}
