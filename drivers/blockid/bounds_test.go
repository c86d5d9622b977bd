package blockid

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// counter counts what a probe reads, and how often, and remembers a read beyond the end.
type counter struct {
	device      io.ReaderAt
	size        int64
	reads, read int64
	outside     bool
}

func (c *counter) ReadAt(b []byte, offset int64) (int, error) {
	c.reads++
	c.read += int64(len(b))
	if offset < 0 || offset+int64(len(b)) > c.size {
		c.outside = true
	}
	return c.device.ReadAt(b, offset)
}

func (c *counter) check(t testing.TB) {
	t.Helper()
	if c.read > 1<<20 {
		t.Errorf("a probe read %d bytes, more than 1 MiB", c.read)
	}
	if c.outside {
		t.Error("a probe read outside of the device")
	}
}

// patched shows a device with some bytes changed.
type patched struct {
	io.ReaderAt
	patches []patch
}

type patch struct {
	offset int64
	bytes  []byte
}

func (p *patched) ReadAt(b []byte, offset int64) (int, error) {
	n, err := p.ReaderAt.ReadAt(b, offset)
	for _, q := range p.patches {
		for i, c := range q.bytes {
			if at := q.offset + int64(i) - offset; at >= 0 && at < int64(n) {
				b[at] = c
			}
		}
	}
	return n, err
}

// corrupt damages an image in 300 ways. It may then be anything, but no probe may panic or
// read too much.
func corrupt(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := &extent{f, st.Size()}
	for seed := range uint64(300) {
		data.corrupt(t, rand.New(rand.NewPCG(seed, 4)))
	}
}

type extent struct {
	io.ReaderAt
	size int64
}

// corrupt changes up to 16 runs of bytes where superblocks are, sometimes cuts the device,
// and probes it. Half of the changes go where bytes are not zero.
func (e *extent) corrupt(t *testing.T, r *rand.Rand) {
	device := &patched{ReaderAt: e.ReaderAt}
	for range 1 + r.IntN(16) {
		p := patch{e.place(r), make([]byte, 1+r.IntN(8))}
		for i := range p.bytes {
			p.bytes[i] = byte(r.Uint32()) | byte(-(r.Int32N(2)))
		}
		device.patches = append(device.patches, p)
	}
	size := e.size
	if r.IntN(8) == 0 {
		size = r.Int64N(size + 1)
	}
	c := &counter{device: io.NewSectionReader(device, 0, size), size: size}
	if _, err := Probe(c, size); err != nil {
		t.Errorf("a damaged image gave an error: %v", err)
	}
	c.check(t)
	c = &counter{device: io.NewSectionReader(device, 0, size), size: size}
	if _, err := Entry(c, size, Place{Number: 5, Start: 2048, Size: 2048}); err != nil {
		t.Errorf("a damaged image gave an error: %v", err)
	}
	c.check(t)
}

func (e *extent) place(r *rand.Rand) int64 {
	starts := []int64{0, 0, 512, 1024, 4096, 32768, 65536, 256 * 512, 256 * 2048, e.size - 512, e.size - 8192, e.size - 1<<16}
	for range 20 {
		at := starts[r.IntN(len(starts))] + r.Int64N(512)
		var b [4]byte
		if n, _ := e.ReadAt(b[:], max(at, 0)); n > 0 && !bytes.Equal(b[:], make([]byte, 4)) {
			return at
		}
	}
	return r.Int64N(e.size + 1)
}

// TestEmptyDevice wants few and small reads where nothing is: machines have many such disks.
func TestEmptyDevice(t *testing.T) {
	c := &counter{device: zeros{}, size: 1 << 30}
	info, err := Probe(c, c.size)
	if err != nil || len(info.Properties()) > 0 {
		t.Errorf("an empty device has %v, %v", info, err)
	}
	if c.reads > 16 || c.read > 128<<10 {
		t.Errorf("%d reads of %d bytes in all, more than 16 of 128 KiB", c.reads, c.read)
	}
}

type zeros struct{}

func (zeros) ReadAt(b []byte, _ int64) (int, error) {
	clear(b)
	return len(b), nil
}

func BenchmarkEmptyDevice(b *testing.B) {
	for b.Loop() {
		if _, err := Probe(zeros{}, 1<<30); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLongChain gives a FAT whose root directory has a hundred clusters of 32 KiB and no label.
func TestLongChain(t *testing.T) {
	fat := draw(4096)
	for i := range 1000 {
		fat.le(4*i, 4, uint64(i+1))
	}
	boot := fat32Sketch().le(48, 2, 0).le(13, 1, 64).le(36, 4, 8).le(32, 4, 8<<20)
	s := sample{size: 4 << 30, patches: []patch{{0, boot}, {1024, fat}}}
	c := &counter{device: &patched{full{}, s.patches}, size: s.size}
	info, err := Probe(c, s.size)
	if err != nil || info.Type != "vfat" {
		t.Errorf("found %+v, %v", info, err)
	}
	if c.check(t); c.read < 512<<10 {
		t.Errorf("only %d bytes were read: the chain was not followed", c.read)
	}
}

// full has deleted directory entries everywhere.
type full struct{}

func (full) ReadAt(b []byte, _ int64) (int, error) {
	for i := range b {
		b[i] = 0xe5
	}
	return len(b), nil
}

// unreadable is a device whose blocks from a place on give errors.
type unreadable struct {
	io.ReaderAt
	from  int64
	tries int
}

func (u *unreadable) ReadAt(b []byte, offset int64) (int, error) {
	if offset+int64(len(b)) <= u.from {
		return u.ReaderAt.ReadAt(b, offset)
	}
	u.tries++
	return 0, errBad
}

var errBad = errors.New("input/output error")

// TestUnreadable wants no guess about a bad disk, because what cannot be read may be the mark
// of an array; the end of a disc is often bad and says nothing.
func TestUnreadable(t *testing.T) {
	iso := overlay([]string{"iso9660"})
	bad := &unreadable{ReaderAt: iso.with(iso.bytes()), from: 1 << 20}
	if info, err := Probe(bad, iso.size); !errors.Is(err, errBad) || info.Type != "" {
		t.Errorf("a bad disk has %q, %v", info.Type, err)
	}
	if info, err := ProbeDisc(bad, iso.size, 0); err != nil || info.Label != "LABEL" {
		t.Errorf("a bad disc has label %q, %v", info.Label, err)
	}
	bad = &unreadable{ReaderAt: zeros{}}
	if _, err := ProbeDisc(bad, 1<<30, 0); !errors.Is(err, errBad) || bad.tries > 4 {
		t.Errorf("an unreadable disc: %v after %d reads", err, bad.tries)
	}
}
