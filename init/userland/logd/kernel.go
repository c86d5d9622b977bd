package logd

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/logd/ring"
	"slashdev/init/userland/tool"
)

// Names of lines that no program printed.
const (
	kernelName = "kernel"
	initName   = "init"
	ourName    = "logd"
)

// kernelLog copies the kernel's log into the ring, with the kernel's own time.
// Its mark is the kernel's number of the record behind.
type kernelLog struct {
	*Logger
	raw  syscall.RawConn
	mark int64
	list []ring.Record
}

// kernelDelay keeps the kernel's hundreds of lines from the processor while the
// machine boots: the kernel has them.
const kernelDelay = 5 * time.Second

func (l *Logger) readKernel(ctx context.Context) {
	select {
	case <-l.asked: // somebody wants to see lines now
	case <-time.After(kernelDelay):
	case <-ctx.Done():
	}
	l.copyKernel(ctx)
}

// copyKernel reads what is there, says so, and goes on with what comes.
func (l *Logger) copyKernel(ctx context.Context) {
	defer l.caughtUp()
	f := l.cfg.Kernel
	defer interrupt(ctx, f)()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	k := &kernelLog{Logger: l, raw: raw, mark: max(l.ring.Mark(kernelName), l.ring.Mark(initName))}
	for buf := make([]byte, 8<<10); err == nil; { // one read is one record, and this is the longest
		err = k.read(buf)
	}
}

// read waits for records and adds them to the ring.
func (k *kernelLog) read(buf []byte) (err error) {
	e := k.raw.Read(func(fd uintptr) bool {
		err = k.drain(int(fd), buf)
		if err != unix.EAGAIN || len(k.list) > 0 {
			return true
		}
		k.caughtUp()
		return false
	})
	if len(k.list) > 0 {
		_ = k.ring.Add(k.list...) // told by the sources, who lose more
		k.list = k.list[:0]
	}
	if err == nil || err == unix.EAGAIN {
		err = e
	}
	return err
}

// drain reads what is there, at most a batch.
func (k *kernelLog) drain(fd int, buf []byte) error {
	for len(k.list) < batch {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINTR):
			continue // records were overwritten before we read them
		case err != nil:
			return err
		case n == 0:
			return os.ErrClosed
		}
		if rec, ok := kernelRecord(string(buf[:n])); ok && rec.Mark > k.mark {
			k.list, k.mark = append(k.list, rec), rec.Mark
		}
	}
	return nil
}

// kernelRecord reads "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT" and leaves out
// what we have written there ourselves. What PID 1 says is its own.
func kernelRecord(s string) (r ring.Record, ok bool) {
	head, text, _ := strings.Cut(s, ";")
	text, _, _ = strings.Cut(text, "\n")
	f := strings.Split(head, ",")
	if len(f) < 3 {
		return r, false
	}
	prio, err := strconv.ParseUint(f[0], 10, 32)
	seq, err2 := strconv.ParseInt(f[1], 10, 64)
	us, err3 := strconv.ParseInt(f[2], 10, 64)
	if err != nil || err2 != nil || err3 != nil || seq < 0 || us < 0 || us > maxMicros {
		return r, false
	}
	const kern = 0
	r = ring.Record{Name: kernelName, Level: int(prio & 7), Mark: seq + 1, When: time.Duration(us) * time.Microsecond}
	if prio>>3 != kern {
		if text, ok = strings.CutPrefix(text, "init: "); !ok {
			return r, false
		}
		r.Name, r.Level = initName, info
	}
	r.Text = tool.Clean(text)
	return r, true
}

const maxMicros = 1 << 52 // a hundred years
