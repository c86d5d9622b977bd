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
	text, mode, err := readFile(fsys, id)
	if err != nil {
		return Record{}, fmt.Errorf("read database: %w", err)
	}
	r := Parse(text)
	r.ID, r.Persist = id, mode&fs.ModeSticky != 0
	return r, nil
}

func readFile(fsys fs.FS, id string) (text string, mode fs.FileMode, err error) {
	f, err := fsys.Open("data/" + id)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	return string(b), st.Mode(), nil
}
