package blockid

import "strings"

// ddf finds a disk of a controller that writes SNIA's format, in its last sector or 128 KiB
// before it.
func ddf(w *window) (Info, bool) {
	for _, back := range []int64{1, 257} {
		anchor := w.at((w.size/512-back)*512, 512)
		if anchor.be32(0) == 0xde11de11 || anchor.le32(0) == 0xde11de11 {
			return Info{Type: "ddf_raid_member", Usage: "raid", UUID: strings.TrimRight(anchor.text(8, 24), " "), Version: anchor.text(32, 8)}, true
		}
	}
	return Info{}, false
}

// isw finds a disk of Intel's firmware, by the last sector but one.
func isw(w *window) (Info, bool) {
	mark := w.at((w.size/512-2)*512, 512)
	return Info{Type: "isw_raid_member", Usage: "raid", Version: mark.text(24, 6)}, mark.has(0, "Intel Raid ISM Cfg Sig. ")
}
