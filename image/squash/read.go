package squash

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"slashdev/image/tree"
)

// Limits keep a damaged or hostile image from costing more memory than its
// size explains.
const (
	maxDepth   = 64
	maxEntries = 1 << 20
	maxRatio   = 1032 // of zlib; a hole counts as content
)

var errDamaged = errors.New("read squashfs: damaged image")

// reader reads an image whose superblock has been checked.
type reader struct {
	r     io.ReaderAt
	super superblock
	ids   []uint32
	list  []tree.Entry
	left  int64 // content that may still be unpacked
}

// Read lists an image of the given size with the content of its files. It knows
// what Write writes: no fragments, no extended attributes.
func Read(r io.ReaderAt, size int64) ([]tree.Entry, error) {
	s := &reader{r: r, left: size*maxRatio + 1<<20}
	if err := binary.Read(io.NewSectionReader(r, 0, superSize), binary.LittleEndian, &s.super); err != nil {
		return nil, fmt.Errorf("read squashfs: %w", err)
	}
	if err := s.super.check(size); err != nil {
		return nil, err
	}
	if err := s.readIDs(); err != nil {
		return nil, err
	}
	err := s.readEntry("/", s.super.Root, 0)
	return s.list, err
}

func (s *reader) readIDs() error {
	var at [8]byte
	if _, err := s.r.ReadAt(at[:], int64(s.super.IDTable)); err != nil {
		return errDamaged
	}
	m := &metaReader{r: s.r, next: int64(binary.LittleEndian.Uint64(at[:])), end: int64(s.super.Used)}
	for range s.super.IDs {
		s.ids = append(s.ids, m.u32())
	}
	return m.err
}

func (s *reader) readEntry(name string, ref uint64, depth int) error {
	if depth > maxDepth || len(s.list) >= maxEntries {
		return errDamaged
	}
	m := s.meta(s.super.InodeTable, uint32(ref>>16), uint16(ref))
	kind, mode := m.u16(), m.u16()
	e := tree.Entry{Path: name, Mode: goMode(kind, mode), UID: s.idAt(m), GID: s.idAt(m)}
	m.u32() // time
	m.u32() // number
	var dir func() error
	switch kind {
	case typeDir:
		block := m.u32()
		m.u32()
		size, offset := uint32(m.u16()), m.u16()
		dir = func() error { return s.readDir(name, s.meta(s.super.DirTable, block, offset), size, depth) }
	case typeLongDir:
		m.u32()
		size, block := m.u32(), m.u32()
		m.u32()
		m.u16()
		offset := m.u16()
		dir = func() error { return s.readDir(name, s.meta(s.super.DirTable, block, offset), size, depth) }
	case typeFile:
		s.readFile(m, &e)
	case typeLink:
		m.u32()
		e.Link = string(m.bytes(int(min(m.u32(), 4096))))
	case typeChar, typeBlock:
		m.u32()
		dev := m.u32()
		e.Major, e.Minor = dev>>8&0xfff, dev&0xff|dev>>12&^0xff
	default:
		return errDamaged
	}
	if m.err != nil {
		return m.err
	}
	s.list = append(s.list, e)
	if dir == nil {
		return nil
	}
	return dir()
}

func (s *reader) idAt(m *metaReader) uint32 {
	i := int(m.u16())
	if i >= len(s.ids) {
		m.err = errDamaged
		return 0
	}
	return s.ids[i]
}

