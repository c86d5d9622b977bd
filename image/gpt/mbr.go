package gpt

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	codeSize    = 440
	mbrProtect  = 0xee
	mbrFAT32LBA = 0x0c
	mbrEntries  = 4
	mbrActive   = 0x80
)

// mbr returns the master boot record: protective, or hybrid when partitions ask
// for it. A hybrid record names them first and protects only what lies before
// the first one, as gokrazy's does; Linux still reads the GPT then.
func (t *Table) mbr(code []byte) ([]byte, error) {
	if len(code) > codeSize {
		return nil, fmt.Errorf("write MBR: %d bytes of code, room for %d", len(code), codeSize)
	}
	b := make([]byte, SectorSize)
	copy(b, code)
	id, err := ParseGUID(t.UUID)
	if err != nil {
		return nil, err
	}
	copy(b[codeSize:], id[10:14]) // disk signature: the host's hash
	n := 0
	protect := t.Sectors - 1
	for _, p := range t.Partitions {
		if !p.Hybrid {
			continue
		}
		if n == mbrEntries-1 || p.End() > math.MaxUint32 {
			return nil, fmt.Errorf("write MBR: no room for partition %d (%s)", p.Number, p.Name)
		}
		mbrEntry(b[446+16*n:], mbrFAT32LBA, p.Start, p.Size)
		if n == 0 {
			b[446] = mbrActive
		}
		protect = min(protect, p.Start-1)
		n++
	}
	mbrEntry(b[446+16*n:], mbrProtect, 1, min(protect, math.MaxUint32))
	b[510], b[511] = 0x55, 0xaa
	return b, nil
}

func mbrEntry(e []byte, kind byte, start, size int64) {
	copy(e[1:], []byte{0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff}) // no CHS address
	if kind == mbrProtect {
		copy(e[1:], []byte{0x00, 0x02, 0x00})
	}
	binary.LittleEndian.PutUint32(e[8:], uint32(start))
	binary.LittleEndian.PutUint32(e[12:], uint32(size))
}
