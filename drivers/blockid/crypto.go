package blockid

import "fmt"

// luksSecond are the places of a second LUKS2 header.
var luksSecond = []int64{0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000}

func luks(w *window) (Info, bool) {
	first := w.at(0, 512)
	if first.has(0, "LUKS\xba\xbe") {
		return luksHeader(first, 0)
	}
	for _, offset := range luksSecond {
		if second := w.at(offset, 512); second.has(0, "SKUL\xba\xbe") {
			return luksHeader(second, offset)
		}
	}
	return Info{}, false
}

func luksHeader(hdr block, offset int64) (Info, bool) {
	version := hdr.be16(6)
	info := Info{Type: "crypto_LUKS", Usage: "crypto", Version: fmt.Sprint(version), UUID: hdr.text(168, 40)}
	switch {
	case version == 1 && offset == 0:
		return info, true
	case version == 2 && hdr.be64(256) == uint64(offset):
		info.Label = hdr.text(24, 48)
		return info, true
	}
	return Info{}, false
}
