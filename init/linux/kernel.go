// Package linux makes the system calls that PID 1 needs.
//
// Beside it only ipc (sockets, the FIFO) and renew (PID 1 executed anew) talk to
// the kernel in PID 1. It decides nothing. The others say what they need as small
// interfaces, which Kernel satisfies and tests fake.
package linux

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel is the running kernel. Its methods may be called from any goroutine.
type Kernel struct{}

// Mount mounts a file system; see mount(2).
func (Kernel) Mount(source, target, fstype string, flags uintptr, data string) error {
	return wrap("mount "+target, unix.Mount(source, target, fstype, flags, data))
}

// RemountReadOnly makes a mount that cannot be taken away read-only.
func (Kernel) RemountReadOnly(target string) error {
	return wrap("remount "+target, unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
}

// Mkdir makes a folder with exactly this mode; one that exists is kept.
func (Kernel) Mkdir(path string, mode uint32) error {
	if err := unix.Mkdir(path, mode); err != nil {
		if isDir(path) {
			return nil
		}
		return wrap("make folder "+path, err)
	}
	return wrap("chmod "+path, unix.Chmod(path, mode)) // the umask took bits
}

func isDir(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// Symlink makes a link; an existing one is replaced.
func (Kernel) Symlink(target, path string) error {
	err := unix.Symlink(target, path)
	if err == unix.EEXIST && unix.Unlink(path) == nil {
		err = unix.Symlink(target, path)
	}
	return wrap("link "+path, err)
}

// Write writes text to a file of procfs, sysfs or cgroupfs; it makes none.
func (Kernel) Write(path, text string) error {
	fd, err := open("write", path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return wrap("write "+path, err)
}

// Store writes a file of /run anew.
func (Kernel) Store(path string, data []byte) error { return os.WriteFile(path, data, 0o644) }

// Remove removes a file.
func (Kernel) Remove(path string) error { return os.Remove(path) }

// Read returns what a small file holds, at most 1 MiB.
func (Kernel) Read(path string) (string, error) {
	fd, err := open("read", path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var text []byte
	chunk := make([]byte, 4096)
	for len(text) < 1<<20 {
		n, err := unix.Read(fd, chunk)
		if err != nil {
			return "", wrap("read "+path, err)
		}
		if n == 0 {
			break
		}
		text = append(text, chunk[:n]...)
	}
	return string(text), nil
}

// ReadAhead brings files into memory. It may wait for the disk, and says nothing
// of files that are not there.
func (Kernel) ReadAhead(paths ...string) {
	for _, p := range paths {
		if fd, err := open("read", p, unix.O_RDONLY); err == nil {
			_ = unix.Fadvise(fd, 0, 0, unix.FADV_WILLNEED)
			unix.Close(fd)
		}
	}
}

// Sethostname sets the name of the machine.
func (Kernel) Sethostname(name string) error {
	return wrap("set host name "+name, unix.Sethostname([]byte(name)))
}

// CatchCtrlAltDel makes Ctrl-Alt-Del a SIGINT to PID 1 instead of a reset.
func (Kernel) CatchCtrlAltDel() error {
	return wrap("catch ctrl-alt-del", unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF))
}

// Sync writes all dirty pages to the disks. It may block for ever on a dead one.
func (Kernel) Sync() { unix.Sync() }

// The ends that Reboot leads to.
const (
	Halt     = unix.LINUX_REBOOT_CMD_HALT
	PowerOff = unix.LINUX_REBOOT_CMD_POWER_OFF
	Restart  = unix.LINUX_REBOOT_CMD_RESTART
	Kexec    = unix.LINUX_REBOOT_CMD_KEXEC
)

// Reboot ends the machine. It returns only with an error. A restart may have a
// word for the firmware.
func (Kernel) Reboot(cmd int, word string) error {
	if p, err := unix.BytePtrFromString(word); cmd == Restart && word != "" && err == nil {
		_, _, errno := unix.Syscall6(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2,
			unix.LINUX_REBOOT_CMD_RESTART2, uintptr(unsafe.Pointer(p)), 0, 0)
		return wrap("reboot", errno)
	}
	return wrap("reboot", unix.Reboot(cmd))
}

// open opens path for no child to inherit; what says what for.
func open(what, path string, flags int) (int, error) {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	return fd, wrap(what+" "+path, err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
