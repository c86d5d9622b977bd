package watchdog

import (
	"fmt"

	"golang.org/x/sys/unix"

	"slashdev/init/notify"
)

// hardware is a watchdog of the kernel's (Documentation/watchdog/watchdog-api.rst).
type hardware struct {
	fd, seconds int
	said        string
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
// is kept, say) a quarter of it before. Devices have their limits: what they took
// is read back.
func start(fd, seconds int) Device {
	_ = unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, seconds) // then it keeps its own
	seconds, err := unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT)
	if err != nil || seconds <= 0 {
		seconds = 10 // unknown: be quick
	}
	w := &hardware{fd, seconds, fmt.Sprintf("watchdog armed: the machine is reset after %d s of silence", seconds)}
	_ = unix.IoctlSetPointerInt(fd, unix.WDIOC_SETPRETIMEOUT, seconds/4)
	if warning, err := unix.IoctlGetInt(fd, unix.WDIOC_GETPRETIMEOUT); err == nil && warning > 0 {
		w.said += fmt.Sprintf(", and the kernel acts %d s before", warning)
	}
	if why, err := unix.IoctlGetInt(fd, unix.WDIOC_GETBOOTSTATUS); err == nil && why&unix.WDIOF_CARDRESET != 0 {
		w.said += "; it was the watchdog that reset it last"
	}
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

func (w *hardware) Took() (int, string) { return w.seconds, w.said }

func (w *hardware) Feed() error {
	if _, err := unix.Write(w.fd, []byte{0}); err != nil {
		return fmt.Errorf("feed watchdog: %w", err)
	}
	return nil
}

func (w *hardware) Disarm() {
	_, _ = unix.Write(w.fd, []byte("V")) // magic close
	unix.Close(w.fd)
}
