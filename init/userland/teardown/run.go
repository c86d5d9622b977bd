package teardown

import (
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"time"
)

// Kernel is what the steps need from the kernel.
type Kernel interface {
	Root() fs.FS
	KillAll(sig syscall.Signal) error
	Swapoff(path string) error
	Unmount(target string, lazy bool) error
	Detach(verb, name string) error
	RemountReadOnly(target string) error
	Sync()
}

// Patience is how long one step may take. Some hundred MB of cache may have to
// go to a slow card.
const Patience = 10 * time.Second

// maxRounds bounds how deep file systems may lie on devices on file systems.
const maxRounds = 8

// Run takes everything down and returns what stayed up and why.
func Run(k Kernel) []error {
	errs := Do(k, First(k.Root()))
	var left []error
	steps := Plan(k.Root())
	for range maxRounds {
		left = Do(k, steps)
		before := steps
		if steps = Plan(k.Root()); len(steps) == 0 || slices.Equal(steps, before) {
			break
		}
	}
	return slices.Concat(errs, left, Do(k, Last(k.Root())))
}

// Do runs the steps and returns what went wrong; it leaves none out.
func Do(k Kernel, steps []Step) []error {
	var errs []error
	for _, s := range steps {
		done := make(chan error, 1)
		go func() { done <- do(k, s) }()
		select {
		case err := <-done:
			if err != nil {
				errs = append(errs, err)
			}
		case <-time.After(Patience):
			errs = append(errs, fmt.Errorf("%s: no answer after %s", s, Patience))
		}
	}
	return errs
}

func do(k Kernel, s Step) error {
	switch s.Verb {
	case Kill:
		return k.KillAll(syscall.SIGKILL)
	case Swapoff:
		return k.Swapoff(s.Target)
	case Lazy, Unmount:
		return k.Unmount(s.Target, s.Verb == Lazy)
	case Remount:
		return k.RemountReadOnly(s.Target)
	case Sync:
		k.Sync()
		return nil
	}
	return k.Detach(s.Verb, s.Target)
}
