package blockid

// prober looks for one family of superblocks.
type prober func(*window) (Info, bool)

// probers in the order in which they are asked; the first finds what is not on discs.
var probers = []prober{
	mdraid, bcache, lvm2, luks, vfat, swap, xfs, ext, udf, iso9660, zfs, ntfs, squashfs, btrfs, exfat, f2fs, erofs,
}

// superblock asks the probers. What holds other things, a member of an array or
// something encrypted, ends the search: its content may look like anything. A
// device that two claim is nobody's, because to mount it as the wrong one would
// destroy the other; then clear is false.
func superblock(w *window, probers []prober) (info Info, clear bool) {
	for _, probe := range probers {
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
