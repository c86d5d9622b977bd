package teardown

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// System is the running kernel. Devices are found below /devices.
type System struct{}

// Root is the file system as it is.
func (System) Root() fs.FS { return os.DirFS("/") }

// KillAll sends a signal to every process but this one and PID 1.
func (System) KillAll(sig syscall.Signal) error {
	if err := unix.Kill(-1, sig); err != unix.ESRCH {
		return wrap("kill", "-1", err)
	}
	return nil
}

// Unmount takes a mount away: now, or lazily, as soon as nobody is in it.
func (System) Unmount(target string, lazy bool) error {
	flags := unix.UMOUNT_NOFOLLOW
	if lazy {
		flags |= unix.MNT_DETACH
	}
	return wrap(Unmount, target, unix.Unmount(target, flags))
}

// RemountReadOnly makes a mount that cannot be taken away read-only.
func (System) RemountReadOnly(target string) error {
	return wrap(Remount, target, unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
}

// Sync writes what has not been written.
func (System) Sync() { unix.Sync() }

// Swapoff stops swapping to a file or device.
func (System) Swapoff(path string) error {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return fmt.Errorf("swapoff %s: %w", path, err)
	}
	return wrap(Swapoff, path, call(unix.SYS_SWAPOFF, p))
}

// Detach does the step: Loop, Mapper or Array.
func (System) Detach(verb, name string) error {
	switch verb {
	case Loop:
		return wrap(verb, name, ioctl(name, unix.LOOP_CLR_FD, nil))
	case Array:
		return wrap(verb, name, ioctl(name, stopArray, nil))
	case Mapper:
		return wrap(verb, name, ioctl("mapper/control", removeMapped, request(name)))
	}
	return wrap(verb, name, unix.EINVAL)
}

// From <linux/raid/md_u.h> and <linux/dm-ioctl.h>.
const (
	stopArray    = 0x932      // STOP_ARRAY
	removeMapped = 0xc138fd04 // DM_DEV_REMOVE
	requestSize  = 312        // struct dm_ioctl
)

// request is a struct dm_ioctl that names a device: the version of the
// interface, the size, and the name at 48.
func request(name string) []byte {
	b := make([]byte, requestSize)
	binary.NativeEndian.PutUint32(b, 4)
	binary.NativeEndian.PutUint32(b[12:], requestSize)
	copy(b[48:175], name)
	return b
}

func wrap(verb, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", verb, name, err)
}
