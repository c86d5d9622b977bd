// Package monitor speaks the messages that libudev's monitors hear.
//
// After a device manager has dealt with an event it sends the event again, to
// group 2 of the kernel's uevent socket, with all that it has found out. The
// message has a header with hashes of subsystem, device type and tags, by
// which receivers let the kernel drop what they do not want; behind it stand
// the properties, as in the kernel's own. Append and Parse are the format,
// Sender and Conn the sockets.
package monitor

import (
	"encoding/binary"
	"errors"

	"slashdev/devmgr/uevent"
)

const (
	prefix     = "libudev\x00"
	magic      = 0xfeedcafe
	headerSize = 40
)

// ErrMalformed is what Parse returns for what is no message.
var ErrMalformed = errors.New("malformed libudev message")

// Append appends the message that announces a device with these properties.
// SUBSYSTEM and DEVTYPE among them, and the tags, are what receivers filter by.
func Append(dst []byte, properties uevent.Env, tags []string) []byte {
	dst = append(dst, prefix...)
	dst = binary.BigEndian.AppendUint32(dst, magic)
	dst = binary.NativeEndian.AppendUint32(dst, headerSize)
	dst = binary.NativeEndian.AppendUint32(dst, headerSize)
	dst = binary.NativeEndian.AppendUint32(dst, uint32(len(properties)))
	dst = binary.BigEndian.AppendUint32(dst, hash(properties.Get("SUBSYSTEM")))
	dst = binary.BigEndian.AppendUint32(dst, hash(properties.Get("DEVTYPE")))
	dst = binary.BigEndian.AppendUint64(dst, bloom(tags))
	return append(dst, properties...)
}

// Parse returns the properties of a message.
func Parse(b []byte) (uevent.Env, error) {
	if len(b) < headerSize || string(b[:len(prefix)]) != prefix || binary.BigEndian.Uint32(b[8:]) != magic {
		return "", ErrMalformed
	}
	offset, size := binary.NativeEndian.Uint32(b[16:]), binary.NativeEndian.Uint32(b[20:])
	if uint64(offset) < headerSize || size == 0 || uint64(offset)+uint64(size) > uint64(len(b)) {
		return "", ErrMalformed
	}
	env := uevent.Env(b[offset : offset+size])
	if env[len(env)-1] != 0 {
		return "", ErrMalformed
	}
	return env, nil
}

// bloom sets four bits for each tag: a receiver that wants a tag drops
// messages that lack one of its bits.
func bloom(tags []string) (bits uint64) {
	for _, t := range tags {
		h := hash(t)
		bits |= 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
	}
	return bits
}

// hash is MurmurHash2 with the seed 0, and 0 for no string.
func hash(s string) uint32 {
	const m = 0x5bd1e995
	if s == "" {
		return 0
	}
	h := uint32(len(s))
	b := []byte(s)
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	if len(b) > 0 {
		for i, c := range b {
			h ^= uint32(c) << (8 * i)
		}
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
