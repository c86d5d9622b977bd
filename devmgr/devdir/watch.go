package devdir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Watcher says when a program that had written to a node has closed it: what
// is on a disk may be something else then.
type Watcher struct {
	fd   int
	file *os.File // the same, for reads that Close ends

	mu   sync.Mutex
	keys map[int32]string
	wds  map[string]int32
}

// NewWatcher returns a Watcher of no node.
func NewWatcher() (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch nodes: %w", err)
	}
	return &Watcher{fd: fd, file: os.NewFile(uintptr(fd), "inotify"), keys: map[int32]string{}, wds: map[string]int32{}}, nil
}

// Add watches the node called name in d; Next will say key. Adding it again
// changes nothing.
func (w *Watcher) Add(d *Dir, name, key string) error {
	fd, err := d.openat(name, 0)
	if err != nil {
		return fmt.Errorf("watch %s: %w", name, err)
	}
	defer unix.Close(fd)
	w.mu.Lock()
	defer w.mu.Unlock()
	wd, err := unix.InotifyAddWatch(w.fd, "/proc/self/fd/"+strconv.Itoa(fd), unix.IN_CLOSE_WRITE)
	if err != nil {
		return fmt.Errorf("watch %s: %w", name, err)
	}
	w.keys[int32(wd)], w.wds[key] = key, int32(wd)
	return nil
}

// Has says whether there is a watch of a key.
func (w *Watcher) Has(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.wds[key]
	return ok
}

// Remove ends the watch of a key, if there is one.
func (w *Watcher) Remove(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wd, ok := w.wds[key]; ok {
		_, _ = unix.InotifyRmWatch(w.fd, uint32(wd)) // the node may have gone already
		w.forget(wd)
	}
}

func (w *Watcher) forget(wd int32) {
	if key, ok := w.keys[wd]; ok {
		delete(w.keys, wd)
		if w.wds[key] == wd {
			delete(w.wds, key)
		}
	}
}

// Next waits for nodes that have been closed after a program wrote to them.
func (w *Watcher) Next() (keys []string, err error) {
	buf := make([]byte, 4096)
	for len(keys) == 0 {
		n, err := w.file.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("watch nodes: %w", err)
		}
		keys = w.parse(buf[:n])
	}
	return keys, nil
}

func (w *Watcher) parse(buf []byte) (keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		mask := binary.NativeEndian.Uint32(buf[4:])
		buf = buf[min(len(buf), unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(buf[12:]))):]
		switch key, ok := w.keys[wd]; {
		case mask&unix.IN_IGNORED != 0:
			w.forget(wd)
		case ok:
			keys = append(keys, key)
		}
	}
	return keys
}

// Close ends all watches, and Next.
func (w *Watcher) Close() error { return w.file.Close() }
