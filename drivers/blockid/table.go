package blockid

// prober looks for one family of superblocks.
type prober func(*window) (Info, bool)

var (
	// arrays are made of whole disks. What else is on such a disk is part of the array.
	arrays = []prober{mdraid, ddf, isw}
	// contents in the order in which they are looked for.
	contents = []prober{
		bcache, lvm2, snapshotCOW, verity, integrity, luks, ubi, bitLocker, vfat, swap, xfs, ext, udf, iso9660,
		zfs, hfsplus, hfs, ntfs, cramfs, romfs, squashfs, btrfs, ubifs, exfat, f2fs, apfs, erofs,
	}
)

// superblock asks the probers. What holds other things, a member of an array or
// something encrypted, ends the search: its content may look like anything. A
// device that two claim is nobody's, because to mount it as the wrong one would
// destroy the other; then clear is false.
func superblock(w *window) (info Info, clear bool) {
	for _, probe := range contents {
		switch next, ok := probe(w); {
		case !ok, info.Type == "udf" && next.Type == "iso9660": // a bridge disc is both
			continue
		case info.Type != "":
			return Info{}, false
		default:
			info = next
		}
		if info.Usage == "raid" || info.Usage == "crypto" {
			break
		}
	}
	return info, true
}
