package blockid

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
)

const (
	// maxRead is the most that one probe reads of a device.
	maxRead = 1 << 20
	// maxErrors is how many places a probe finds unreadable before it gives up: each
	// may take a bad disk seconds.
	maxErrors = 4
	// headSize covers every superblock of the table that lies near the start; the
	// last of them is that of btrfs. It is read at once.
	headSize = 64<<10 + 4<<10
	// tailSize covers the marks of arrays and the copy of a GPT at the very end.
	tailSize = 16 << 10
)

// window shows parts of a device. It reads each part once, at most maxRead in
// all, and shows nothing of what lies outside the device.
type window struct {
	device  io.ReaderAt
	size    int64
	session int64 // of a disc: where the last one begins
	sector  int64 // bytes, 512 where it is not known
	read    int64
	parts   []part
	errors  int
	err     error // the first one, but io.EOF
}

type part struct {
	offset int64
	bytes  block
}

func newWindow(device io.ReaderAt, size int64) *window {
	return &window{device: device, size: max(size, 0), sector: 512}
}

// at returns n bytes from offset, or nothing where the device has less.
func (w *window) at(offset int64, n int) block {
	if offset < 0 || n <= 0 || offset > w.size-int64(n) {
		return nil
	}
	for _, p := range w.parts {
		if skip := offset - p.offset; skip >= 0 && skip+int64(n) <= int64(len(p.bytes)) {
			return p.bytes[skip : skip+int64(n)]
		}
	}
	if end := offset + int64(n); end <= headSize {
		return w.load(0, int(min(headSize, w.size))).slice(int(offset), n)
	}
	if start := w.size - tailSize; offset >= start && start >= headSize {
		return w.load(start, tailSize).slice(int(offset-start), n)
	}
	return w.load(offset, n)
}

func (w *window) load(offset int64, n int) block {
	if w.read+int64(n) > maxRead || w.errors >= maxErrors {
		return nil
	}
	w.read += int64(n)
	b := make(block, n)
	got, err := w.device.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		w.errors++
		w.err = cmp.Or(w.err, err)
	}
	b = b[:max(0, min(got, n))]
	w.parts = append(w.parts, part{offset, b})
	return b
}

// block is a piece of a device. Whatever lies beyond its end reads as zero.
type block []byte

// slice returns n bytes from i, or nothing.
func (b block) slice(i, n int) block {
	if i < 0 || n < 0 || i > len(b)-n {
		return nil
	}
	return b[i : i+n : i+n]
}

// has reports whether text stands at i.
func (b block) has(i int, text string) bool { return string(b.slice(i, len(text))) == text }

func (b block) byte(i int) byte {
	if s := b.slice(i, 1); s != nil {
		return s[0]
	}
	return 0
}

func (b block) le16(i int) uint16 { return uint16(b.number(i, 2, binary.LittleEndian)) }
func (b block) le32(i int) uint32 { return uint32(b.number(i, 4, binary.LittleEndian)) }
func (b block) le64(i int) uint64 { return b.number(i, 8, binary.LittleEndian) }
func (b block) be16(i int) uint16 { return uint16(b.number(i, 2, binary.BigEndian)) }
func (b block) be32(i int) uint32 { return uint32(b.number(i, 4, binary.BigEndian)) }
func (b block) be64(i int) uint64 { return b.number(i, 8, binary.BigEndian) }

func (b block) number(i, n int, order binary.ByteOrder) uint64 {
	s := b.slice(i, n)
	switch {
	case s == nil:
		return 0
	case n == 2:
		return uint64(order.Uint16(s))
	case n == 4:
		return uint64(order.Uint32(s))
	}
	return order.Uint64(s)
}

// text returns the n bytes at i up to the first NUL.
func (b block) text(i, n int) string {
	s := b.slice(i, n)
	for end, c := range s {
		if c == 0 {
			return string(s[:end])
		}
	}
	return string(s)
}

func (b block) zero() bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
