package linux

import "golang.org/x/sys/unix"

// Watchdog is an armed hardware watchdog: the machine is reset when it is not
// fed for as long as its timeout.
type Watchdog struct{ fd int }

// ArmWatchdog opens the watchdog, which starts it, and asks for a timeout in
// seconds. It returns the one that the device took; devices have their limits.
func (Kernel) ArmWatchdog(path string, seconds int) (*Watchdog, int, error) {
	fd, err := open("arm watchdog", path, unix.O_WRONLY)
	if err != nil {
		return nil, 0, err
	}
	_ = unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, seconds) // then it keeps its own
	took, err := unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT)
	if err != nil || took <= 0 {
		took = 10 // unknown: be quick
	}
	return &Watchdog{fd}, took, nil
}

// Feed starts the timeout afresh.
func (w *Watchdog) Feed() error {
	_, err := unix.Write(w.fd, []byte{0})
	return wrap("feed watchdog", err)
}

// Disarm stops it (magic close), for a machine that is halted on purpose.
func (w *Watchdog) Disarm() {
	_, _ = unix.Write(w.fd, []byte("V"))
	unix.Close(w.fd)
}
