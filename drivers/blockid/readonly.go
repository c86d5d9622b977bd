package blockid

import (
	"encoding/binary"
	"fmt"
)

func squashfs(w *window) (Info, bool) {
	sb := w.at(0, 96)
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case sb.has(0, "sqsh"):
		order = binary.BigEndian
	case !sb.has(0, "hsqs"):
		return Info{}, false
	}
	major, minor := sb.number(28, 2, order), sb.number(30, 2, order)
	info := Info{Type: "squashfs", Usage: "filesystem", Version: fmt.Sprintf("%d.%d", major, minor)}
	switch { // since version 4 there is one byte order
	case major >= 4 && order == binary.BigEndian:
		return Info{}, false
	case major < 4:
		info.Type, info.BlockSize = "squashfs3", 1024
	}
	return info, true
}

func erofs(w *window) (Info, bool) {
	sb := w.at(1024, 128)
	if sb.le32(0) != 0xe0f5e1e2 {
		return Info{}, false
	}
	info := Info{Type: "erofs", Usage: "filesystem", UUID: sb.uuid(48), Label: sb.text(64, 16)}
	if shift := sb.byte(12); shift < 32 {
		info.BlockSize = 1 << shift
	}
	return info, true
}

func cramfs(w *window) (Info, bool) {
	sb := w.at(0, 76)
	if sb.le32(0) != 0x28cd3d45 && sb.be32(0) != 0x28cd3d45 {
		return Info{}, false
	}
	return Info{Type: "cramfs", Usage: "filesystem", Label: sb.text(48, 16)}, true
}

func romfs(w *window) (Info, bool) {
	sb := w.at(0, 512)
	return Info{Type: "romfs", Usage: "filesystem", BlockSize: 1024, Label: sb.text(16, 16)}, sb.has(0, "-rom1fs-")
}
