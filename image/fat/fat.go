// Package fat writes and reads FAT16 and FAT32 file systems for boot partitions.
//
// A written file system is the same for the same input, every file is one piece
// (boot loaders like that, and a file can be patched in place), and names keep
// their case. The reader serves patches, tests and `slashdev inspect`; it reads
// what others wrote, too.
package fat

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"slashdev/image/tree"
)

const (
	sector      = 512
	slotSize    = 32 // of a directory entry
	fat16Min    = 4085
	fat32Min    = 65525
	fat32Max    = 0x0ffffff5
	rootSlots   = 512 // of FAT16
	endOfChain  = 0x0fffffff
	attrVolume  = 0x08
	attrDir     = 0x10
	attrArchive = 0x20
	attrLong    = 0x0f
)

// Config describes a file system.
type Config struct {
	Size  int64  // of the partition in bytes
	Label string // at most 11 capital letters
	ID    uint32 // volume serial number
	Time  time.Time
}

// geometry is where things lie, in sectors.
type geometry struct {
	fat32     bool
	reserved  int64
	fatSize   int64
	rootSize  int64 // FAT16 only
	perClus   int64
	clusters  int64
	dataStart int64
}

func (g *geometry) bytes(clusters int64) int64 { return clusters * g.perClus * sector }

// offset is where a cluster's content lies.
func (g *geometry) offset(cluster int64) int64 {
	return (g.dataStart + (cluster-2)*g.perClus) * sector
}

// plan chooses FAT32 where the size allows it, because UEFI asks for it, and
// the largest clusters, because boot loaders read cluster by cluster.
func plan(size int64) (*geometry, error) {
	for _, fat32 := range []bool{true, false} {
		for per := int64(64); per >= 1; per /= 2 {
			g := layout(size/sector, per, fat32)
			if fat32 && g.clusters >= fat32Min && g.clusters < fat32Max || !fat32 && g.clusters >= fat16Min && g.clusters < fat32Min {
				return g, nil
			}
		}
	}
	return nil, fmt.Errorf("write FAT: no file system fits %d bytes (2 MiB is the least)", size)
}

func layout(sectors, per int64, fat32 bool) *geometry {
	g := &geometry{fat32: fat32, perClus: per, reserved: 8, rootSize: rootSlots * slotSize / sector}
	entry := int64(2)
	if fat32 {
		g.reserved, g.rootSize, entry = 32, 0, 4
	}
	// One FAT entry per cluster; start with too many clusters and shrink.
	g.clusters = (sectors - g.reserved - g.rootSize) / per
	g.fatSize = ((g.clusters+2)*entry + sector - 1) / sector
	g.dataStart = g.reserved + 2*g.fatSize + g.rootSize
	g.clusters = (sectors - g.dataStart) / per
	return g
}

// file is a file or directory being placed.
type file struct {
	*tree.Entry
	name     string
	children []*file
	cluster  int64 // first, 0 for an empty file
	count    int64 // clusters
}

type writer struct {
	Config
	*geometry
	w    io.WriterAt
	next int64 // free cluster
	fat  []uint32
}

