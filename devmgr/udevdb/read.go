package udevdb

import (
	"fmt"
	"io"
	"io/fs"
)

// maxFile is more than any record needs.
const maxFile = 1 << 20

// Read returns the record of a device from the database below fsys, which is
// rooted at /run/udev. A device that nobody has handled has none: the error is
// then fs.ErrNotExist.
func Read(fsys fs.FS, id string) (Record, error) {
	if !fileName(id) {
		return Record{}, fmt.Errorf("read database: %q: %w", id, fs.ErrNotExist)
	}
	f, err := fsys.Open("data/" + id)
	if err != nil {
		return Record{}, fmt.Errorf("read database: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Record{}, fmt.Errorf("read database: %s: %w", id, err)
	}
	r := Parse(string(text))
	r.ID = id
	if st, err := f.Stat(); err == nil {
		r.Persist = st.Mode()&fs.ModeSticky != 0
	}
	return r, nil
}
