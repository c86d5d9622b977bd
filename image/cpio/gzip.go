package cpio

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
)

// chunkSize is what one worker compresses at a time; matches do not cross it.
const chunkSize = 1 << 20

// gzipWriter makes one gzip member from chunks that are compressed in parallel
// and end at byte borders (deflate sync flush). The bytes do not depend on the
// number of workers.
type gzipWriter struct {
	w    io.Writer
	buf  []byte
	crc  uint32
	size uint32
	jobs chan chan result // in order of the input
	done chan error       // the collector's end
}

type result struct {
	data []byte
	err  error
}

func newGzip(w io.Writer) *gzipWriter {
	z := &gzipWriter{w: w, jobs: make(chan chan result, runtime.NumCPU()), done: make(chan error, 1)}
	go z.collect()
	return z
}

// collect writes finished chunks in order. After an error it goes on draining,
// so that Write never blocks for ever.
func (z *gzipWriter) collect() {
	header := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	_, err := z.w.Write(header)
	for job := range z.jobs {
		r := <-job
		if err == nil {
			err = r.err
		}
		if err == nil {
			_, err = z.w.Write(r.data)
		}
	}
	z.done <- err
}

func (z *gzipWriter) Write(p []byte) (int, error) {
	z.crc = crc32.Update(z.crc, crc32.IEEETable, p)
	z.size += uint32(len(p))
	z.buf = append(z.buf, p...)
	for len(z.buf) >= chunkSize {
		chunk := z.buf[:chunkSize:chunkSize]
		z.buf = append(make([]byte, 0, 2*chunkSize), z.buf[chunkSize:]...)
		z.start(chunk, false)
	}
	return len(p), nil
}

func (z *gzipWriter) start(chunk []byte, last bool) {
	job := make(chan result, 1)
	z.jobs <- job
	go func() {
		data, err := deflate(chunk, last)
		job <- result{data, err}
	}()
}

func deflate(chunk []byte, last bool) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(chunk); err != nil {
		return nil, err
	}
	if last {
		err = w.Close()
	} else {
		err = w.Flush()
	}
	return out.Bytes(), err
}

// Close waits for the workers and, when the input is whole, writes the end of
// the stream. The underlying writer stays open.
func (z *gzipWriter) Close(whole bool) error {
	if whole {
		z.start(z.buf, true)
	}
	close(z.jobs)
	if err := <-z.done; err != nil || !whole {
		return err
	}
	var tail []byte
	tail = binary.LittleEndian.AppendUint32(tail, z.crc)
	tail = binary.LittleEndian.AppendUint32(tail, z.size)
	_, err := z.w.Write(tail)
	return err
}

// maxUnpacked is the largest archive that is read.
const maxUnpacked = 1 << 30

func gunzip(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read initramfs: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err == nil && len(raw) == maxUnpacked {
		err = errors.New("larger than 1 GiB unpacked")
	}
	if err != nil {
		return nil, fmt.Errorf("read initramfs: %w", err)
	}
	return raw, nil
}
