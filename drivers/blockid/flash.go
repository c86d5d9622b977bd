package blockid

import "fmt"

// ubi finds the header of an erase block of UBI.
func ubi(w *window) (Info, bool) {
	header := w.at(0, 64)
	return Info{
		Type: "ubi", Usage: "raid",
		Version: fmt.Sprint(header.byte(4)),
		UUID:    fmt.Sprint(header.be32(24)), // image_seq
	}, header.has(0, "UBI#")
}

func ubifs(w *window) (Info, bool) {
	sb := w.at(0, 512)
	return Info{
		Type: "ubifs", Usage: "filesystem",
		Version: fmt.Sprintf("w%dr%d", sb.le32(0x50), sb.le32(0x7c)), // fmt_version, ro_compat_version
		UUID:    sb.uuid(0x6c),
	}, sb.le32(0) == 0x06101831
}
