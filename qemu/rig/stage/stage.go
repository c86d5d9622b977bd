// Package stage turns a fresh set of namespaces into the machine that an init
// expects to find: a root of its own, device nodes, a console; then it becomes
// that init.
//
// It runs as PID 1 of the namespaces, so that what it executes is PID 1 too. The
// user namespace maps root to root, hence /proc/sys is read-only: it is the
// host's.
package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spec is what the root file system holds, and what is executed in it. Paths
// within the root are absolute.
type Spec struct {
	Root     string            // empty folder of the host that becomes the root
	Binds    map[string]string // file or folder in the root -> the host's
	Texts    map[string]string // executable file in the root -> what it holds
	Dirs     []string
	Without  []string          // what is taken away again
	Links    map[string]string // link in the root -> where it leads
	Consoles string            // what /proc/consoles says
	PidMax   string            // of the PID namespace; empty: the kernel's
	Closed   bool              // the init starts with descriptors 0 to 2 closed
	Leak     bool              // it inherits one that somebody left open
	Pending  []syscall.Signal  // what has been sent to it before its first instruction
	Args     []string          // the init, with its name in front
	Env      []string
}

// Where the stage meets the one that started it.
const (
	SpecFD  = 3 // the Spec, as JSON
	ErrorFD = 4 // what went wrong, in words; closed by exec
)

// Enter reads the Spec, builds the machine and becomes its init. It returns only
// with an error.
func Enter() error {
	runtime.LockOSThread() // a cgroup namespace belongs to a thread, and exec keeps that of its caller
	var s Spec
	in := os.NewFile(SpecFD, "spec")
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	in.Close()
	for _, step := range []func() error{s.newRoot, s.fill, s.proc, s.without, s.pivot} {
		if err := step(); err != nil {
			return err
		}
	}
	s.descriptors()
	if err := s.signal(); err != nil {
		return err
	}
	return &fs.PathError{Op: "exec", Path: s.Args[0], Err: unix.Exec(s.Args[0], s.Args, s.Env)}
}

// signal blocks all signals and sends those that the init is to find.
func (s *Spec) signal() error {
	if len(s.Pending) == 0 {
		return nil
	}
	all := unix.Sigset_t{Val: [16]uint64{^uint64(0)}}
	errs := []error{unix.PthreadSigmask(unix.SIG_BLOCK, &all, nil)}
	for _, sig := range s.Pending {
		errs = append(errs, unix.Tgkill(os.Getpid(), unix.Gettid(), sig))
	}
	return errors.Join(errs...)
}

// descriptors are what the kernel leaves an init: 0 to 2 on the console, or none.
func (s *Spec) descriptors() {
	first := uint(3)
	if s.Closed {
		first = 0
	}
	_ = unix.CloseRange(first, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
	if s.Leak {
		_, _ = unix.Open("/etc/passwd", unix.O_RDONLY, 0) // not closed by exec
	}
}

func (s *Spec) newRoot() error {
	// Without cgroups the machine must work too; a namespace hides the host's.
	_ = unix.Unshare(unix.CLONE_NEWCGROUP)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return &fs.PathError{Op: "make private", Path: "/", Err: err}
	}
	return mount("tmpfs", s.Root, "tmpfs", 0)
}

func mount(source, target, fstype string, flags uintptr) error {
	if err := unix.Mount(source, target, fstype, flags, ""); err != nil {
		return &fs.PathError{Op: "mount " + source + " on", Path: target, Err: err}
	}
	return nil
}

// in is a path of the root while it is still a folder of the host.
func (s *Spec) in(path string) string { return filepath.Join(s.Root, path) }

func (s *Spec) fill() error {
	var errs []error
	for _, d := range s.Dirs {
		errs = append(errs, os.MkdirAll(s.in(d), 0o755))
	}
	for path, text := range s.Texts {
		errs = append(errs, os.MkdirAll(filepath.Dir(s.in(path)), 0o755), os.WriteFile(s.in(path), []byte(text), 0o755))
	}
	for path, source := range s.Binds {
		errs = append(errs, s.bind(path, source))
	}
	for path, target := range s.Links {
		errs = append(errs, os.MkdirAll(filepath.Dir(s.in(path)), 0o755), os.Symlink(target, s.in(path)))
	}
	return errors.Join(errs...)
}

// without removes what the machine must do without; a mount goes first.
func (s *Spec) without() error {
	var errs []error
	for _, path := range s.Without {
		_ = unix.Unmount(s.in(path), unix.MNT_DETACH)
		errs = append(errs, os.RemoveAll(s.in(path)))
	}
	return errors.Join(errs...)
}

func (s *Spec) bind(path, source string) error {
	st, err := os.Stat(source)
	if err != nil {
		return err
	}
	point := s.in(path)
	if st.IsDir() {
		err = os.MkdirAll(point, 0o755)
	} else {
		err = errors.Join(os.MkdirAll(filepath.Dir(point), 0o755), os.WriteFile(point, nil, 0o644))
	}
	if err != nil {
		return err
	}
	return mount(source, point, "", unix.MS_BIND)
}

// proc is mounted beforehand (an init that mounts it again is told EBUSY), so
// that the console's name can be laid over it and the host's settings locked.
func (s *Spec) proc() error {
	if err := mount("proc", s.in("/proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
		return err
	}
	if s.PidMax != "" {
		if err := os.WriteFile(s.in("/proc/sys/kernel/pid_max"), []byte(s.PidMax), 0o644); err != nil {
			return err
		}
	}
	consoles, sysrq := s.in("/rig/consoles"), s.in("/proc/sysrq-trigger")
	err := mount("/dev/null", sysrq, "", unix.MS_BIND)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // a kernel without
	}
	return errors.Join(err,
		os.WriteFile(consoles, []byte(s.Consoles), 0o644),
		mount(consoles, s.in("/proc/consoles"), "", unix.MS_BIND),
		mount(s.in("/proc/sys"), s.in("/proc/sys"), "", unix.MS_BIND),
		mount("", s.in("/proc/sys"), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC),
	)
}

// pivot makes the folder the root and lets go of the host's.
func (s *Spec) pivot() error {
	if err := mount(s.in("/devices"), s.in("/dev"), "", unix.MS_BIND|unix.MS_REC); err != nil {
		return err
	}
	if err := os.Chdir(s.Root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return &fs.PathError{Op: "pivot to", Path: s.Root, Err: err}
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return &fs.PathError{Op: "let go of", Path: "the host's root", Err: err}
	}
	return os.Chdir("/")
}

// Namespaces are those that the stage runs in.
const Namespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET
