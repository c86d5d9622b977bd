package shell

import (
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// terminal switches a tty between the line editor (raw) and commands (cooked).
type terminal struct {
	file    *os.File
	fd      int
	cooked  unix.Termios
	columns int
}

// openTerminal returns nil when f is not a terminal.
func openTerminal(f *os.File) *terminal {
	if f == nil {
		return nil
	}
	t := &terminal{file: f, fd: int(f.Fd())}
	tio, err := unix.IoctlGetTermios(t.fd, unix.TCGETS)
	if err != nil {
		return nil
	}
	t.cooked = *tio
	if ws, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ); err == nil {
		t.columns = int(ws.Col)
	}
	return t
}

// sane makes a console usable whatever the last program on it did. Ctrl-S
// must not stop output (faults G13), a modem line must not hang up.
func (t *terminal) sane() {
	t.cooked.Iflag = unix.ICRNL | unix.BRKINT | unix.IUTF8
	t.cooked.Oflag = unix.OPOST | unix.ONLCR
	t.cooked.Cflag |= unix.CLOCAL | unix.CREAD
	t.cooked.Lflag = unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL | unix.ECHOKE | unix.IEXTEN
	for i, c := range map[int]byte{
		unix.VINTR: 3, unix.VQUIT: 0x1c, unix.VERASE: 0x7f, unix.VKILL: 0x15, unix.VEOF: 4,
		unix.VMIN: 1, unix.VTIME: 0, unix.VSUSP: 0, unix.VWERASE: 0x17, unix.VLNEXT: 0x16,
	} {
		t.cooked.Cc[i] = c
	}
	unix.IoctlSetInt(t.fd, unix.TCXONC, unix.TCOON)
	t.restore()
}

// raw leaves Enter a newline, so that a line typed ahead is a line for the
// command that reads it.
func (t *terminal) raw() error {
	tio := t.cooked
	tio.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG | unix.IEXTEN
	tio.Iflag &^= unix.INLCR | unix.IGNCR | unix.ISTRIP | unix.IXON
	tio.Cc[unix.VMIN], tio.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(t.fd, unix.TCSETS, &tio); err != nil {
		return fmt.Errorf("set terminal: %w", err)
	}
	return nil
}

func (t *terminal) restore() { unix.IoctlSetTermios(t.fd, unix.TCSETS, &t.cooked) }

// pending reports whether more input has arrived. Bytes are read one by one,
// so that what was typed ahead stays in the kernel for the command that is
// about to run.
func (t *terminal) pending() bool {
	n, err := unix.IoctlGetInt(t.fd, unix.TIOCINQ)
	return err == nil && n > 0
}

// await waits for input, or a hang-up.
func (t *terminal) await(d time.Duration) bool {
	until := time.Now().Add(d)
	for {
		fds := []unix.PollFd{{Fd: int32(t.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(max(time.Until(until), 0).Milliseconds()))
		if err != unix.EINTR {
			return n > 0 || err != nil
		}
	}
}

func (t *terminal) discardInput() { unix.IoctlSetInt(t.fd, unix.TCFLSH, unix.TCIFLUSH) }

// takeForeground puts a shell that was started from another one into a process
// group of its own, so that Ctrl-C here does not end the other shell's
// command. The returned function gives the terminal back.
func (t *terminal) takeForeground() func() {
	if unix.Getpgrp() == unix.Getpid() {
		return func() {}
	}
	old, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err != nil || unix.Setpgid(0, 0) != nil {
		return func() {}
	}
	t.setForeground(unix.Getpid())
	return func() { t.setForeground(old) }
}

// setForeground would stop us by SIGTTOU when we are in the background.
func (t *terminal) setForeground(pgrp int) {
	signal.Ignore(unix.SIGTTOU)
	unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, pgrp)
	signal.Reset(unix.SIGTTOU)
}
