package blockid

// apfs finds the superblock of a container, of which there may be several volumes.
func apfs(w *window) (Info, bool) {
	const superblock, blockSize = 1, 4096
	sb := w.at(0, 512)
	if !sb.has(32, "NXSB") || sb.le16(24) != superblock || sb.le32(28) != 0 || sb.le32(36) != blockSize {
		return Info{}, false
	}
	return Info{Type: "apfs", Usage: "filesystem", UUID: sb.uuid(72), BlockSize: blockSize}, true
}
