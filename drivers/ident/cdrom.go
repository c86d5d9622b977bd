package ident

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// CdromAnswers is what a CD drive answered. An answer that it refused is nil.
type CdromAnswers struct {
	Capability    uint32 // the ioctl CDROM_GET_CAPABILITY
	Configuration []byte // GET CONFIGURATION (MMC-6, 6.5)
	Disc          []byte // READ DISC INFORMATION, standard (6.21)
	Contents      []byte // READ TOC/PMA/ATIP, format 0 (6.25)
}

// cdromDrives names what a drive can do (CDC_*, linux/cdrom.h).
var cdromDrives = []struct {
	bit  uint32
	name string
}{
	{0x2000, "CD_R"}, {0x4000, "CD_RW"}, {0x8000, "DVD"}, {0x10000, "DVD_R"}, {0x20000, "DVD_RAM"}, {0x80000, "MRW"}, {0x100000, "MRW_W"},
}

// cdromMedia names profiles (MMC-6, 5.3.1).
var cdromMedia = map[uint16]string{
	0x08: "CD", 0x09: "CD_R", 0x0a: "CD_RW", 0x10: "DVD", 0x11: "DVD_R", 0x12: "DVD_RAM", 0x13: "DVD_RW", 0x14: "DVD_RW",
	0x15: "DVD_R_DL", 0x1a: "DVD_PLUS_RW", 0x1b: "DVD_PLUS_R", 0x2a: "DVD_PLUS_RW_DL", 0x2b: "DVD_PLUS_R_DL",
	0x40: "BD", 0x41: "BD_R", 0x42: "BD_R", 0x43: "BD_RE",
}

// Cdrom says what udev's cdrom_id says of a drive and the disc in it:
//
//	ID_CDROM=1  ID_CDROM_DVD=1  ID_CDROM_MRW=1  ID_CDROM_MRW_W=1
//	ID_CDROM_MEDIA=1  ID_CDROM_MEDIA_CD=1
//	ID_CDROM_MEDIA_SESSION_COUNT=1
//	ID_CDROM_MEDIA_TRACK_COUNT=1  ID_CDROM_MEDIA_TRACK_COUNT_DATA=1
//
// and of discs that can be written ID_CDROM_MEDIA_STATE (blank, appendable).
// The drive is not locked: who wants the tray can have it.
func Cdrom(a CdromAnswers) []Property {
	const profile = 6
	all := properties{{"ID_CDROM", "1"}}
	for _, d := range cdromDrives {
		if a.Capability&d.bit != 0 {
			all.add("ID_CDROM_"+d.name, "1")
		}
	}
	if len(a.Configuration) < profile+2 {
		return all
	}
	number := binary.BigEndian.Uint16(a.Configuration[profile:])
	if number == 0 {
		profiles(&all, a.Configuration)
		return all
	}
	all.add("ID_CDROM_MEDIA", "1")
	if name := cdromMedia[number]; name != "" {
		all.add("ID_CDROM_MEDIA_"+name, "1")
	}
	if disc(&all, a.Disc) {
		tracks(&all, a.Contents)
	}
	return all
}

// profiles says what an empty drive takes, which is in the first feature of its
// configuration (MMC-6, 5.3.1).
func profiles(all *properties, b []byte) {
	const head, size = 8 + 4, 4
	if len(b) < head || b[8] != 0 || b[9] != 0 {
		return
	}
	for b := b[head:min(len(b), head+int(b[11]))]; len(b) >= size; b = b[size:] {
		name := cdromMedia[binary.BigEndian.Uint16(b)]
		if p := (Property{"ID_CDROM_" + name, "1"}); name != "" && !slices.Contains(*all, p) {
			*all = append(*all, p)
		}
	}
}

// disc tells the state of a disc, and says whether there is anything on it.
func disc(all *properties, b []byte) bool {
	const state, sessions, sessionsHigh = 2, 4, 9
	if len(b) <= sessionsHigh {
		return true
	}
	words := []string{"blank", "appendable", "", ""}
	all.addSome("ID_CDROM_MEDIA_STATE", words[b[state]&3])
	if b[state]&3 == 0 {
		return false
	}
	all.add("ID_CDROM_MEDIA_SESSION_COUNT", strconv.Itoa(int(b[sessionsHigh])<<8|int(b[sessions])))
	return true
}

// tracks counts those with data and those with sound.
func tracks(all *properties, b []byte) {
	const head, size, control, number, leadOut, isData = 4, 8, 1, 2, 0xaa, 4
	data, audio := 0, 0
	for i := head; i+size <= len(b); i += size {
		switch {
		case b[i+number] == leadOut:
		case b[i+control]&isData != 0:
			data++
		default:
			audio++
		}
	}
	for _, t := range []struct {
		name  string
		count int
	}{{"", data + audio}, {"_AUDIO", audio}, {"_DATA", data}} {
		if t.count > 0 {
			all.add("ID_CDROM_MEDIA_TRACK_COUNT"+t.name, strconv.Itoa(t.count))
		}
	}
}
