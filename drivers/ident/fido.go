package ident

import (
	"fmt"
	"io/fs"
	"path"
)

// FIDO says what udev's fido_id says of a hidraw device: ID_FIDO_TOKEN=1 and
// ID_SECURITY_TOKEN=1 if it is a token for logins (CTAP HID, 8.1.8.2), nothing
// of others. The source is report_descriptor of the HID device above it.
func FIDO(tree fs.FS, devpath string) ([]Property, error) {
	d := at(tree, devpath)
	hid, err := d.parent("hid", "")
	if err != nil {
		return nil, fmt.Errorf("fido_id: %w", err)
	}
	if _, err := hid.need("report_descriptor"); err != nil {
		return nil, fmt.Errorf("fido_id: %s: %w", path.Base(d.dir), err)
	}
	token, err := isToken(hid.raw("report_descriptor"))
	if err != nil {
		return nil, fmt.Errorf("fido_id: /%s: report_descriptor: %w", hid.dir, err)
	}
	if !token {
		return nil, nil
	}
	return properties{{"ID_FIDO_TOKEN", "1"}, {"ID_SECURITY_TOKEN", "1"}}, nil
}

// isToken looks for the usage CTAPHID on the usage page FIDO in a report
// descriptor (HID 1.11, 6.2.2).
func isToken(b []byte) (bool, error) {
	const (
		long      = 0xfe
		usagePage = 0x04 // tag and type
		usage     = 0x08
		fido      = 0xf1d0
		ctapHID   = 1
	)
	page := uint32(0)
	for len(b) > 0 {
		head, size := 1, int(b[0]&3)
		if size == 3 {
			size = 4
		}
		if b[0] == long && len(b) > 1 {
			head, size = 3, int(b[1])
		}
		if len(b) < head+size {
			return false, errShort
		}
		value := uint32(0)
		for i, c := range b[head:min(len(b), head+min(size, 4))] {
			value |= uint32(c) << (8 * i)
		}
		switch {
		case b[0] != long && b[0]&0xfc == usagePage:
			page = value
		case b[0] != long && b[0]&0xfc == usage:
			if size > 2 {
				page, value = value>>16, value&0xffff // a usage that brings its page
			}
			if page == fido && value == ctapHID {
				return true, nil
			}
		}
		b = b[head+size:]
	}
	return false, nil
}

// V4LCapability is what the ioctl VIDIOC_QUERYCAP fills (videodev2.h).
type V4LCapability [104]byte

// V4L says what udev's v4l_id says of a video device:
//
//	ID_V4L_VERSION=2
//	ID_V4L_PRODUCT=HD Webcam
//	ID_V4L_CAPABILITIES=:capture:
//
// The source is what the node answered to VIDIOC_QUERYCAP.
func V4L(c V4LCapability) []Property {
	const card, cardEnd, ofDriver, ofNode, haveNode = 16, 48, 84, 88, 1 << 31
	word := func(i int) uint32 {
		return uint32(c[i]) | uint32(c[i+1])<<8 | uint32(c[i+2])<<16 | uint32(c[i+3])<<24
	}
	flags := word(ofDriver)
	if flags&haveNode != 0 {
		flags = word(ofNode)
	}
	text := ":"
	for _, f := range []struct {
		bit  uint32
		name string
	}{{0x1, "capture"}, {0x2, "video_output"}, {0x4, "video_overlay"}, {0x20000, "audio"}, {0x10000, "tuner"}, {0x40000, "radio"}} {
		if flags&f.bit != 0 {
			text += f.name + ":"
		}
	}
	return properties{{"ID_V4L_VERSION", "2"}, {"ID_V4L_PRODUCT", spaced(upToZero(c[card:cardEnd]))}, {"ID_V4L_CAPABILITIES", text}}
}