// Write writes a file system with the regular files and directories of entries
// (as tree.Tree.Entries returns them). Only what is used is written: w's holes
// must read as zeroes.
func Write(w io.WriterAt, entries []tree.Entry, c Config) error {
	g, err := plan(c.Size)
	if err != nil {
		return err
	}
	s := &writer{Config: c, geometry: g, w: w, next: 2, fat: []uint32{0x0ffffff8, endOfChain}}
	root, files, err := link(entries)
	if err != nil {
		return err
	}
	if s.fat32 {
		s.place(root, s.dirBytes(root))
	}
	for _, f := range files[1:] {
		size := f.Size
		if f.Mode.IsDir() {
			size = s.dirBytes(f)
		}
		s.place(f, size)
	}
	if s.next-2 > g.clusters {
		return fmt.Errorf("write FAT: %d MiB of files do not fit a partition of %d MiB", g.bytes(s.next-2)>>20, c.Size>>20)
	}
	for _, f := range files {
		if err := s.writeFile(f, root); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	return s.writeSystem(root)
}

func link(entries []tree.Entry) (*file, []*file, error) {
	at := map[string]*file{}
	files := make([]*file, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		if !e.Mode.IsDir() && !e.Mode.IsRegular() {
			return nil, nil, fmt.Errorf("write %s: FAT holds files and directories only", e.Path)
		}
		if e.Size > 1<<32-1 {
			return nil, nil, fmt.Errorf("write %s: larger than 4 GiB", e.Path)
		}
		cut := strings.LastIndexByte(e.Path, '/')
		f := &file{Entry: e, name: e.Path[cut+1:]}
		if parent := at[e.Path[:cut]]; parent != nil {
			parent.children = append(parent.children, f)
		}
		at[strings.TrimSuffix(e.Path, "/")] = f
		files = append(files, f)
	}
	if len(files) == 0 || files[0].Path != "/" {
		return nil, nil, fmt.Errorf("write FAT: no root directory")
	}
	return files[0], files, nil
}

// dirBytes is the size of a directory: long names take a slot per 13 letters.
func (s *writer) dirBytes(f *file) int64 {
	slots := int64(2) // . and .., or the label
	for _, c := range f.children {
		slots += int64(len(longSlots(c.name, 0))/slotSize) + 1
	}
	return slots * slotSize
}

// place gives f the next clusters and chains them.
func (s *writer) place(f *file, size int64) {
	per := s.bytes(1)
	f.count = (size + per - 1) / per
	if f.count == 0 {
		return
	}
	f.cluster = s.next
	for i := int64(1); i < f.count; i++ {
		s.fat = append(s.fat, uint32(s.next+i))
	}
	s.fat = append(s.fat, endOfChain)
	s.next += f.count
}

func (s *writer) writeFile(f, root *file) error {
	if f.Mode.IsDir() {
		return s.writeDir(f, root)
	}
	if f.count == 0 {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(io.NewOffsetWriter(s.w, s.offset(f.cluster)), io.LimitReader(r, f.Size))
	if err == nil && n != f.Size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// writeSystem writes the boot sector and both FATs.
func (s *writer) writeSystem(root *file) error {
	table := make([]byte, 0, s.fatSize*sector)
	for i, v := range s.fat {
		switch {
		case s.fat32:
			table = binary.LittleEndian.AppendUint32(table, v)
		case i == 0:
			table = binary.LittleEndian.AppendUint16(table, 0xfff8)
		default:
			table = binary.LittleEndian.AppendUint16(table, uint16(v))
		}
	}
	boot := s.bootSector(root)
	writes := map[int64][]byte{0: boot, s.reserved: table, s.reserved + s.fatSize: table}
	if s.fat32 {
		writes[1], writes[6], writes[7] = s.info(), boot, s.info()
	}
	for at, data := range writes {
		if _, err := s.w.WriteAt(data, at*sector); err != nil {
			return err
		}
	}
	return nil
}

func (s *writer) bootSector(root *file) []byte {
	b := make([]byte, sector)
	le := binary.LittleEndian
	copy(b, "\xeb\x58\x90SLASHDEV")
	le.PutUint16(b[11:], sector)
	b[13] = byte(s.perClus)
	le.PutUint16(b[14:], uint16(s.reserved))
	b[16] = 2 // FATs
	b[21] = 0xf8
	le.PutUint16(b[24:], 63) // sectors per track, heads: nobody asks
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[32:], uint32(s.Size/sector))
	tail := b[36:]
	kind := "FAT16   "
	if s.fat32 {
		kind = "FAT32   "
		le.PutUint32(b[36:], uint32(s.fatSize))
		le.PutUint32(b[44:], uint32(root.cluster))
		le.PutUint16(b[48:], 1) // info sector
		le.PutUint16(b[50:], 6) // backup boot sector
		tail = b[64:]
	} else {
		le.PutUint16(b[17:], rootSlots)
		le.PutUint16(b[22:], uint16(s.fatSize))
	}
	tail[0] = 0x80
	tail[2] = 0x29
	le.PutUint32(tail[3:], s.ID)
	copy(tail[7:], pad(s.Label, 11))
	copy(tail[18:], kind)
	b[510], b[511] = 0x55, 0xaa
	return b
}

func (s *writer) info() []byte {
	b := make([]byte, sector)
	copy(b, "RRaA")
	copy(b[484:], "rrAa")
	binary.LittleEndian.PutUint32(b[488:], uint32(s.clusters-(s.next-2)))
	binary.LittleEndian.PutUint32(b[492:], uint32(s.next))
	b[510], b[511] = 0x55, 0xaa
	return b
}

func pad(s string, n int) string {
	return (s + strings.Repeat(" ", n))[:n]
}
