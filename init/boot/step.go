// Package boot brings the machine from exec to a usable early userspace.
//
// Boot is a table of steps and a loop over it. A step that goes wrong is
// reported with the kernel option that is probably missing, and boot goes on:
// a machine without cgroups is better than none (P-14).
package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Kernel is what the steps need from the kernel.
type Kernel interface {
	Mount(source, target, fstype string, flags uintptr, data string) error
	Mkdir(path string, mode uint32) error
	Symlink(target, path string) error
	Write(path, text string) error
}

// Step is one row of a boot table. It prints itself as the command one would
// type.
type Step interface {
	Do(Kernel) error
	String() string
}

// Do runs the steps in order and returns what went wrong, in order.
func Do(k Kernel, steps []Step) []error {
	var errs []error
	for _, s := range steps {
		if err := s.Do(k); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Mount flags as mount(8) spells them.
const (
	NoSuid = syscall.MS_NOSUID
	NoDev  = syscall.MS_NODEV
	NoExec = syscall.MS_NOEXEC
)

// Mount mounts a file system, and first makes its folder where that is possible.
type Mount struct {
	Type, Target string
	Flags        uintptr
	Data         string
	Config       string // the kernel option it needs
	Optional     bool   // a kernel without it is nothing to report
}

// Do mounts. EBUSY means that the kernel has done it already (devtmpfs).
func (m Mount) Do(k Kernel) error {
	_ = k.Mkdir(m.Target, 0o755) // a read-only root carries the folders; the mount tells if not
	err := k.Mount(m.Type, m.Target, m.Type, m.Flags, m.Data)
	switch {
	case err == nil || errors.Is(err, syscall.EBUSY):
		return nil
	case m.Optional && (errors.Is(err, syscall.ENODEV) || errors.Is(err, fs.ErrNotExist)):
		return nil
	case errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("%w: this kernel lacks %s", err, m.Config)
	}
	return err
}

func (m Mount) String() string {
	s := "mount -t " + m.Type
	if o := m.options(); o != "" {
		s += " -o " + o
	}
	return s + " " + m.Type + " " + m.Target
}

func (m Mount) options() string {
	s := m.Data
	for _, f := range []struct {
		bit  uintptr
		name string
	}{{NoExec, "noexec"}, {NoDev, "nodev"}, {NoSuid, "nosuid"}} {
		if m.Flags&f.bit != 0 && s == "" {
			s = f.name
		} else if m.Flags&f.bit != 0 {
			s = f.name + "," + s
		}
	}
	return s
}

// Dir makes a folder.
type Dir struct {
	Path string
	Mode uint32
}

// Do makes the folder.
func (d Dir) Do(k Kernel) error { return k.Mkdir(d.Path, d.Mode) }

func (d Dir) String() string { return fmt.Sprintf("mkdir -m %04o %s", d.Mode, d.Path) }

// Link makes a symbolic link.
type Link struct{ Target, Path string }

// Do makes the link.
func (l Link) Do(k Kernel) error { return k.Symlink(l.Target, l.Path) }

func (l Link) String() string { return "ln -sf " + l.Target + " " + l.Path }

// Set writes a value to a file of procfs, sysfs or cgroupfs. A kernel without
// the file is nothing to report.
type Set struct{ Path, Value string }

// Do writes the value.
func (s Set) Do(k Kernel) error {
	if err := k.Write(s.Path, s.Value); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s Set) String() string { return "echo '" + strings.TrimSpace(s.Value) + "' > " + s.Path }
