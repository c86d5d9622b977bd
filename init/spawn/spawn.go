// Package spawn starts children: in a control group of their own with the
// plan's settings, and through userland's launch applet where fork and exec are
// not enough. It may block while a program is read from a disk: PID 1's loop
// never calls it.
package spawn

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"slashdev/init/cgroup"
	"slashdev/init/linux"
	"slashdev/init/plan"
	"slashdev/init/roster"
)

// Kernel is what this package needs from the kernel.
type Kernel interface {
	cgroup.Kernel
	Pipe() (r, w int, err error)
	Close(fd int)
	Start(linux.Command) (linux.Process, error)
}

// Order is one life of a child to begin.
type Order struct {
	Entry   roster.Entry
	Command linux.Command // with descriptors, and a control group that does not exist yet
	ReadyFD int           // PID 1's copy of one of these, closed afterwards; -1: none
	Done    func(p linux.Process, refused []string, err error)
}

// Serve carries out orders, one after the other, until there are no more. Only
// who may end the machine is made by a thread that can. Done also hears which
// settings of the plan the kernel did not take.
func Serve(k Kernel, orders <-chan Order) {
	confined := make(chan func())
	defer close(confined)
	go withoutReboot(confined)
	for o := range orders {
		start := func() { o.Done(o.start(k)) }
		if o.Entry.Reboots {
			start()
			continue
		}
		confined <- start
		confined <- func() {} // taken when start is done
	}
}

// withoutReboot runs work on a thread that has given up CAP_SYS_BOOT for good.
// Processes that are made there inherit that, and PID 1 keeps it to itself.
func withoutReboot(work <-chan func()) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_BOOT, 0, 0, 0) // refused to who has no such right himself
	for f := range work {
		f()
	}
}

func (o Order) start(k Kernel) (p linux.Process, refused []string, err error) {
	defer k.Close(o.ReadyFD)
	c := o.Command
	if err := cgroup.Make(k, c.Cgroup); err != nil {
		refused = append(refused, err.Error())
	}
	prog := o.Entry.Plan
	switch {
	case prog != nil:
		refused = append(refused, cgroup.Bound(k, c.Cgroup, prog.Cgroup)...)
	case o.Entry.Role == roster.Shell || o.Entry.Role == roster.Helper:
		refused = append(refused, cgroup.Bound(k, c.Cgroup, nil)...)
	}
	if o.Entry.Launch {
		c.Path, c.Args, c.Dir = roster.Userland, []string{"launch"}, "/"
		fd, err := entry(k, prog)
		if err != nil {
			return p, refused, err
		}
		defer k.Close(fd)
		c.Files = slices.Insert(slices.Clone(c.Files), 3, fd)
	}
	p, err = k.Start(c)
	return p, refused, err
}

// maxEntry is what a pipe takes without a reader.
const maxEntry = 60 << 10

// entry returns a pipe that holds the program's lines of the plan, for launch.
func entry(k Kernel, prog *plan.Program) (fd int, err error) {
	text := prog.Entry()
	if len(text) > maxEntry {
		return -1, fmt.Errorf("%s: its entry in the plan has %d bytes, more than %d", prog.Name, len(text), maxEntry)
	}
	r, w, err := k.Pipe()
	if err != nil {
		return -1, err
	}
	defer k.Close(w)
	if err := k.Write("/proc/self/fd/"+strconv.Itoa(w), text); err != nil {
		k.Close(r)
		return -1, err
	}
	return r, nil
}
