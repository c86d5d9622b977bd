package devfuse

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Server serves any number of mounts. The zero value is ready.
type Server struct{ buffers sync.Pool }

// Mount is a Tree that is mounted.
type Mount struct {
	server *Server
	tree   *Tree
	path   string
	number string // of the device that the mount is
	dev    *os.File
	raw    syscall.RawConn
	proto  *fuse.ProtocolServer
	slow   sync.WaitGroup // lookups that may wait
	done   chan struct{}
	stop   context.CancelFunc
}

// buffer is for one request: the kernel insists on 8 KiB, and an answer is a
// header, a structure and at most one path.
type buffer struct{ in, out [8 << 10]byte }

const (
	maxListing = 1 << 20 // what the kernel may ask of a directory at once
	maxWrite   = 4 << 10 // nothing is written; this keeps requests small
)

// fsType is what the table of mounts says.
const fsType = "fuse.slashdev"

// options of every mount. Without default_permissions nobody checks modes.
const options = "default_permissions,allow_other"

// Attach mounts a tree at path and serves it until it is unmounted.
func (s *Server) Attach(t *Tree, path string) (*Mount, error) { return s.attach(t, path, options) }

func (s *Server) attach(t *Tree, path, options string) (*Mount, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/fuse: %w", err)
	}
	clearDead(path)
	data := fmt.Sprintf("fd=%d,rootmode=40755,user_id=0,group_id=0,%s", fd, options)
	flags := uintptr(unix.MS_NOSUID | unix.MS_NOEXEC)
	if t.view.Options().ReadOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("slashdev", path, fsType, flags, data); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mount %s: %w", path, err)
	}
	m := newMount(s, t)
	m.path, m.dev = path, os.NewFile(uintptr(fd), "/dev/fuse")
	if m.raw, err = m.dev.SyscallConn(); err != nil {
		return nil, errors.Join(err, m.Detach())
	}
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	go m.run(ctx)
	m.number = numberOf(path)
	return m, nil
}

func newMount(s *Server, t *Tree) *Mount {
	m := &Mount{server: s, tree: t, done: make(chan struct{})}
	m.proto = fuse.NewProtocolServer(t, &fuse.MountOptions{
		DisableReadDirPlus: true, // twice as dear for ls, which looks nothing up
		DisableXAttrs:      true,
		MaxWrite:           maxWrite,
		Logger:             log.New(quiet{}, "", 0),
		PanicHandler:       func(any) fuse.Status { return fuse.EIO },
	})
	return m
}

// clearDead unmounts what a server left that is no more. Attributes may be
// cached still: statfs always asks.
func clearDead(path string) {
	if err := unix.Statfs(path, new(unix.Statfs_t)); err == unix.ENOTCONN {
		unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
}

// quiet is what go-fuse logs to: it complains of requests that we do not have.
type quiet struct{}

func (quiet) Write(b []byte) (int, error) { return len(b), nil }

// run serves until the mount is gone.
func (m *Mount) run(ctx context.Context) {
	defer close(m.done)
	var wg sync.WaitGroup
	wg.Go(func() { m.tree.notify(ctx, m.send) })
	for m.request() {
	}
	m.stop()
	m.dev.Close()
	m.slow.Wait()
	wg.Wait()
}

// Detach unmounts. What is open stays open, and is served until it is closed.
func (m *Mount) Detach() error { return m.unmount(0) }

func (m *Mount) unmount(flags int) error {
	err := unix.Unmount(m.path, flags|unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("unmount %s: %w", m.path, err)
	}
	return nil
}

// Close unmounts and ends serving at once: who still looks something up there
// is refused.
func (m *Mount) Close() error {
	// Force ends the connection: a notification may wait for a lookup that will
	// not be answered any more.
	err := m.unmount(unix.MNT_FORCE)
	m.dev.Close()
	<-m.done
	return err
}

// Done is closed when serving has ended: the mount is gone, and nobody has it
// open any more.
func (m *Mount) Done() <-chan struct{} { return m.done }

// Path returns where it is mounted.
func (m *Mount) Path() string { return m.path }

// request serves one request and says whether there may be another. A mount
// that waits holds neither a thread nor a buffer.
func (m *Mount) request() bool {
	var buf *buffer
	n, fault := 0, error(nil)
	err := m.raw.Read(func(fd uintptr) bool {
		buf = m.server.buffer()
		n, fault = unix.Read(int(fd), buf.in[:])
		if fault == unix.EAGAIN {
			m.server.buffers.Put(buf)
			return false
		}
		return true
	})
	if err != nil {
		return false
	}
	if fault != nil {
		m.server.buffers.Put(buf)
		return fault == unix.EINTR || fault == unix.ENOENT // interrupted before it was read
	}
	if m.tree.cfg.Missing != nil && opcode(buf.in[:n]) == lookup {
		m.slow.Go(func() { m.answer(buf, n) })
		return true
	}
	m.answer(buf, n)
	return true
}

// answer serves the request of n bytes in buf.
func (m *Mount) answer(buf *buffer, n int) {
	defer m.server.buffers.Put(buf)
	if out := m.reply(buf, buf.in[:n]); len(out) > 0 {
		m.send(out)
	}
}

// reply returns the answer to a request, if there is to be one.
func (m *Mount) reply(buf *buffer, in []byte) []byte {
	out := buf.out[:]
	if size := payload(in); size > len(out)/2 {
		out = make([]byte, len(out)+min(size, maxListing))
	}
	n, _ := m.proto.HandleRequest([][]byte{in}, [][]byte{out})
	return out[:n]
}

// send writes an answer or notification. The kernel takes it whole or refuses
// it: who asked is no longer there.
func (m *Mount) send(b []byte) error {
	var err error
	fault := m.raw.Control(func(fd uintptr) { _, err = unix.Write(int(fd), b) })
	return errors.Join(err, fault)
}

// Requests that are looked at before go-fuse is.
const (
	lookup      = 1
	read        = 15
	readDir     = 28
	readDirPlus = 44

	opcodeAt = 4
	sizeAt   = 40 + 16 // in a ReadIn
)

func opcode(in []byte) uint32 {
	if len(in) < opcodeAt+4 {
		return 0
	}
	return binary.NativeEndian.Uint32(in[opcodeAt:])
}

func (s *Server) buffer() *buffer {
	if b, ok := s.buffers.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

// payload returns how much a request wants to read.
func payload(in []byte) int {
	if op := opcode(in); op != read && op != readDir && op != readDirPlus || len(in) < sizeAt+4 {
		return 0
	}
	return int(binary.NativeEndian.Uint32(in[sizeAt:]))
}
