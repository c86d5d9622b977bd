//go:build !linux

package sysfs

import "syscall"

func quickOpen(name string, flags int) (int, error) { return syscall.Open(name, flags, 0) }

func quickClose(fd int) { _ = syscall.Close(fd) }

func quickReadlink(name string, buf []byte) (int, error) { return syscall.Readlink(name, buf) }
