package qemu

import "syscall"

// ownProcess keeps QEMU out of the terminal's process group, where Ctrl-C
// would hit it, and lets it die with us.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
