package teardown

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func call(number uintptr, arg *byte) error {
	if _, _, errno := unix.Syscall(number, uintptr(unsafe.Pointer(arg)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func ioctl(device string, request uintptr, arg []byte) error {
	fd, err := unix.Open("/devices/"+device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(unsafe.SliceData(arg)))); errno != 0 {
		return errno
	}
	return nil
}
