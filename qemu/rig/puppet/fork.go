package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// orphans makes so many processes whose parent has ended before them; each ends
// once the init has become its parent. They are forked without exec, hence in
// raw system calls only: a child has one thread, and no Go runtime.
func orphans(n int) error {
	for range n {
		pid, errno := fork()
		switch {
		case errno != 0:
			return errno
		case pid == 0:
			orphan()
		}
		if _, err := syscall.Wait4(int(pid), nil, 0, nil); err != nil && err != syscall.EINTR {
			return err
		}
	}
	return nil
}

// zombies makes so many children that have ended and that nobody waits for.
func zombies(n int) error {
	for range n {
		pid, errno := fork()
		switch {
		case errno != 0:
			return errno
		case pid == 0:
			leave()
		}
	}
	return nil
}

// orphan forks again and leaves; the grandchild waits until it belongs to PID 1.
//
//go:nosplit
//go:norace
func orphan() {
	pid, errno := fork()
	if pid != 0 || errno != 0 {
		leave()
	}
	for {
		parent, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		if parent == 1 {
			leave()
		}
		syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
}

//go:nosplit
//go:norace
func fork() (pid uintptr, errno syscall.Errno) {
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	return pid, errno
}

//go:nosplit
//go:norace
func leave() {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
