package udevdb

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mark makes the record's tags findable.
func (d *Dir) mark(r Record, s *state) error {
	var errs []error
	for _, t := range r.Tags {
		if slices.Contains(s.tags, t) {
			continue
		}
		fd, err := d.tagDir(t)
		if err == nil {
			err = unix.Mknodat(fd, r.ID, unix.S_IFREG|tagMode, 0)
		}
		if err == nil && d.masked {
			err = unix.Fchmodat(fd, r.ID, tagMode, 0)
		}
		if err != nil && err != unix.EEXIST {
			errs = append(errs, fmt.Errorf("tag %s: %w", t, err))
		}
	}
	s.tags = r.Tags
	return errors.Join(errs...)
}

func (d *Dir) tagDir(tag string) (int, error) {
	if fd, ok := d.tag[tag]; ok {
		return fd, nil
	}
	fd, err := makeDir(d.tags, tag)
	if err != nil {
		return -1, err
	}
	if len(d.tag) >= maxTags {
		d.dropTags()
	}
	d.tag[tag] = fd
	return fd, nil
}

// claim says below links which links the device wants, and how much.
func (d *Dir) claim(r Record, s *state) error {
	target := strconv.Itoa(r.Priority) + ":/dev/" + r.DevName
	var errs []error
	for _, l := range s.links {
		if !slices.Contains(r.Links, l) {
			errs = append(errs, d.unclaim(l, r.ID))
		}
	}
	for _, l := range r.Links {
		if target != s.target || !slices.Contains(s.links, l) {
			errs = append(errs, d.claimOne(l, r.ID, target))
		}
	}
	s.links, s.target = r.Links, target
	return errors.Join(errs...)
}

// unique is the directory of links that no two devices can claim.
const unique = "disk/by-diskseq/"

func (d *Dir) claimOne(link, id, target string) error {
	dir := Escape(link)
	if strings.HasPrefix(link, unique) || !fileName(dir) {
		return nil
	}
	err := unix.Symlinkat(target, d.links, dir+"/"+id)
	if err == unix.ENOENT {
		if err = unix.Mkdirat(d.links, dir, 0o755); err == nil || err == unix.EEXIST {
			err = unix.Symlinkat(target, d.links, dir+"/"+id)
		}
	}
	if err == unix.EEXIST {
		err = d.reclaim(dir, id, target)
	}
	if err != nil {
		return fmt.Errorf("claim %s: %w", link, err)
	}
	return nil
}

func (d *Dir) reclaim(dir, id, target string) error {
	var old [4096]byte
	if n, err := unix.Readlinkat(d.links, dir+"/"+id, old[:]); err == nil && string(old[:n]) == target {
		return nil
	}
	if err := unlink(d.links, dir+"/"+id); err != nil {
		return err
	}
	return unix.Symlinkat(target, d.links, dir+"/"+id)
}

// unclaim removes the last claim's directory too.
func (d *Dir) unclaim(link, id string) error {
	dir := Escape(link)
	if strings.HasPrefix(link, unique) || !fileName(dir) {
		return nil
	}
	if err := unlink(d.links, dir+"/"+id); err != nil {
		return fmt.Errorf("give up %s: %w", link, err)
	}
	_ = unix.Unlinkat(d.links, dir, unix.AT_REMOVEDIR) // others may claim it
	return nil
}
