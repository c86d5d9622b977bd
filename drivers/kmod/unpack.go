package kmod

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxModule is more than the largest module; a file that unpacks to more is
// refused before memory runs out.
const maxModule = 256 << 20

var errTooLarge = errors.New("larger than any module")

// isPacked says by its name whether a module is compressed.
func isPacked(file string) bool {
	switch path.Ext(file) {
	case ".gz", ".xz", ".zst":
		return true
	}
	return false
}

// unpack reads a compressed module.
func unpack(file string, r io.Reader) ([]byte, error) {
	r, done, err := unpacker(file, r)
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	defer done()
	image, err := io.ReadAll(io.LimitReader(r, maxModule+1))
	if err == nil && len(image) > maxModule {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	return image, nil
}

func unpacker(file string, r io.Reader) (_ io.Reader, done func(), err error) {
	done = func() {}
	switch path.Ext(file) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".xz":
		r, err = xz.ReaderConfig{DictCap: 8 << 20}.NewReader(r)
	case ".zst":
		var d *zstd.Decoder
		d, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxModule))
		if err == nil {
			r, done = d, d.Close
		}
	}
	return r, done, err
}
