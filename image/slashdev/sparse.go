package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// copySparse copies an image and leaves holes where it holds zeros. The copy
// grows to a power of two when that is asked for: QEMU's SD card has no other
// sizes.
func copySparse(to, from string, powerOfTwo bool) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(fmt.Errorf("copy %s: %w", from, err), os.Remove(to))
		}
	}()
	size, err := copyBlocks(out, in)
	if err != nil {
		return err
	}
	if powerOfTwo {
		size = nextPowerOfTwo(size)
	}
	return out.Truncate(size)
}

func copyBlocks(out io.WriterAt, in io.Reader) (size int64, err error) {
	block, zeros := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(in, block)
		if !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := out.WriteAt(block[:n], size); err != nil {
				return size, err
			}
		}
		size += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

func nextPowerOfTwo(n int64) int64 {
	p := int64(1)
	for p < n {
		p <<= 1
	}
	return p
}
