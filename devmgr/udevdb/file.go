package udevdb

import (
	"hash/maphash"

	"golang.org/x/sys/unix"
)

// write makes the file what the record says.
func (d *Dir) write(r Record, s *state) error {
	d.buf = r.Append(d.buf[:0])
	if len(d.buf) == 0 && !numbered(r.ID) {
		had := s.text != 0 || s.stored
		delete(d.known, r.ID)
		if !had {
			return nil
		}
		return unlink(d.data, r.ID)
	}
	mode := uint32(fileMode)
	if r.Persist {
		mode |= sticky
	}
	hash := d.hash(d.buf)
	if hash == s.text && mode == s.mode {
		return nil
	}
	if err := d.replace(r.ID, mode); err != nil {
		return err
	}
	s.text, s.mode = hash, mode
	return nil
}

// replace writes the file beside its place and moves it there. Nothing is
// synced: /run does not outlast the machine.
func (d *Dir) replace(id string, mode uint32) error {
	if len(d.buf) == 0 && mode == fileMode && d.create(id) {
		return nil
	}
	temporary := "." + id
	fd, err := unix.Openat(d.data, temporary, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOFOLLOW, fileMode)
	if err != nil {
		return err
	}
	n, err := unix.Write(fd, d.buf)
	if err == nil && n < len(d.buf) {
		err = unix.ENOSPC
	}
	if err == nil && (mode != fileMode || d.masked) {
		err = unix.Fchmod(fd, mode)
	}
	unix.Close(fd)
	if err == nil {
		err = unix.Renameat(d.data, temporary, d.data, id)
	}
	if err != nil {
		unix.Unlinkat(d.data, temporary, 0)
	}
	return err
}

// create makes an empty file in one call, if there is none.
func (d *Dir) create(id string) bool {
	return unix.Mknodat(d.data, id, unix.S_IFREG|fileMode, 0) == nil &&
		(!d.masked || unix.Fchmodat(d.data, id, fileMode, 0) == nil)
}

func (d *Dir) hash(text []byte) uint64 { return max(1, maphash.Bytes(d.seed, text)) }

// isMasked finds out what becomes of the mode of a file.
func (d *Dir) isMasked() bool {
	const probe = ".mode"
	if unix.Mknodat(d.data, probe, unix.S_IFREG|fileMode, 0) != nil {
		return true
	}
	var st unix.Stat_t
	err := unix.Fstatat(d.data, probe, &st, 0)
	_ = unlink(d.data, probe)
	return err != nil || st.Mode&0o7777 != fileMode
}

func unlink(fd int, name string) error {
	if err := unix.Unlinkat(fd, name, 0); err != nil && err != unix.ENOENT && err != unix.ENOTDIR {
		return err
	}
	return nil
}
