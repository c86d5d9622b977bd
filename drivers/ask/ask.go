// Package ask asks the nodes of devices what sysfs does not tell, and tells
// them what rules want of them: the ioctls behind udev's builtins and programs.
//
// What an answer means says package ident. The two calls of [Device] are all
// that reaches the kernel; [Node] makes them, and tests make up answers. A
// device may lie or be broken: of an answer no more is taken than was sent, and
// every command has a time limit.
package ask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"slashdev/drivers/ident"
)

// Device is an open node.
type Device interface {
	// Ioctl does ioctl(2) with a buffer (nil: none) and returns its result.
	Ioctl(request uint32, buf []byte) (int, error)
	// SCSI sends a command and returns how much of the answer was filled.
	SCSI(command, answer []byte) (n int, err error)
}

// Requests of ioctl(2); their size is in them.
const (
	evSetKey    = 0x40084504 // EVIOCSKEYCODE (linux/input.h)
	evGetAxis   = 0x80184540 // EVIOCGABS(0)
	evSetAxis   = 0x401845c0 // EVIOCSABS(0)
	videoAsk    = 0x80685600 // VIDIOC_QUERYCAP (linux/videodev2.h)
	cdromEject  = 0x5309     // CDROMEJECT (linux/cdrom.h)
	cdromCan    = 0x5331     // CDROM_GET_CAPABILITY
	btrfsReady  = 0x90009427 // BTRFS_IOC_DEVICES_READY (linux/btrfs.h)
	memoryAsk   = 0x80204d01 // MEMGETINFO (mtd/mtd-abi.h)
	axisSize    = 24
	btrfsSize   = 4096
	memorySize  = 32
	currentAxis = 20 // where the resolution is
)

// Axis asks an event node for an axis, by its number.
func Axis(d Device, axis uint8) (ident.Axis, error) {
	buf := make([]byte, axisSize)
	if _, err := d.Ioctl(evGetAxis+uint32(axis), buf); err != nil {
		return ident.Axis{}, fmt.Errorf("ask for axis %d: %w", axis, err)
	}
	word := func(at int) int32 { return int32(binary.NativeEndian.Uint32(buf[at:])) }
	return ident.Axis{Minimum: word(4), Maximum: word(8), Resolution: word(currentAxis)}, nil
}

// Keyboard does what a plan says to an event node: keys, then axes. It goes on
// behind what the device refuses.
func Keyboard(d Device, plan ident.KeyboardPlan) error {
	var errs []error
	for _, k := range plan.Keys {
		buf := binary.NativeEndian.AppendUint32(nil, k.Scan)
		buf = binary.NativeEndian.AppendUint32(buf, uint32(k.Key))
		if _, err := d.Ioctl(evSetKey, buf); err != nil {
			errs = append(errs, fmt.Errorf("give scan code 0x%x key %d: %w", k.Scan, k.Key, err))
		}
	}
	for _, c := range plan.Axes {
		if err := setAxis(d, c); err != nil {
			errs = append(errs, fmt.Errorf("set axis %d: %w", c.Axis, err))
		}
	}
	return errors.Join(errs...)
}

func setAxis(d Device, c ident.AxisChange) error {
	buf := make([]byte, axisSize)
	if _, err := d.Ioctl(evGetAxis+uint32(c.Axis), buf); err != nil {
		return err
	}
	for at, value := range map[int]*int32{4: c.Minimum, 8: c.Maximum, 12: c.Fuzz, 16: c.Flat, currentAxis: c.Resolution} {
		if value != nil {
			binary.NativeEndian.PutUint32(buf[at:], uint32(*value))
		}
	}
	_, err := d.Ioctl(evSetAxis+uint32(c.Axis), buf)
	return err
}

// Video asks a video node what it can do.
func Video(d Device) (c ident.V4LCapability, err error) {
	if _, err = d.Ioctl(videoAsk, c[:]); err != nil {
		return c, fmt.Errorf("ask a video device: %w", err)
	}
	return c, nil
}

// Eject opens the tray of a CD drive.
func Eject(d Device) error {
	if _, err := d.Ioctl(cdromEject, nil); err != nil {
		return fmt.Errorf("eject: %w", err)
	}
	return nil
}

// BtrfsReady tells the btrfs driver, which is behind d, of a disk, and says
// whether all disks of its file system are there. The driver looks the path up
// itself.
func BtrfsReady(d Device, path string) (bool, error) {
	const name = 8 // behind a number that is not used
	buf := make([]byte, btrfsSize)
	if len(path) >= btrfsSize-name {
		return false, fmt.Errorf("btrfs: path of %d bytes", len(path))
	}
	copy(buf[name:], path)
	missing, err := d.Ioctl(btrfsReady, buf)
	if err != nil {
		return false, fmt.Errorf("tell btrfs of %s: %w", path, err)
	}
	return missing == 0, nil
}

// SmartMedia says whether a NAND chip is a SmartMedia card: one of its first
// blocks holds the card information structure that all of them have.
func SmartMedia(d Device, r io.ReaderAt) (bool, error) {
	const nand, blocks, sector = 4, 4, 512
	signature := "\x01\x03\xd9\x01\xff\x18\x02\xdf\x01\x20"
	info := make([]byte, memorySize)
	if _, err := d.Ioctl(memoryAsk, info); err != nil {
		return false, fmt.Errorf("ask a memory chip: %w", err)
	}
	size, erase := binary.NativeEndian.Uint32(info[8:]), binary.NativeEndian.Uint32(info[12:])
	if info[0] != nand || erase == 0 {
		return false, nil
	}
	for i := range int64(blocks) {
		buf := make([]byte, sector)
		if i*int64(erase) >= int64(size) {
			break
		}
		if _, err := r.ReadAt(buf, i*int64(erase)); err != nil {
			continue // a bad block
		}
		for _, half := range []string{string(buf), string(buf[sector/2:])} {
			if half[:len(signature)] == signature {
				return true, nil
			}
		}
	}
	return false, nil
}
