package fat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

var errDamaged = errors.New("read FAT: damaged file system")

// Limits for file systems that others wrote.
const (
	maxFiles = 1 << 16
	maxDepth = 32
	maxSlots = 64 << 20 // bytes of all directories: they may form a ring
)

// File is a file or directory found.
type File struct {
	Path    string // absolute
	Dir     bool
	Size    int64
	cluster int64
}

// FS is a file system opened for reading.
type FS struct {
	geometry
	r     io.ReaderAt
	root  int64 // cluster, FAT32 only
	files []File
	slots int64 // bytes of directories read so far
}

// Open reads the names of the whole file system.
func Open(r io.ReaderAt) (*FS, error) {
	b := make([]byte, sector)
	if _, err := r.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("read FAT: %w", err)
	}
	f := &FS{r: r}
	if err := f.parse(b); err != nil {
		return nil, err
	}
	return f, f.walk("", f.root, 0)
}

func (f *FS) parse(b []byte) error {
	le := binary.LittleEndian
	sectors := int64(le.Uint16(b[19:]))
	if sectors == 0 {
		sectors = int64(le.Uint32(b[32:]))
	}
	f.fatSize = int64(le.Uint16(b[22:]))
	if f.fatSize == 0 {
		f.fatSize, f.root = int64(le.Uint32(b[36:])), int64(le.Uint32(b[44:]))
	}
	f.perClus = int64(b[13])
	f.reserved = int64(le.Uint16(b[14:]))
	f.rootSize = int64(le.Uint16(b[17:])) * slotSize / sector
	f.dataStart = f.reserved + int64(b[16])*f.fatSize + f.rootSize
	if le.Uint16(b[510:]) != 0xaa55 || le.Uint16(b[11:]) != sector || f.perClus == 0 || sectors < f.dataStart {
		return errors.New("read FAT: no file system with 512-byte sectors")
	}
	f.clusters = (sectors - f.dataStart) / f.perClus
	f.fat32 = f.clusters >= fat32Min
	if f.clusters < fat16Min || f.clusters >= fat32Max || f.fat32 != (f.root != 0) {
		return errors.New("read FAT: neither FAT16 nor FAT32")
	}
	return nil
}

// next is the cluster behind c in its chain, 0 at the end.
func (f *FS) next(c int64) (int64, error) {
	if c < 2 || c >= f.clusters+2 {
		return 0, errDamaged
	}
	var b [4]byte
	width, end, mask := int64(2), int64(0xfff8), int64(0xffff)
	if f.fat32 {
		width, end, mask = 4, 0x0ffffff8, 0x0fffffff
	}
	if _, err := f.r.ReadAt(b[:width], f.reserved*sector+c*width); err != nil {
		return 0, errDamaged
	}
	n := int64(binary.LittleEndian.Uint32(b[:])) & mask
	if n >= end {
		return 0, nil
	}
	return n, nil
}

// content reads limit bytes of the chain that starts at c; limit < 0: all of it.
func (f *FS) content(c, limit int64) ([]byte, error) {
	var out []byte
	for steps := int64(0); c != 0 && (limit < 0 || int64(len(out)) < limit); steps++ {
		if steps > f.clusters || limit < 0 && len(out) > maxFiles*slotSize {
			return nil, errDamaged // a ring
		}
		n, err := f.next(c)
		if err != nil {
			return nil, err
		}
		b := make([]byte, f.bytes(1))
		if _, err := f.r.ReadAt(b, f.offset(c)); err != nil {
			return nil, errDamaged
		}
		out = append(out, b...)
		c = n
	}
	if limit >= 0 {
		if int64(len(out)) < limit {
			return nil, errDamaged
		}
		out = out[:limit]
	}
	return out, nil
}

func (f *FS) walk(dir string, cluster int64, depth int) error {
	slots, err := f.directory(cluster)
	f.slots += int64(len(slots))
	if err != nil || depth > maxDepth || f.slots > maxSlots {
		return errors.Join(err, errDamaged)
	}
	var long []uint16
	for ; len(slots) >= slotSize && slots[0] != 0; slots = slots[slotSize:] {
		s := slots[:slotSize]
		switch {
		case s[0] == 0xe5:
			long = nil
			continue
		case s[11] == attrLong:
			long = append(longUnits(s), long...)
			continue
		case s[11]&attrVolume != 0 || s[0] == '.':
			long = nil
			continue
		}
		file := File{Path: dir + "/" + slotName(s, long), Dir: s[11]&attrDir != 0, Size: int64(binary.LittleEndian.Uint32(s[28:]))}
		file.cluster = int64(binary.LittleEndian.Uint16(s[20:]))<<16 | int64(binary.LittleEndian.Uint16(s[26:]))
		long = nil
		if f.files = append(f.files, file); len(f.files) > maxFiles {
			return errDamaged
		}
		if !file.Dir {
			continue
		}
		if err := f.walk(file.Path, file.cluster, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// directory reads the slots of one; cluster 0 is FAT16's root.
func (f *FS) directory(cluster int64) ([]byte, error) {
	if cluster != 0 {
		return f.content(cluster, -1)
	}
	b := make([]byte, f.rootSize*sector)
	if _, err := f.r.ReadAt(b, (f.dataStart-f.rootSize)*sector); err != nil {
		return nil, errDamaged
	}
	return b, nil
}

func longUnits(s []byte) []uint16 {
	var units []uint16
	for i := range 13 {
		u := binary.LittleEndian.Uint16(s[longPlace(i):])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return units
}

// slotName is the long name, else the short one.
func slotName(s []byte, long []uint16) string {
	if len(long) > 0 {
		return strings.ReplaceAll(string(utf16.Decode(long)), "/", "_")
	}
	name := strings.TrimRight(string(s[:8]), " ")
	if ext := strings.TrimRight(string(s[8:11]), " "); ext != "" {
		name += "." + ext
	}
	return strings.ReplaceAll(name, "/", "_")
}

// Files lists files and directories.
func (f *FS) Files() []File { return f.files }

// Find returns a file by its path; case does not count.
func (f *FS) Find(path string) (File, bool) {
	for _, file := range f.files {
		if strings.EqualFold(file.Path, path) {
			return file, true
		}
	}
	return File{}, false
}

// ReadFile returns the content of a file.
func (f *FS) ReadFile(path string) ([]byte, error) {
	file, ok := f.Find(path)
	if !ok || file.Dir {
		return nil, fmt.Errorf("read FAT: no file %s", path)
	}
	return f.content(file.cluster, file.Size)
}

// Extent says where a file's bytes lie, for patching them in place. A file in
// several pieces is an error.
func (f *FS) Extent(path string) (offset, size int64, err error) {
	file, ok := f.Find(path)
	if !ok || file.Dir || file.Size == 0 {
		return 0, 0, fmt.Errorf("read FAT: no file %s", path)
	}
	for c, left := file.cluster, file.Size; left > f.bytes(1); left -= f.bytes(1) {
		n, err := f.next(c)
		if err != nil {
			return 0, 0, err
		}
		if n != c+1 {
			return 0, 0, fmt.Errorf("patch %s: the file is in several pieces", path)
		}
		c = n
	}
	return f.offset(file.cluster), file.Size, nil
}
