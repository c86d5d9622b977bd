package control

import (
	"errors"
	"os"
)

// Source is a descriptor that others write to. An interrupted reader gets
// os.ErrDeadlineExceeded.
type Source interface {
	FD() int
	Interrupt()
	Resume()
}

// Door is a source and the goroutine that reads it. A shut door loses nothing:
// what comes waits in the descriptor.
type Door struct {
	Source
	read func()
	done chan struct{}
}

// Open starts read, which ends when the source is interrupted or closed.
func Open(s Source, read func()) *Door {
	d := &Door{Source: s, read: read}
	d.Open()
	return d
}

// Open lets others in, at first and again after Shut.
func (d *Door) Open() {
	d.Resume()
	done := make(chan struct{})
	d.done = done
	go func() {
		d.read()
		close(done)
	}()
}

// Shut waits until all that has come in has been handed on and answered.
func (d *Door) Shut() {
	d.Interrupt()
	<-d.done
}

// over says whether a reader is to end.
func over(err error) bool {
	return errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}
