package daemon_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"slashdev/devmgr/daemon"
)

// TestBlkidWords wants discs to be looked at as the rules say: the end of a disk tells of
// arrays, a disc has none, and its last session counts.
func TestBlkidWords(t *testing.T) {
	const session = 1 << 20
	disk := make([]byte, 4<<20)
	for label, at := range map[string]int{"FIRST": 0, "SECOND": session} {
		copy(disk[at+0x8000:], "\x01CD001")
		copy(disk[at+0x8028:], label)
		copy(disk[at+0x8800:], "\xffCD001")
	}
	member := disk[len(disk)-8192:] // an array's, version 1.0
	binary.LittleEndian.PutUint32(member, 0xa92b4efc)
	binary.LittleEndian.PutUint32(member[4:], 1)
	binary.LittleEndian.PutUint64(member[144:], uint64(len(disk)-8192)/512)
	for _, c := range []struct{ word, kind, label string }{
		{"", "linux_raid_member", ""},
		{"--noraid", "iso9660", "FIRST"},
		{"--hint=session_offset=1048576", "iso9660", "SECOND"},
		{"--hint=session_offset=x", "iso9660", "FIRST"},
	} {
		info, err := daemon.Content(bytes.NewReader(disk), int64(len(disk)), c.word)
		if err != nil || info.Type != c.kind || info.Label != c.label {
			t.Errorf("blkid %s: %s %q, %v; want %s %q", c.word, info.Type, info.Label, err, c.kind, c.label)
		}
	}
}
