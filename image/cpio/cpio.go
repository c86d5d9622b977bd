// Package cpio writes a tree as a compressed cpio archive, as the kernel's
// initramfs loader reads it, and lists such an archive again.
//
// The archive is the same for the same tree: inode numbers count entries, times
// are the one given. Compression is one gzip stream whose blocks are made in
// parallel, because the builder has to be fast and the kernel reads any.
package cpio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"

	"slashdev/image/tree"
)

// Write writes entries as a gzip-compressed newc archive. mtime is in seconds.
func Write(w io.Writer, entries []tree.Entry, mtime int64) error {
	z := newGzip(w)
	err := writeRecords(z, entries, mtime)
	return errors.Join(err, z.Close(err == nil))
}

func writeRecords(w io.Writer, entries []tree.Entry, mtime int64) error {
	archive := cpio.Newc.Writer(w)
	for i := range entries {
		if entries[i].Path == "/" {
			continue // the kernel's rootfs has a root
		}
		rec, err := record(&entries[i], uint64(i+1), uint64(mtime))
		if err != nil {
			return err
		}
		if err := archive.WriteRecord(rec); err != nil {
			return fmt.Errorf("write %s: %w", entries[i].Path, err)
		}
	}
	return cpio.WriteTrailer(archive)
}

func record(e *tree.Entry, ino, mtime uint64) (cpio.Record, error) {
	info := cpio.Info{
		Ino: ino, Mode: linuxMode(e.Mode), UID: uint64(e.UID), GID: uint64(e.GID),
		NLink: 1, MTime: mtime, Name: strings.TrimPrefix(e.Path, "/"),
	}
	switch {
	case e.Mode&fs.ModeSymlink != 0:
		return cpio.StaticRecord([]byte(e.Link), info), nil
	case e.Mode.IsDir():
		info.NLink = 2
		return cpio.Record{Info: info}, nil
	case e.Mode&fs.ModeDevice != 0:
		info.Rmajor, info.Rminor = uint64(e.Major), uint64(e.Minor)
		return cpio.Record{Info: info}, nil
	}
	content, err := read(e)
	return cpio.StaticRecord(content, info), err
}

func read(e *tree.Entry) ([]byte, error) {
	if e.File == "" {
		return e.Bytes, nil
	}
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// linuxMode turns a FileMode into st_mode.
func linuxMode(m fs.FileMode) uint64 {
	bits := uint64(m.Perm())
	for _, f := range []struct {
		mode fs.FileMode
		bit  uint64
	}{{fs.ModeSetuid, cpio.S_ISUID}, {fs.ModeSetgid, cpio.S_ISGID}, {fs.ModeSticky, cpio.S_ISVTX}} {
		if m&f.mode != 0 {
			bits |= f.bit
		}
	}
	switch {
	case m.IsDir():
		return bits | cpio.S_IFDIR
	case m&fs.ModeSymlink != 0:
		return bits | cpio.S_IFLNK
	case m&fs.ModeCharDevice != 0:
		return bits | cpio.S_IFCHR
	case m&fs.ModeDevice != 0:
		return bits | cpio.S_IFBLK
	}
	return bits | cpio.S_IFREG
}

func goMode(bits uint64) fs.FileMode {
	m := fs.FileMode(bits & 0o777)
	switch bits & cpio.S_IFMT {
	case cpio.S_IFDIR:
		m |= fs.ModeDir
	case cpio.S_IFLNK:
		m |= fs.ModeSymlink
	case cpio.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case cpio.S_IFBLK:
		m |= fs.ModeDevice
	}
	if bits&cpio.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if bits&cpio.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if bits&cpio.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// Read lists a gzip-compressed archive, with the content of its files.
func Read(r io.Reader) ([]tree.Entry, error) {
	raw, err := gunzip(r)
	if err != nil {
		return nil, err
	}
	var list []tree.Entry
	err = cpio.ForEachRecord(cpio.Newc.Reader(bytes.NewReader(raw)), func(rec cpio.Record) error {
		e := tree.Entry{
			Path: "/" + rec.Name, Mode: goMode(rec.Mode), UID: uint32(rec.UID), GID: uint32(rec.GID),
			Major: uint32(rec.Rmajor), Minor: uint32(rec.Rminor),
		}
		content, err := io.ReadAll(io.NewSectionReader(rec, 0, int64(rec.FileSize)))
		if err != nil {
			return fmt.Errorf("read %s: %w", rec.Name, err)
		}
		if e.Mode&fs.ModeSymlink != 0 {
			e.Link = string(content)
		} else {
			e.Bytes, e.Size = content, int64(len(content))
		}
		list = append(list, e)
		return nil
	})
	return list, err
}
