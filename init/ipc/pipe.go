package ipc

import "golang.org/x/sys/unix"

// Pipe makes a pipe whose ends no child inherits by accident.
func (Host) Pipe() (r, w int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, wrap("make pipe", err)
	}
	return p[0], p[1], nil
}

// IsPipe says whether a descriptor is a pipe: closing one never waits.
func (Host) IsPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// LoopbackUp raises lo; the kernel gives it 127.0.0.1 and ::1 by itself.
func (Host) LoopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return wrap("raise lo", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return wrap("raise lo", err)
	}
	ifr.SetUint16(unix.IFF_UP)
	return wrap("raise lo", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr))
}
