package console

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/cmdline"
)

// KernelLog is the name of the console that is none.
const KernelLog = "kmsg"

// OpenAll opens the kernel's log, whose clock stamps our lines, and every console
// that the kernel has (/proc/consoles text) or may get. With no console at all
// the log is what remains (P-08).
func OpenAll(proc string, words cmdline.Words) (all []*Console, err error) {
	for _, name := range append([]string{KernelLog}, Names(proc, words)...) {
		c, e := Open(name, func() (io.WriteCloser, error) {
			f, err := open("open console", "/devices/"+name, unix.O_WRONLY)
			if name == KernelLog {
				return kmsg{f}, err
			}
			return f, err
		})
		switch {
		case e == nil:
			all = append(all, c)
		case !errors.Is(e, fs.ErrNotExist): // else it has no terminal, or this machine no screen
			err = errors.Join(err, e)
		}
	}
	return all, err
}

// FlushAll waits until what was said has been written, at most a second: a
// console may be stopped.
func FlushAll(all []*Console) {
	late := time.After(time.Second)
	for _, c := range all {
		select {
		case <-c.Flush():
		case <-late:
			return
		}
	}
}

// CloseAll closes consoles once all is written, at most a second each.
func CloseAll(all []*Console) {
	for _, c := range all {
		done := make(chan struct{})
		go func() { c.Close(); close(done) }()
		select {
		case <-done:
		case <-time.After(time.Second):
		}
	}
}

// Terminals are those of the machine.
type Terminals struct{}

// OpenKeys opens a terminal for reading what a person types.
func (Terminals) OpenKeys(path string) (io.ReadCloser, error) {
	return open("open terminal", path, unix.O_RDONLY)
}

// open opens a terminal so that neither the open nor a write can block: a writer
// parks in Go's poller while the line is stopped (trap G13), and the terminal
// does not become ours.
func open(what, path string, flags int) (*os.File, error) {
	fd, err := unix.Open(path, flags|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}
