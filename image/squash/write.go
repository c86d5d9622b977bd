package squash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"

	"slashdev/image/tree"
)

// Config says how to write. The zero value is usable.
type Config struct {
	Time uint32 // of every file, in seconds

	// Raw says which files are stored uncompressed, because what they cost at
	// boot matters more than their size. nil: none.
	Raw func(*tree.Entry) bool
}

// node is an entry while it is being written.
type node struct {
	*tree.Entry
	number   uint32
	start    uint64   // of the data in the image
	blocks   []uint32 // sizes, with rawBlock
	children []*node
	parent   uint32

	block  uint32 // the inode's place
	offset uint16
}

type writer struct {
	Config
	w      io.WriterAt
	pos    int64
	ids    []uint32
	inodes meta
	dirs   meta
	packer packer
}

// Write writes entries (as tree.Tree.Entries returns them) to w from offset 0
// and returns the size of the image.
func Write(w io.WriterAt, entries []tree.Entry, c Config) (int64, error) {
	if len(entries) == 0 || entries[0].Path != "/" {
		return 0, fmt.Errorf("write squashfs: no root directory")
	}
	s := &writer{Config: c, w: w, pos: superSize}
	s.inodes.packer, s.dirs.packer = &s.packer, &s.packer
	nodes := link(entries)
	if err := s.writeData(nodes); err != nil {
		return 0, err
	}
	root := nodes[0]
	root.parent = uint32(len(nodes)) + 1
	if err := s.writeInode(root); err != nil {
		return 0, err
	}
	return s.finish(root, len(nodes))
}

// link makes nodes of entries and hangs each below its directory. Entries are
// sorted, so children are too once they are ordered by name.
func link(entries []tree.Entry) []*node {
	nodes := make([]*node, len(entries))
	dirs := map[string]*node{}
	for i := range entries {
		n := &node{Entry: &entries[i], number: uint32(i + 1)}
		nodes[i] = n
		if n.Mode.IsDir() {
			dirs[n.Path] = n
		}
		if i > 0 {
			parent := dirs[path.Dir(n.Path)]
			parent.children = append(parent.children, n)
			n.parent = parent.number
		}
	}
	for _, d := range dirs {
		slices.SortFunc(d.children, func(a, b *node) int {
			return bytes.Compare([]byte(path.Base(a.Path)), []byte(path.Base(b.Path)))
		})
	}
	return nodes
}

// writeInode writes the inodes of n's children, then their directory, then n's
// own inode: a directory names the places of inodes that are already there.
func (s *writer) writeInode(n *node) error {
	for _, c := range n.children {
		if err := s.writeInode(c); err != nil {
			return err
		}
	}
	id, err := s.id(n.UID)
	if err != nil {
		return err
	}
	gid, err := s.id(n.GID)
	if err != nil {
		return err
	}
	size, block, offset := s.writeDir(n)
	n.block, n.offset = s.inodes.ref()
	kind := kindOf(n.Mode)
	if kind == typeDir && size+3 > math.MaxUint16 {
		kind = typeLongDir
	}
	s.inodes.put(kind, mode(n.Mode), id, gid, s.Time, n.number)
	switch kind {
	case typeDir:
		s.inodes.put(block, links(n), uint16(size+3), offset, n.parent)
	case typeLongDir:
		s.inodes.put(links(n), size+3, block, n.parent, uint16(0), offset, uint32(none32))
	case typeLink:
		s.inodes.put(uint32(1), uint32(len(n.Link)), n.Link)
	case typeChar, typeBlock:
		s.inodes.put(uint32(1), n.Minor&0xff|n.Major<<8|n.Minor&^0xff<<12)
	default:
		s.inodes.put(uint32(n.start), uint32(none32), uint32(0), uint32(n.Size))
		for _, b := range n.blocks {
			s.inodes.put(b)
		}
	}
	return nil
}

func links(n *node) uint32 {
	count := uint32(2)
	for _, c := range n.children {
		if c.Mode.IsDir() {
			count++
		}
	}
	return count
}

