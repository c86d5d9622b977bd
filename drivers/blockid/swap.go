package blockid

// Marks at the end of the first page: of a swap area, and of one that holds a
// suspended system.
var swapMarks = []struct{ mark, kind, version string }{
	{"SWAP-SPACE", "swap", "0"},
	{"SWAPSPACE2", "swap", "1"},
	{"S1SUSPEND", "swsuspend", "s1suspend"},
	{"S2SUSPEND", "swsuspend", "s2suspend"},
	{"ULSUSPEND", "swsuspend", "ulsuspend"},
	{"LINHIB0001", "swsuspend", "linhib0001"},
}

func swap(w *window) (Info, bool) {
	for page := int64(4096); page <= 65536; page *= 2 {
		end := w.at(page-10, 10)
		for _, m := range swapMarks {
			if end.has(0, m.mark) {
				return swapArea(w, m.kind, m.version)
			}
		}
	}
	return Info{}, false
}

func swapArea(w *window, kind, version string) (Info, bool) {
	info := Info{Type: kind, Usage: "other", Version: version}
	if version == "0" {
		return info, true
	}
	sb := w.at(1024, 44)
	if kind == "swap" && (sb.le32(0) != 1 || sb.le32(4) == 0) {
		return Info{}, false
	}
	info.UUID, info.Label = sb.uuid(12), sb.text(28, 16)
	return info, true
}
