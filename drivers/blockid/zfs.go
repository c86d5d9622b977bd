package blockid

import "fmt"

const (
	zfsLabel     = 256 << 10 // two of them at the start, two at the end
	zfsRing      = 128 << 10 // of uberblocks, the second half of a label
	zfsUberblock = 0x00bab10c
	zfsNeeded    = 4 // uberblocks that make a pool's disk
	zfsSmallest  = 64 << 20
)

func zfs(w *window) (Info, bool) {
	if w.size < zfsSmallest {
		return Info{}, false
	}
	end := w.size &^ (zfsLabel - 1)
	count := 0
	for _, label := range []int64{0, zfsLabel, end - 2*zfsLabel, end - zfsLabel} {
		if head := w.at(label+16<<10, 12); head.byte(0) > 1 || head.be32(8) != 1 {
			continue
		}
		n, version := zfsUberblocks(w.at(label+zfsRing, zfsRing))
		if count += n; count >= zfsNeeded {
			info := Info{Type: "zfs_member", Usage: "filesystem", Version: fmt.Sprint(version)}
			info.zfsConfig(w.at(label+16<<10, 16<<10))
			return info, true
		}
	}
	return Info{}, false
}

// zfsUberblocks counts the uberblocks of a ring and returns the version of the last.
func zfsUberblocks(ring block) (count int, version uint64) {
	for ; len(ring) >= 1024; ring = ring[1024:] {
		switch {
		case ring.le64(0) == zfsUberblock:
			count, version = count+1, ring.le64(8)
		case ring.be64(0) == zfsUberblock:
			count, version = count+1, ring.be64(8)
		}
	}
	return count, version
}

// Types of the values of a name-value list.
const (
	nvUint64 = 8
	nvString = 9
)

// zfsConfig walks the pairs of a label's configuration, a list in XDR: sizes, name, type,
// number of elements, value.
func (i *Info) zfsConfig(list block) {
	for at := 12; ; {
		size, length := int(list.be32(at)), int(list.be32(at+8))
		start := 12 + (length+3)&^3 + 8 // of the value
		if size < 12 || size > len(list)-at || start > size {
			return
		}
		pair := list.slice(at, size)
		kind, value := pair.be32(start-8), pair[start:]
		at += size
		switch name := pair.text(12, length); {
		case name == "name" && kind == nvString:
			i.Label = value.text(4, int(min(value.be32(0), 256)))
		case name == "pool_guid" && kind == nvUint64:
			i.UUID = fmt.Sprint(value.be64(0))
		case name == "guid" && kind == nvUint64:
			i.UUIDSub = fmt.Sprint(value.be64(0))
		}
	}
}
