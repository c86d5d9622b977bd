// Package files holds the descriptors that PID 1 opens for its children and
// keeps: the pipes between them and the logger. Because PID 1 has both ends of
// each, neither a restarted program nor a restarted logger loses a line (S-05).
package files

import (
	"fmt"
	"slices"
	"strings"

	"slashdev/init/notify"
)

// Kernel is what this package needs from the kernel.
type Kernel interface {
	Bind(spec string) (fd int, err error)
	Open(path string) (fd int, err error)
	Pipe() (r, w int, err error)
}

// Table is the descriptors of all children.
type Table struct {
	k          Kernel
	kept       map[string]int // what the PID 1 before this one had, by name
	null, kmsg int
	reads      []notify.File // what the logger reads, by program
	writes     []int
	sockets    []notify.File // by program and spelling
	errs       []error
}

// New opens what children share. Pipes and sockets that were kept are used
// again.
func New(k Kernel, kept map[string]int) *Table {
	t := &Table{k: k, kept: kept}
	var err error
	if t.null, err = k.Open("/dev/null"); err != nil {
		t.errs = append(t.errs, err)
	}
	if t.kmsg, err = k.Open("/devices/kmsg"); err != nil {
		t.kmsg = t.null
	}
	return t
}

// Child returns the descriptors, from 0, of a child that prints under this
// name: no input, all output into the pipe.
func (t *Table) Child(name string) []int {
	for i := range t.reads {
		if t.reads[i].Name == name {
			return []int{t.null, t.writes[i], t.writes[i]}
		}
	}
	r, w := t.kept["read:"+name], t.kept["write:"+name]
	var err error
	if r == 0 || w == 0 {
		r, w, err = t.k.Pipe()
	}
	if err != nil {
		t.errs = append(t.errs, err)
		return []int{t.null, t.null, t.null}
	}
	t.reads, t.writes = append(t.reads, notify.File{Name: name, FD: r}), append(t.writes, w)
	return []int{t.null, w, w}
}

// devLog is the socket that /dev/log leads to.
const devLog = "unixgram:/run/slashdev/log"

// Logger returns the descriptors of the logger, and those that are handed to it
// by name: the pipes, and the socket of /dev/log. What it has to say itself goes to the kernel's log.
func (t *Table) Logger() (own []int, passed []notify.File) {
	return []int{t.null, t.kmsg, t.kmsg}, append(t.Sockets("logd", []string{devLog}), t.reads...)
}

// Sockets opens the sockets that a program serves. Their names are what the plan
// calls them, with dashes for the colons, which separate names.
func (t *Table) Sockets(program string, specs []string) (all []notify.File) {
	for _, spec := range specs {
		name := "listen:" + program + ":" + spec
		fd, err := t.kept[name], error(nil)
		if fd == 0 {
			fd, err = t.k.Bind(spec)
		}
		if err != nil {
			t.errs = append(t.errs, fmt.Errorf("%s: %w", program, err))
			continue
		}
		t.sockets = append(t.sockets, notify.File{Name: name, FD: fd})
		all = append(all, notify.File{Name: strings.ReplaceAll(spec, ":", "-"), FD: fd})
	}
	return all
}

// With returns the list of descriptors files with fd in the place of descriptor
// n. What lies between is closed in the child.
func With(files []int, n, fd int) []int {
	files = slices.Clone(files)
	for len(files) <= n {
		files = append(files, -1)
	}
	files[n] = fd
	return files
}

// Keep returns all that the next PID 1 must have.
func (t *Table) Keep() []notify.File {
	all := slices.Clone(t.sockets)
	for i, f := range t.reads {
		all = append(all, notify.File{Name: "read:" + f.Name, FD: f.FD}, notify.File{Name: "write:" + f.Name, FD: t.writes[i]})
	}
	return all
}

// Errors returns what has gone wrong so far.
func (t *Table) Errors() []error { return t.errs }
