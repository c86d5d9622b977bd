package control

import (
	"errors"
	"maps"
	"os"
	"slices"

	"slashdev/init/notify"
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

// Doors are all doors by name.
type Doors map[string]*Door

// Shut shuts them all in a goroutine of its own, and then calls shut.
func (all Doors) Shut(shut func()) {
	doors := slices.Collect(maps.Values(all))
	go func() {
		for _, d := range doors {
			d.Shut()
		}
		shut()
	}()
}

// Open opens them all again.
func (all Doors) Open() {
	for _, d := range all {
		d.Open()
	}
}

// Keep returns what the next PID 1 must have.
func (all Doors) Keep() (files []notify.File) {
	for name, d := range all {
		files = append(files, notify.File{Name: name, FD: d.FD()})
	}
	return files
}

// over says whether a reader is to end.
func over(err error) bool {
	return errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}
