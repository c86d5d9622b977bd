package watchdog

import (
	"fmt"

	"golang.org/x/sys/unix"

	"slashdev/init/notify"
)

// hardware is a watchdog of the kernel's (Documentation/watchdog/watchdog-api.rst).
type hardware struct {
	fd               int
	seconds, warning int
	fired            bool
}

// Open opens the device at path, which starts it.
func Open(path string, seconds int) (Device, error) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("arm watchdog %s: %w", path, err)
	}
	return start(fd, seconds), nil
}

// Kept is Open for a device that is open already; 0 is none.
func Kept(fd int) func(path string, seconds int) (Device, error) {
	if fd == 0 {
		return Open
	}
	return func(_ string, seconds int) (Device, error) { return start(fd, seconds), nil }
}

// start asks for a timeout in seconds, and for the kernel's action (a panic that
// is kept, say) a quarter of it before. Devices have their limits: Took says what
// came of it.
func start(fd, seconds int) Device {
	w := &hardware{fd: fd}
	_ = unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, seconds) // then it keeps its own
	var err error
	if w.seconds, err = unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT); err != nil || w.seconds <= 0 {
		w.seconds = 10 // unknown: be quick
	}
	if info, err := unix.IoctlGetWatchdogInfo(fd); err == nil && info.Options&unix.WDIOF_PRETIMEOUT != 0 {
		_ = unix.IoctlSetPointerInt(fd, unix.WDIOC_SETPRETIMEOUT, w.seconds/4)
		w.warning, _ = unix.IoctlGetInt(fd, unix.WDIOC_GETPRETIMEOUT)
	}
	status, _ := unix.IoctlGetInt(fd, unix.WDIOC_GETBOOTSTATUS)
	w.fired = status > 0 && status&unix.WDIOF_CARDRESET != 0
	return w
}

// Keep returns what the next PID 1 must have: a device that is closed may stop,
// or reset the machine.
func (k *Keeper) Keep() []notify.File {
	if w, ok := k.dev.(*hardware); ok {
		return []notify.File{{Name: "watchdog", FD: w.fd}}
	}
	return nil
}

func (w *hardware) Took() (seconds, warning int, fired bool) { return w.seconds, w.warning, w.fired }

func (w *hardware) Feed() error {
	if _, err := unix.Write(w.fd, []byte{0}); err != nil {
		return fmt.Errorf("feed watchdog: %w", err)
	}
	return nil
}

func (w *hardware) Disarm() {
	_, _ = unix.Write(w.fd, []byte("V"))
	unix.Close(w.fd)
}
