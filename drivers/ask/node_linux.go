package ask

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Node is an open node of /dev.
type Node struct{ *os.File }

// Ioctl implements Device.
func (n Node) Ioctl(request uint32, buf []byte) (int, error) {
	result, _, errno := unix.Syscall(unix.SYS_IOCTL, n.Fd(), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(buf))))
	if errno != 0 {
		return 0, errno
	}
	return int(result), nil
}

// header is struct sg_io_hdr (scsi/sg.h).
type header struct {
	kind, direction      int32
	commandSize, senseTo uint8
	_                    uint16
	size                 uint32
	data, command, sense unsafe.Pointer
	timeout              uint32 // milliseconds
	flags                uint32
	_                    int32
	_                    unsafe.Pointer
	status, masked       uint8
	message, senseSize   uint8
	host, driver         uint16
	left                 int32
	_, info              uint32
}

// SCSI implements Device, with SG_IO.
func (n Node) SCSI(command, answer []byte) (int, error) {
	const request, kind, fromDevice, timeout = 0x2285, 'S', -3, 10_000
	sense := make([]byte, 32)
	h := header{kind: kind, direction: fromDevice, commandSize: uint8(len(command)), senseTo: uint8(len(sense)), size: uint32(len(answer)),
		data: unsafe.Pointer(unsafe.SliceData(answer)), command: unsafe.Pointer(unsafe.SliceData(command)), sense: unsafe.Pointer(unsafe.SliceData(sense)), timeout: timeout}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, n.Fd(), request, uintptr(unsafe.Pointer(&h))); errno != 0 {
		return 0, errno
	}
	if h.status != 0 || h.host != 0 || h.driver != 0 {
		return 0, fmt.Errorf("command 0x%02x refused: status 0x%x, host 0x%x, driver 0x%x, sense % x", command[0], h.status, h.host, h.driver, sense[:min(int(h.senseSize), len(sense))])
	}
	return max(0, len(answer)-max(0, int(h.left))), nil
}

// Driver asks for the driver of a network interface, which may be one that has
// no device: bridge, veth, dummy.
func Driver(name string) (string, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("ask for the driver of %s: %w", name, err)
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	if err != nil {
		return "", fmt.Errorf("ask for the driver of %s: %w", name, err)
	}
	return unix.ByteSliceToString(info.Driver[:]), nil
}
