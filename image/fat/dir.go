package fat

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// writeDir writes a directory's slots. The root has the label instead of "."
// and ".."; of FAT16 it lies before the clusters.
func (s *writer) writeDir(f, root *file) error {
	var slots []byte
	if f == root {
		slots = append(slots, s.slot([11]byte([]byte(pad(s.Label, 11))), attrVolume, 0, 0)...)
	} else {
		up := s.parent(f, root)
		slots = append(slots, s.slot([11]byte([]byte(pad(".", 11))), attrDir, f.cluster, 0)...)
		slots = append(slots, s.slot([11]byte([]byte(pad("..", 11))), attrDir, up, 0)...)
	}
	taken := map[[11]byte]bool{}
	for _, c := range f.children {
		short, exact, err := shortName(c.name, taken)
		if err != nil {
			return err
		}
		if !exact {
			slots = append(slots, longSlots(c.name, checksum(short))...)
		}
		attr, size := byte(attrArchive), c.Size
		if c.Mode.IsDir() {
			attr, size = attrDir, 0
		}
		slots = append(slots, s.slot(short, attr, c.cluster, size)...)
	}
	at := (s.reserved + 2*s.fatSize) * sector
	if f.cluster != 0 {
		at = s.offset(f.cluster)
	} else if len(slots) > rootSlots*slotSize {
		return fmt.Errorf("more than %d names in the root of a FAT16", rootSlots)
	}
	_, err := s.w.WriteAt(slots, at)
	return err
}

// parent is the cluster for "..": 0 means the root, even where it has one.
func (s *writer) parent(f, root *file) int64 {
	var find func(d *file) int64
	find = func(d *file) int64 {
		for _, c := range d.children {
			if c == f {
				return d.cluster
			}
			if at := find(c); at >= 0 {
				return at
			}
		}
		return -1
	}
	up := find(root)
	if up == root.cluster {
		return 0
	}
	return up
}

func (s *writer) slot(name [11]byte, attr byte, cluster, size int64) []byte {
	b := make([]byte, slotSize)
	le := binary.LittleEndian
	copy(b, name[:])
	b[11] = attr
	date, clock := dosTime(s.Time)
	le.PutUint16(b[14:], clock)
	le.PutUint16(b[16:], date)
	le.PutUint16(b[18:], date)
	le.PutUint16(b[20:], uint16(cluster>>16))
	le.PutUint16(b[22:], clock)
	le.PutUint16(b[24:], date)
	le.PutUint16(b[26:], uint16(cluster))
	le.PutUint32(b[28:], uint32(size))
	return b
}

// dosTime counts from 1980 in steps of two seconds.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	if t.Year() < 1980 {
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	date = uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day())
	clock = uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2)
	return date, clock
}

// longSlots returns the slots that hold a long name, last piece first.
func longSlots(name string, sum byte) []byte {
	const perSlot = 13
	units := append(utf16.Encode([]rune(name)), 0)
	for len(units)%perSlot != 0 {
		units = append(units, 0xffff)
	}
	if n := len(units); n > perSlot && units[n-perSlot] == 0 {
		units = units[:n-perSlot] // a name that fills its slots has no end mark
	}
	var out []byte
	for n := len(units) / perSlot; n > 0; n-- {
		b := make([]byte, slotSize)
		b[0] = byte(n)
		if n == len(units)/perSlot {
			b[0] |= 0x40
		}
		b[11], b[13] = attrLong, sum
		for i, u := range units[(n-1)*perSlot : n*perSlot] {
			binary.LittleEndian.PutUint16(b[longPlace(i):], u)
		}
		out = append(out, b...)
	}
	return out
}

// longPlace is where unit i of a long slot lies.
func longPlace(i int) int {
	switch {
	case i < 5:
		return 1 + 2*i
	case i < 11:
		return 14 + 2*(i-5)
	}
	return 28 + 2*(i-11)
}

func checksum(short [11]byte) (sum byte) {
	for _, c := range short {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}

// shortName returns the 8.3 name of name, unlike those taken. exact says that
// it is the name itself, so that no long name is needed. Firmware that knows
// 8.3 names only finds cmdline.txt as CMDLINE.TXT.
func shortName(name string, taken map[[11]byte]bool) (short [11]byte, exact bool, err error) {
	if name == "" || strings.ContainsAny(name, "\"*/:<>?\\|") || len(utf16.Encode([]rune(name))) > 255 {
		return short, false, fmt.Errorf("%q cannot be a name on FAT", name)
	}
	base, ext := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		base, ext = name[:dot], name[dot+1:]
	}
	b, e := shortPart(base), shortPart(ext)
	fits := len(b) <= 8 && len(e) <= 3 && b == strings.ToUpper(base) && e == strings.ToUpper(ext)
	short = join(b, e)
	if fits && !taken[short] {
		taken[short] = true
		return short, b == base && e == ext, nil
	}
	for i := 1; i < 1e6; i++ {
		tail := fmt.Sprintf("~%d", i)
		short = join(b[:min(len(b), 8-len(tail))]+tail, e)
		if !taken[short] {
			taken[short] = true
			return short, false, nil
		}
	}
	return short, false, fmt.Errorf("too many names like %q", name)
}

func join(base, ext string) [11]byte {
	return [11]byte([]byte(pad(base, 8) + pad(ext, 3)))
}

// shortPart keeps of s what an 8.3 name may hold.
func shortPart(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("$%'-_@~`!(){}^#&", r):
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r == '.' || r == ' ':
			return -1
		}
		return '_'
	}, s)
}
