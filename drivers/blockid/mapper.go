package blockid

import "fmt"

// verity finds the header before the hashes of dm-verity.
func verity(w *window) (Info, bool) {
	sb := w.at(0, 512)
	return Info{Type: "DM_verity_hash", Usage: "crypto", Version: "1", UUID: sb.uuid(16)}, sb.has(0, "verity\x00\x00\x01\x00\x00\x00")
}

// integrity finds the superblock of dm-integrity.
func integrity(w *window) (Info, bool) {
	sb := w.at(0, 512)
	return Info{Type: "DM_integrity", Usage: "crypto", Version: fmt.Sprint(sb.byte(8))}, sb.has(0, "integrt\x00") && sb.byte(8) != 0
}

// snapshotCOW finds the changed blocks of a snapshot.
func snapshotCOW(w *window) (Info, bool) {
	return Info{Type: "DM_snapshot_cow", Usage: "other"}, w.at(0, 512).has(0, "SnAp")
}