func (s *reader) readDir(dir string, m *metaReader, size uint32, depth int) error {
	for used := uint32(3); used < size; {
		count, block, _ := m.u32(), m.u32(), m.u32()
		used += 12
		if count >= maxDirEntries || m.err != nil {
			return errDamaged
		}
		for range count + 1 {
			offset := m.u16()
			m.u16()
			m.u16()
			base := string(m.bytes(int(m.u16()) + 1))
			used += 8 + uint32(len(base))
			if m.err != nil || base == "." || base == ".." || path.Base(base) != base {
				return errDamaged
			}
			if err := s.readEntry(path.Join(dir, base), uint64(block)<<16|uint64(offset), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// readFile reads a regular file's content into e.
func (s *reader) readFile(m *metaReader, e *tree.Entry) {
	pos, fragment := int64(m.u32()), m.u32()
	m.u32()
	size := int64(m.u32())
	if s.left -= size; s.left < 0 {
		m.err = errDamaged
	}
	if fragment != none32 {
		m.err = fmt.Errorf("read squashfs: %s: has a fragment", e.Path)
	}
	block := int64(s.super.BlockSize)
	for left := size; left > 0 && m.err == nil; left -= block {
		word := m.u32()
		data, err := s.readBlock(pos, word, min(left, block))
		if err != nil {
			m.err = err
			return
		}
		e.Bytes = append(e.Bytes, data...)
		pos += int64(word &^ rawBlock)
	}
	e.Size = int64(len(e.Bytes))
}

func (s *reader) readBlock(pos int64, word uint32, want int64) ([]byte, error) {
	stored := word &^ rawBlock
	if stored == 0 {
		return make([]byte, want), nil
	}
	if stored > s.super.BlockSize || pos+int64(stored) > int64(s.super.Used) {
		return nil, errDamaged
	}
	data := make([]byte, stored)
	if _, err := s.r.ReadAt(data, pos); err != nil {
		return nil, errDamaged
	}
	if word&rawBlock == 0 {
		var err error
		if data, err = expand(data, want); err != nil {
			return nil, err
		}
	}
	if int64(len(data)) != want {
		return nil, errDamaged
	}
	return data, nil
}

// expand unpacks at most limit bytes.
func expand(data []byte, limit int64) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, errDamaged
	}
	out, err := io.ReadAll(io.LimitReader(z, limit))
	if err != nil {
		return nil, errDamaged
	}
	return out, nil
}

func (s *reader) meta(table uint64, block uint32, offset uint16) *metaReader {
	m := &metaReader{r: s.r, next: int64(table) + int64(block), end: int64(s.super.Used)}
	m.bytes(int(offset))
	return m
}

// metaReader reads a metadata table from one of its blocks on. After the first
// error it returns zeroes.
type metaReader struct {
	r    io.ReaderAt
	next int64 // of the block after buf
	end  int64
	buf  []byte
	err  error
}

func (m *metaReader) bytes(n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n && m.err == nil {
		if len(m.buf) == 0 {
			m.fill()
		}
		k := min(n-len(out), len(m.buf))
		out = append(out, m.buf[:k]...)
		m.buf = m.buf[k:]
	}
	return out[:n]
}

func (m *metaReader) fill() {
	var head [2]byte
	if m.next < 0 || m.next+2 > m.end {
		m.err = errDamaged
		return
	}
	if _, err := m.r.ReadAt(head[:], m.next); err != nil {
		m.err = errDamaged
		return
	}
	word := binary.LittleEndian.Uint16(head[:])
	size := int64(word &^ rawMeta)
	if size == 0 || size > metaSize || m.next+2+size > m.end {
		m.err = errDamaged
		return
	}
	m.buf = make([]byte, size)
	if _, err := m.r.ReadAt(m.buf, m.next+2); err != nil {
		m.err = errDamaged
		return
	}
	m.next += 2 + size
	if word&rawMeta == 0 {
		m.buf, m.err = expand(m.buf, metaSize)
	}
	if len(m.buf) == 0 {
		m.err = errDamaged
	}
}

func (m *metaReader) u16() uint16 { return binary.LittleEndian.Uint16(m.bytes(2)) }
func (m *metaReader) u32() uint32 { return binary.LittleEndian.Uint32(m.bytes(4)) }

func goMode(kind, bits uint16) fs.FileMode {
	m := fs.FileMode(bits & 0o777)
	switch kind {
	case typeDir, typeLongDir:
		m |= fs.ModeDir
	case typeLink:
		m |= fs.ModeSymlink
	case typeChar:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case typeBlock:
		m |= fs.ModeDevice
	}
	for _, f := range []struct {
		bit  uint16
		mode fs.FileMode
	}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}} {
		if bits&f.bit != 0 {
			m |= f.mode
		}
	}
	return m
}
