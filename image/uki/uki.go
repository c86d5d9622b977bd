// Package uki makes unified kernel images: systemd's EFI stub with the kernel,
// its command line and more added as PE sections. It reads them again, and
// replaces the command line in place.
package uki

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	sectionHeader = 40
	flagData      = 0x40000040 // initialised data, readable
	cmdlineRoom   = 4096       // for patching
	// linuxAt is where the kernel lies in memory, far behind the stub and last:
	// it unpacks itself behind its end.
	linuxAt = 0x2000000

	// Places in the PE header, from its signature.
	numberOfSections  = 6
	sizeOfOptional    = 20
	optional          = 24
	sectionAlignment  = optional + 32
	fileAlignment     = optional + 36
	sizeOfImage       = optional + 56
	sizeOfHeaders     = optional + 60
	checkSum          = optional + 64
	cmdlineSection    = ".cmdline"
	linuxSection      = ".linux"
	smallestHeaderEnd = checkSum + 4
)

// Section is one section to add.
type Section struct {
	Name string
	Data []byte
}

// image is a stub while sections are added.
type image struct {
	b       []byte
	header  int // of the PE signature
	virtual uint32
}

// Build returns the stub with sections added. The command line gets room to
// grow; the kernel must be the last section.
func Build(stub []byte, sections []Section) ([]byte, error) {
	im, err := parse(stub)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if err := im.add(s); err != nil {
			return nil, fmt.Errorf("add section %s: %w", s.Name, err)
		}
	}
	im.put32(sizeOfImage, im.virtual)
	im.put32(checkSum, 0)
	return im.b, nil
}

func parse(stub []byte) (*image, error) {
	f, err := pe.NewFile(bytes.NewReader(stub))
	if err != nil {
		return nil, fmt.Errorf("read EFI stub: %w", err)
	}
	defer f.Close()
	if len(stub) < 64 {
		return nil, errors.New("read EFI stub: too short")
	}
	im := &image{b: slices.Clone(stub), header: int(binary.LittleEndian.Uint32(stub[60:]))}
	if im.header+smallestHeaderEnd > len(stub) || im.get32(sectionAlignment) == 0 || im.get32(fileAlignment) == 0 {
		return nil, errors.New("read EFI stub: not a PE image")
	}
	for _, s := range f.Sections {
		im.virtual = max(im.virtual, align(s.VirtualAddress+s.VirtualSize, im.get32(sectionAlignment)))
	}
	return im, nil
}

func (im *image) get32(at int) uint32 { return binary.LittleEndian.Uint32(im.b[im.header+at:]) }
func (im *image) put32(at int, v uint32) {
	binary.LittleEndian.PutUint32(im.b[im.header+at:], v)
}

func align(n, to uint32) uint32 { return (n + to - 1) / to * to }

func (im *image) add(s Section) error {
	if len(s.Name) > 8 || len(s.Data) == 0 || len(s.Data) > 1<<30 {
		return errors.New("name or size does not fit a PE section")
	}
	count := binary.LittleEndian.Uint16(im.b[im.header+numberOfSections:])
	opt := binary.LittleEndian.Uint16(im.b[im.header+sizeOfOptional:])
	at := im.header + optional + int(opt) + int(count)*sectionHeader
	if at+sectionHeader > int(im.get32(sizeOfHeaders)) {
		return errors.New("the stub has no room for another section header")
	}
	if s.Name == linuxSection {
		im.virtual = max(im.virtual, linuxAt)
	}
	room := uint32(len(s.Data))
	if s.Name == cmdlineSection {
		room = max(room, cmdlineRoom)
	}
	file := align(uint32(len(im.b)), im.get32(fileAlignment))
	raw := align(room, im.get32(fileAlignment))
	h := im.b[at : at+sectionHeader]
	clear(h)
	copy(h, s.Name)
	binary.LittleEndian.PutUint32(h[8:], uint32(len(s.Data)))
	binary.LittleEndian.PutUint32(h[12:], im.virtual)
	binary.LittleEndian.PutUint32(h[16:], raw)
	binary.LittleEndian.PutUint32(h[20:], file)
	binary.LittleEndian.PutUint32(h[36:], flagData)
	binary.LittleEndian.PutUint16(im.b[im.header+numberOfSections:], count+1)
	im.b = append(im.b, make([]byte, int(file+raw)-len(im.b))...)
	copy(im.b[file:], s.Data)
	im.virtual = align(im.virtual+room, im.get32(sectionAlignment))
	return nil
}

// Read returns the content of a section.
func Read(r io.ReaderAt, name string) ([]byte, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("read unified kernel image: %w", err)
	}
	defer f.Close()
	s := f.Section(name)
	if s == nil {
		return nil, fmt.Errorf("read unified kernel image: no section %s", name)
	}
	data, err := s.Data()
	return data[:min(len(data), int(s.VirtualSize))], err
}

// Cmdline returns the kernel's command line.
func Cmdline(r io.ReaderAt) (string, error) {
	data, err := Read(r, cmdlineSection)
	return string(bytes.TrimRight(data, "\x00\n ")), err
}

// File is a file that can be patched.
type File interface {
	io.ReaderAt
	io.WriterAt
}

// SetCmdline replaces the kernel's command line in place.
func SetCmdline(f File, cmdline string) error {
	p, err := pe.NewFile(f)
	if err != nil {
		return fmt.Errorf("read unified kernel image: %w", err)
	}
	defer p.Close()
	i := slices.IndexFunc(p.Sections, func(s *pe.Section) bool { return s.Name == cmdlineSection })
	if i < 0 {
		return errors.New("patch unified kernel image: no section .cmdline")
	}
	s := p.Sections[i]
	if len(cmdline) > int(s.Size) || cmdline == "" {
		return fmt.Errorf("patch unified kernel image: command line of %d bytes, room for %d", len(cmdline), s.Size)
	}
	var at [4]byte
	if _, err := f.ReadAt(at[:], 60); err != nil {
		return err
	}
	header := int64(binary.LittleEndian.Uint32(at[:])) + optional + int64(p.SizeOfOptionalHeader) + int64(i)*sectionHeader
	data := make([]byte, s.Size)
	copy(data, cmdline)
	if _, err := f.WriteAt(data, int64(s.Offset)); err != nil {
		return err
	}
	_, err = f.WriteAt(binary.LittleEndian.AppendUint32(nil, uint32(len(cmdline))), header+8)
	return err
}
