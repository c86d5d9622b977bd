package sysfs

import (
	"syscall"
	"unsafe"
)

// Opening and closing a file of sysfs, and reading a link there, never waits for
// a driver, as reading an attribute may. So Go's scheduler is not told: it would
// take the goroutine's processor away as soon as a call takes 20 us, which on a
// slow machine, or an emulated one, each does, and threads that wake each other
// then cost more than the calls.

const fdcwd = ^uintptr(99) // AT_FDCWD

func quickOpen(name string, flags int) (int, error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	fd, _, errno := syscall.RawSyscall6(syscall.SYS_OPENAT, fdcwd, uintptr(unsafe.Pointer(p)), uintptr(flags), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func quickClose(fd int) { _, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

func quickReadlink(name string, buf []byte) (int, error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_READLINKAT, fdcwd,
		uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
