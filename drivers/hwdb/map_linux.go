package hwdb

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Map opens an index that lies in a file, which stays mapped for ever. Only the
// pages that are looked at take memory.
func Map(file string) (*DB, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	index, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", file, err)
	}
	db, err := Open(index)
	if err != nil {
		_ = unix.Munmap(index)
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return db, nil
}
