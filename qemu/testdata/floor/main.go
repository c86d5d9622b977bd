// Command init is the least that a Go program can be as PID 1: the floor under
// the boot times. It imports syscall only, says one line, shows what the
// kernel's clock says of it, and powers off.
package main

import "syscall"

func main() {
	_ = syscall.Mount("devtmpfs", "/dev", "devtmpfs", 0, "") // EBUSY: the kernel has
	console, _ := syscall.Open("/dev/console", syscall.O_WRONLY, 0)
	log, _ := syscall.Open("/dev/kmsg", syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	_, _ = syscall.Write(console, []byte("floor: up\r\n"))
	_, _ = syscall.Write(log, []byte("<31>floor: up\n"))
	record := make([]byte, 8192)
	for {
		n, err := syscall.Read(log, record)
		if err == syscall.EPIPE {
			continue // records were overwritten
		}
		if err != nil {
			break
		}
		_, _ = syscall.Write(console, record[:n])
	}
	_, _ = syscall.Write(console, []byte("floor: done\r\n"))
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}
