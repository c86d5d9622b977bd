package ask

import (
	"encoding/binary"
	"errors"
	"fmt"

	"slashdev/drivers/ident"
)

// Inquiry asks for a page of vital product data (SPC-4, 6.4), nil if there is none.
func Inquiry(d Device, page byte) []byte {
	const inquiry, vital, most = 0x12, 1, 252
	buf := make([]byte, most)
	n, err := d.SCSI([]byte{inquiry, vital, page, 0, most, 0}, buf)
	if err != nil || n < 4 || buf[1] != page {
		return nil
	}
	return buf[:n]
}

const identifySize = 512

const getConfiguration = 0x46

var errNotATA = errors.New("no ATA device")

// Identify asks a disk, or with packet a CD drive, at an ATA port or behind a
// bridge to one (SAT-3, 12.2.3).
func Identify(d Device, packet bool) (answer [identifySize]byte, err error) {
	const passThrough, pioIn, fromDevice, oneBlock = 0x85, 4 << 1, 0x0e, 1
	command := make([]byte, 16)
	command[0], command[1], command[2], command[6], command[14] = passThrough, pioIn, fromDevice, oneBlock, 0xec
	if packet {
		command[14] = 0xa1
	}
	n, err := d.SCSI(command, answer[:])
	switch {
	case err != nil:
		return answer, fmt.Errorf("identify: %w", err)
	case n < identifySize || !isIdentity(answer):
		return answer, fmt.Errorf("identify: %w", errNotATA)
	}
	return answer, nil
}

// isIdentity looks at the checksum if there is one (ACS-3, 7.12.7), and does not
// take a bridge for a disk that filled the answer with one byte.
func isIdentity(b [identifySize]byte) bool {
	const signature, signed = identifySize - 2, 0xa5
	sum, same := byte(0), true
	for _, x := range b {
		sum += x
		same = same && x == b[0]
	}
	return !same && (b[signature] != signed || sum == 0)
}

// Cdrom asks a CD drive for all that [ident.Cdrom] wants. What the drive does
// not answer is left out.
func Cdrom(d Device) (a ident.CdromAnswers) {
	if can, err := d.Ioctl(cdromCan, nil); err == nil {
		a.Capability = uint32(can)
	}
	const most = 0x400
	command := func(code byte, length, first int) []byte {
		c := make([]byte, 10)
		c[0], c[1] = code, byte(first)
		binary.BigEndian.PutUint16(c[7:], uint16(length))
		return c
	}
	const head = 8
	a.Configuration = answered(d, command(getConfiguration, most, 0), most)
	if len(a.Configuration) < head || binary.BigEndian.Uint16(a.Configuration[6:]) == 0 {
		return a // no disc
	}
	a.Disc = answered(d, command(0x51, 34, 0), 34)
	a.Contents = answered(d, command(0x43, most, 0), most)
	return a
}

// answered sends a command and cuts its answer where the device says that it
// ends. All of them begin with the number of bytes that follow it.
func answered(d Device, command []byte, most int) []byte {
	buf := make([]byte, most)
	n, err := d.SCSI(command, buf)
	if err != nil || n < 4 {
		return nil
	}
	end := 2 + uint64(binary.BigEndian.Uint16(buf))
	if command[0] == getConfiguration {
		end = 4 + uint64(binary.BigEndian.Uint32(buf))
	}
	return buf[:min(uint64(n), end)]
}
