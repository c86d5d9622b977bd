package squash

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
)

// block is one piece of a file on its way through a compressor.
type block struct {
	of   *node
	data []byte
	size uint32 // as the inode lists it
	err  error
	done chan struct{}
}

// writeData writes the content of every file. Files are read in order, their
// blocks compressed in parallel and written in order.
func (s *writer) writeData(nodes []*node) error {
	queue := make(chan *block, 4*runtime.NumCPU())
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(queue)
		s.readBlocks(nodes, queue, stop)
	})
	err := s.collect(queue)
	close(stop)
	for range queue { // let the reader go
	}
	reader.Wait()
	return err
}

func (s *writer) collect(queue <-chan *block) error {
	for b := range queue {
		<-b.done
		if b.err != nil {
			return b.err
		}
		if len(b.of.blocks) == 0 {
			b.of.start = uint64(s.pos)
			if s.pos > math.MaxUint32 {
				return fmt.Errorf("write squashfs: more than 4 GiB of data")
			}
		}
		b.of.blocks = append(b.of.blocks, b.size)
		if err := s.append(b.data); err != nil {
			return err
		}
	}
	return nil
}

// readBlocks sends the blocks of all files and starts a compressor for each.
func (s *writer) readBlocks(nodes []*node, queue chan<- *block, stop <-chan struct{}) {
	for _, n := range nodes {
		if !n.Mode.IsRegular() || n.Size == 0 {
			continue
		}
		p := &s.packer
		if s.Raw != nil && s.Raw(n.Entry) {
			p = nil
		}
		err := readFile(n, func(b *block) bool {
			go b.pack(p)
			select {
			case queue <- b:
				return true
			case <-stop:
				return false
			}
		})
		if err == nil {
			continue
		}
		failed := &block{of: n, err: err, done: make(chan struct{})}
		close(failed.done)
		select {
		case queue <- failed:
		case <-stop:
		}
		return
	}
}

// readFile cuts the content of n into blocks until send says no.
func readFile(n *node, send func(*block) bool) error {
	if n.Size > math.MaxUint32 {
		return fmt.Errorf("write %s: larger than 4 GiB", n.Path)
	}
	r, err := n.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	for left := n.Size; left > 0; {
		data := make([]byte, min(left, blockSize))
		if _, err := io.ReadFull(r, data); err != nil {
			return fmt.Errorf("read %s for %s: %w", n.From, n.Path, err)
		}
		left -= int64(len(data))
		if !send(&block{of: n, data: data, done: make(chan struct{})}) {
			return nil
		}
	}
	return nil
}

// pack compresses the block where that makes it smaller; without p never. A block of zeroes is a
// hole, which takes no room at all.
func (b *block) pack(p *packer) {
	defer close(b.done)
	if isZero(b.data) {
		b.data = nil
		return
	}
	packed := b.data
	if p != nil {
		packed, b.err = p.compress(b.data)
	}
	if len(packed) < len(b.data) {
		b.data, b.size = packed, uint32(len(packed))
		return
	}
	b.size = uint32(len(b.data)) | rawBlock
}

func isZero(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}

// level is as fast as the builder needs; 6 would save 4% of the image.
const level = 3

// packer compresses blocks; its zlib writers are used again and again.
type packer struct{ pool sync.Pool }

func (p *packer) compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(data))
	w, ok := p.pool.Get().(*zlib.Writer)
	if ok {
		w.Reset(&out)
	} else {
		var err error
		if w, err = zlib.NewWriterLevel(&out, level); err != nil {
			return nil, err
		}
	}
	defer p.pool.Put(w)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}
