// Package squash writes and reads squashfs 4.0 images with zlib compression,
// the only one that the kernels we ship can read.
//
// The image is the same for the same entries and time. Blocks of data are
// compressed in parallel; there are no fragments, no extended attributes and no
// export table, because a read-only root needs none of them.
package squash

import (
	"encoding/binary"
	"fmt"
)

const (
	magic         = 0x73717368
	superSize     = 96
	blockSize     = 128 << 10
	blockLog      = 17
	metaSize      = 8 << 10
	compressZlib  = 1
	flagNoFrag    = 0x0010
	flagNoXattr   = 0x0200
	none32        = 0xffffffff
	none64        = 0xffffffffffffffff
	rawBlock      = 1 << 24 // in a data block's size: stored as it is
	rawMeta       = 1 << 15 // in a metadata block's size
	typeDir       = 1
	typeFile      = 2
	typeLink      = 3
	typeBlock     = 4
	typeChar      = 5
	typeLongDir   = 8
	maxDirEntries = 256 // behind one directory header
	padTo         = 4096
)

// superblock is the first 96 bytes, little endian.
type superblock struct {
	Magic, Inodes, Time, BlockSize, Fragments uint32
	Compression, BlockLog, Flags, IDs         uint16
	Major, Minor                              uint16
	Root, Used                                uint64
	IDTable, XattrTable, InodeTable           uint64
	DirTable, FragmentTable, ExportTable      uint64
}

func (s *superblock) check(size int64) error {
	switch {
	case s.Magic != magic:
		return fmt.Errorf("read squashfs: no superblock")
	case s.Major != 4 || s.Minor != 0:
		return fmt.Errorf("read squashfs: version %d.%d, want 4.0", s.Major, s.Minor)
	case s.Compression != compressZlib:
		return fmt.Errorf("read squashfs: compression %d, want zlib (1)", s.Compression)
	case s.BlockLog < 12 || s.BlockLog > 20 || s.BlockSize != 1<<s.BlockLog:
		return fmt.Errorf("read squashfs: block size %d", s.BlockSize)
	case s.Used > uint64(size) || s.InodeTable > s.DirTable || s.DirTable > s.Used || s.IDTable > s.Used:
		return fmt.Errorf("read squashfs: tables lie outside the image")
	}
	return nil
}

// meta collects a metadata table: 8 KiB blocks, each compressed by itself and
// preceded by its size.
type meta struct {
	out     []byte // finished blocks
	pending []byte // less than one block
	packer  *packer
	err     error
}

// ref is where the next byte will be: the block's place in the table, and the
// offset in the block once it is unpacked.
func (m *meta) ref() (block uint32, offset uint16) {
	return uint32(len(m.out)), uint16(len(m.pending))
}

func (m *meta) write(p []byte) {
	for len(p) > 0 {
		n := min(len(p), metaSize-len(m.pending))
		m.pending = append(m.pending, p[:n]...)
		p = p[n:]
		if len(m.pending) == metaSize {
			m.flush()
		}
	}
}

func (m *meta) put(fields ...any) {
	var b []byte
	for _, f := range fields {
		switch v := f.(type) {
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, v)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, v)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, v)
		case string:
			b = append(b, v...)
		}
	}
	m.write(b)
}

func (m *meta) flush() {
	if len(m.pending) == 0 {
		return
	}
	data, err := m.packer.compress(m.pending)
	if err != nil {
		m.err = err
		return
	}
	size := uint16(len(data))
	if len(data) >= len(m.pending) {
		data, size = m.pending, uint16(len(m.pending))|rawMeta
	}
	m.out = binary.LittleEndian.AppendUint16(m.out, size)
	m.out = append(m.out, data...)
	m.pending = m.pending[:0]
}
