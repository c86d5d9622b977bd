package blockid

// prober looks for one family of superblocks.
type prober func(*window) (Info, bool)

// probers in the order in which they are asked.
var probers = []prober{
	mdraid, bcache, lvm2, luks, vfat, swap, xfs, ext, udf, iso9660, zfs, ntfs, squashfs, btrfs, exfat, f2fs, erofs,
}

// superblock asks every prober. A device that two of them claim is nobody's: to
// mount it as the wrong one would destroy the other.
func superblock(w *window) Info {
	var found []Info
	for _, probe := range probers {
		if info, ok := probe(w); ok {
			found = append(found, info)
		}
	}
	switch {
	case len(found) == 1, len(found) == 2 && found[0].Type == "udf" && found[1].Type == "iso9660":
		return found[0]
	}
	return Info{}
}