// writeDir writes the listing of n and returns its size and place.
func (s *writer) writeDir(n *node) (size, block uint32, offset uint16) {
	block, offset = s.dirs.ref()
	for rest := n.children; len(rest) > 0; {
		run := dirRun(rest)
		s.dirs.put(uint32(len(run)-1), run[0].block, run[0].number)
		size += 12
		for _, c := range run {
			name := path.Base(c.Path)
			diff := uint16(int16(int64(c.number) - int64(run[0].number)))
			s.dirs.put(c.offset, diff, kindOf(c.Mode), uint16(len(name)-1), name)
			size += 8 + uint32(len(name))
		}
		rest = rest[len(run):]
	}
	return size, block, offset
}

// dirRun is how many children one directory header can speak for: they share
// its metadata block, and their numbers are near its first's.
func dirRun(children []*node) []*node {
	first := children[0]
	for i, c := range children {
		diff := int64(c.number) - int64(first.number)
		if i == maxDirEntries || c.block != first.block || diff < math.MinInt16 || diff > math.MaxInt16 {
			return children[:i]
		}
	}
	return children
}

// id returns the index of a user or group in the id table.
func (s *writer) id(id uint32) (uint16, error) {
	i := slices.Index(s.ids, id)
	if i < 0 {
		i = len(s.ids)
		s.ids = append(s.ids, id)
	}
	if i > math.MaxUint16 {
		return 0, fmt.Errorf("write squashfs: more than 65536 users and groups")
	}
	return uint16(i), nil
}

// finish writes the tables behind the data, then the superblock.
func (s *writer) finish(root *node, count int) (int64, error) {
	super := superblock{
		Magic: magic, Inodes: uint32(count), Time: s.Time, BlockSize: blockSize,
		Compression: compressZlib, BlockLog: blockLog, Flags: flagNoFrag | flagNoXattr,
		IDs: uint16(len(s.ids)), Major: 4,
		Root:       uint64(root.block)<<16 | uint64(root.offset),
		XattrTable: none64, FragmentTable: none64, ExportTable: none64,
	}
	ids := meta{packer: &s.packer}
	for _, id := range s.ids {
		ids.put(id)
	}
	for _, t := range []struct {
		table *meta
		at    *uint64
	}{{&s.inodes, &super.InodeTable}, {&s.dirs, &super.DirTable}, {&ids, &super.IDTable}} {
		*t.at = uint64(s.pos)
		t.table.flush()
		if t.table.err != nil {
			return 0, t.table.err
		}
		if err := s.append(t.table.out); err != nil {
			return 0, err
		}
	}
	// The superblock points to the list of the id table's blocks (8192/4 ids each).
	start := super.IDTable
	super.IDTable = uint64(s.pos)
	if len(s.ids) > metaSize/4 {
		return 0, fmt.Errorf("write squashfs: more than %d users and groups", metaSize/4)
	}
	if err := s.append(binary.LittleEndian.AppendUint64(nil, start)); err != nil {
		return 0, err
	}
	super.Used = uint64(s.pos)
	if pad := s.pos % padTo; pad != 0 {
		if err := s.append(make([]byte, padTo-pad)); err != nil {
			return 0, err
		}
	}
	var head bytes.Buffer
	if err := binary.Write(&head, binary.LittleEndian, &super); err != nil {
		return 0, err
	}
	_, err := s.w.WriteAt(head.Bytes(), 0)
	return s.pos, err
}

func (s *writer) append(p []byte) error {
	n, err := s.w.WriteAt(p, s.pos)
	s.pos += int64(n)
	return err
}

func kindOf(m fs.FileMode) uint16 {
	switch {
	case m.IsDir():
		return typeDir
	case m&fs.ModeSymlink != 0:
		return typeLink
	case m&fs.ModeCharDevice != 0:
		return typeChar
	case m&fs.ModeDevice != 0:
		return typeBlock
	}
	return typeFile
}

func mode(m fs.FileMode) uint16 {
	bits := uint16(m.Perm())
	if m&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}
