package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/blockid"
)

const sector = 512

// unlessEmpty leaves a disk without a medium alone, and a loop device without a
// file.
func unlessEmpty(p probe) moment {
	if p.attr("size") == "0" {
		return never
	}
	return later
}

// blkid says what is on a disk, and where on its disk a partition lies.
func blkid(p probe) ([]udevrules.Property, error) {
	size, err := strconv.ParseInt(p.attr("size"), 10, 53)
	if err != nil || size == 0 {
		return nil, udevrules.ErrNothing
	}
	disk, err := p.open(p.device)
	if err != nil {
		return nil, err
	}
	defer disk.Close()
	info, err := p.content(disk, size*sector)
	all := converted(info.Properties())
	if p.device.DevType() == "partition" {
		entry, perr := p.entry()
		all, err = append(all, entry...), errors.Join(err, perr)
	}
	return all, err
}

// content probes what rules say is a disc as one: with --noraid, or with the place where
// its last session begins.
func (p probe) content(disk io.ReaderAt, size int64) (blockid.Info, error) {
	for _, word := range p.Argv[1:] {
		text, later := strings.CutPrefix(word, "--hint=session_offset=")
		if start, err := strconv.ParseInt(text, 10, 53); later && err == nil {
			return blockid.ProbeDisc(disk, size, start)
		}
		if later || word == "--noraid" {
			return blockid.ProbeDisc(disk, size, 0)
		}
	}
	return blockid.Probe(disk, size)
}

// entry reads the partition's row in the table of its disk.
func (p probe) entry() ([]udevrules.Property, error) {
	above := p.Parents()
	if len(above) == 0 || !above[0].HasNode() {
		return nil, nil
	}
	parent := above[0].Device
	number, err1 := strconv.Atoi(p.attr("partition"))
	start, err2 := strconv.ParseUint(p.attr("start"), 10, 53)
	length, err3 := strconv.ParseUint(p.attr("size"), 10, 53)
	text, _ := p.Attr(parent.DevPath, "size")
	size, err4 := strconv.ParseInt(strings.TrimSpace(text), 10, 53)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	disk, err := p.open(parent)
	if err != nil {
		return nil, err
	}
	defer disk.Close()
	text, _ = p.Attr(parent.DevPath, "queue/logical_block_size")
	own, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 17) // 0 where the kernel does not say
	list, err := blockid.Entry(disk, size*sector, blockid.Place{Number: number, Start: start, Size: length, Disk: parent.Number(), Sector: own})
	return converted(list), err
}

// open opens the node of a device, if it is what it should be.
func (h *host) open(d *devtree.Device) (*os.File, error) {
	if !d.HasNode() {
		return nil, udevrules.ErrNothing
	}
	f, err := os.OpenFile(path.Join(h.policy.dirs["/dev"], d.DevName), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && info.Mode()&os.ModeDevice != 0 && (info.Mode()&os.ModeCharDevice == 0) == d.Block && number(st.Rdev) == d.Number() {
		return f, nil
	}
	f.Close()
	return nil, fmt.Errorf("open %s: it is another device", d.DevName)
}

// number returns "MAJOR:MINOR" as the kernel packs them for programs.
func number(rdev uint64) string {
	major, minor := numbers(rdev)
	return strconv.FormatUint(uint64(major), 10) + ":" + strconv.FormatUint(uint64(minor), 10)
}

func numbers(rdev uint64) (major, minor uint32) {
	return uint32(rdev >> 8 & 0xfff), uint32(rdev&0xff | rdev>>12&0xfff00)
}
