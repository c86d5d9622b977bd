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

// bitLocker knows the boot sectors of Windows Vista, of later versions, and of removable
// media, which look like a FAT. The version is in the metadata, to which the latter point.
func bitLocker(w *window) (Info, bool) {
	boot := w.at(0, 512)
	info := Info{Type: "BitLocker", Usage: "crypto"}
	at := uint64(0)
	switch {
	case boot.has(0, "\xebR\x90-FVE-FS-"):
		return info, true
	case boot.has(0, "\xebX\x90-FVE-FS-"):
		at = boot.le64(176)
		if serial := boot.le32(67); serial != 0 {
			info.UUID = fmt.Sprintf("%016d", serial)
		}
	case boot.has(0, "\xebX\x90MSWIN4.1"):
		at = boot.le64(440)
	}
	metadata := w.at(int64(at), 64)
	if at == 0 || !metadata.has(0, "-FVE-FS-") {
		return Info{}, false
	}
	info.Version = fmt.Sprint(metadata.le16(10))
	return info, true
}
