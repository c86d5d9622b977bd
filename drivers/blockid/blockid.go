// Package blockid tells what is on a block device: which file system, container
// or partition table, with which label and which UUID.
//
// The answers are those of blkid(8) and of udev's blkid builtin, and the keys of
// their properties are theirs (udev(7)). A device is untrusted: a probe reads at
// most 1 MiB of it, follows no pointer out of it, and encodes what it quotes.
package blockid

import (
	"fmt"
	"io"
	"strings"
)

// Property is one answer, as udev's database holds it.
type Property struct{ Key, Value string }

// Info says what is on a device. What is not known is empty.
type Info struct {
	Type      string // as mount(8) calls it: ext4, vfat, crypto_LUKS
	Usage     string // filesystem, raid, crypto or other
	Version   string
	UUID      string
	UUIDSub   string // of this member, where UUID is of the whole
	Label     string // as written there, but for space behind it: hostile
	BlockSize uint32
	Table     string // partition table: gpt or dos
	TableUUID string

	names []Property // what discs say about themselves, without ID_FS_
}

// Probe looks at a device of the given size. It is no error if nothing known is there.
func Probe(device io.ReaderAt, size int64) (Info, error) {
	w := newWindow(device, size)
	info, ok := member(w)
	if !ok {
		info = content(w)
	}
	if w.err != nil {
		return Info{}, fmt.Errorf("probe block device: %w", w.err)
	}
	return info, nil
}

// ProbeDisc looks at an optical disc, whose last session begins at a place that the drive
// knows. A disc is no member of an array, and it is no error if parts of it are unreadable,
// as the last blocks of many are, when something is found in the others.
func ProbeDisc(device io.ReaderAt, size, session int64) (Info, error) {
	w := newWindow(device, size)
	w.session = max(session, 0)
	info := content(w)
	if w.err != nil && info.Type == "" && info.Table == "" {
		return Info{}, fmt.Errorf("probe disc: %w", w.err)
	}
	return info, nil
}

// member looks for the mark of an array.
func member(w *window) (Info, bool) {
	for _, probe := range arrays {
		if info, ok := probe(w); ok {
			info.Label = trimmed(info.Label)
			return info, true
		}
	}
	return Info{}, false
}

func content(w *window) Info {
	info, clear := superblock(w)
	info.Label = trimmed(info.Label)
	if clear {
		info = info.beside(partitionTable(w))
	}
	return info
}

func trimmed(label string) string { return strings.TrimRightFunc(label, isSpace) }

// beside adds a partition table. A physical volume that was partitioned later may still
// have its label; one that was not may have an empty table of DOS.
func (i Info) beside(t *table) Info {
	volume := i.Type == "LVM2_member" && t != nil && t.kind == "dos"
	switch {
	case t == nil, i.Usage == "raid" && i.Type != "LVM2_member", volume && len(t.entries) == 0:
		return i
	case volume:
		i = Info{}
	}
	i.Table, i.TableUUID = t.kind, t.uuid
	return i
}

// Properties lists what udev's blkid builtin exports.
func (i Info) Properties() []Property {
	var all []Property
	add := func(key, value string) {
		if value != "" {
			all = append(all, Property{key, value})
		}
	}
	add("ID_FS_LABEL", replace(i.Label))
	add("ID_FS_LABEL_ENC", Encode(i.Label))
	add("ID_FS_UUID", replace(i.UUID))
	add("ID_FS_UUID_ENC", Encode(i.UUID))
	add("ID_FS_UUID_SUB", replace(i.UUIDSub))
	add("ID_FS_UUID_SUB_ENC", Encode(i.UUIDSub))
	add("ID_FS_VERSION", printable(i.Version))
	for _, p := range i.names {
		add("ID_FS_"+p.Key, Encode(strings.TrimFunc(p.Value, isSpace)))
	}
	add("ID_FS_TYPE", i.Type)
	add("ID_FS_USAGE", i.Usage)
	add("ID_PART_TABLE_UUID", i.TableUUID)
	add("ID_PART_TABLE_TYPE", i.Table)
	return all
}
