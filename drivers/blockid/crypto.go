package blockid

import "fmt"

// luksSecond are the places of a second LUKS2 header.
var luksSecond = []int64{0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000}

func luks(w *window) (Info, bool) {
	if first := w.at(0, 512); first.has(0, "LUKS\xba\xbe") {
		return luksHeader(first), true
	}
	for _, offset := range luksSecond {
		second := w.at(offset, 512)
		if second.has(0, "SKUL\xba\xbe") && second.be16(6) == 2 && second.be64(256) == uint64(offset) {
			return luksHeader(second), true
		}
	}
	return Info{}, false
}

// luksHeader reads a header; of a version to come it knows no more than the number.
func luksHeader(hdr block) Info {
	version := hdr.be16(6)
	info := Info{Type: "crypto_LUKS", Usage: "crypto", Version: fmt.Sprint(version)}
	if version == 1 || version == 2 {
		info.UUID = hdr.text(168, 40)
	}
	if version == 2 {
		info.Label = hdr.text(24, 48)
	}
	return info
}
