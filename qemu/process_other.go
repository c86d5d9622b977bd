//go:build unix && !linux

package qemu

import "syscall"

// ownProcess keeps QEMU out of the terminal's process group, where Ctrl-C
// would hit it.
func ownProcess() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
