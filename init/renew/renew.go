// Package renew lets PID 1 execute itself anew, into the version that its file
// holds by now. The process stays the same, so its children stay its children;
// what it knows goes through a sealed memory file.
package renew

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/state"
)

// Census is the tool that finds out what runs when the state is lost.
const Census = "/sbin/userland"

// The arguments of the next PID 1: the descriptor of the memory file, and why
// its state had to be found out again.
const (
	stateOption = "--state="
	lostOption  = "--lost="
)

const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Self is the process that PID 1 is.
type Self struct{}

// Succeed executes PID 1's file anew, with a state, and keeps the descriptors
// open. It returns only with an error; then nothing has changed. No child may be
// in the making: it would inherit them too.
func (Self) Succeed(text []byte, keep []int) error {
	path := os.Args[0] // what the kernel has booted
	if !strings.HasPrefix(path, "/") {
		path = "/proc/self/exe"
	}
	return Exec(path, []string{os.Args[0]}, text, keep)
}

// Found executes init for a machine whose state had to be found out.
func Found(init, why string, text []byte, keep []int) error {
	return Exec(init, []string{init, lostOption + why}, text, keep)
}

// Exec is Succeed for any program; no text, no state. Signals are blocked
// until the next PID 1 catches them; its entry point has those that the runtime lets
// come before wait for it (trap G2).
func Exec(path string, args []string, text []byte, keep []int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
	if text != nil {
		fd, err := save(text)
		if err != nil {
			return fmt.Errorf("save state: %w", err)
		}
		defer unix.Close(fd)
		keep, args = append(keep, fd), append(args, stateOption+strconv.Itoa(fd))
	}
	for _, fd := range keep {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("keep descriptor %d: %w", fd, err)
		}
	}
	var before unix.Sigset_t
	blocked := unix.Sigset_t{Val: [16]uint64{^uint64(1 << (unix.SIGURG - 1))}} // that one is the runtime's
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, &before); err != nil {
		return fmt.Errorf("block signals: %w", err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	err := unix.Exec(path, args, []string{"HOME=/"}) // the entry point wants a word to write over
	return fmt.Errorf("execute %s: %w", path, err)
}

func save(text []byte) (fd int, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	if fd, err = unix.MemfdCreate("state", flags|unix.MFD_NOEXEC_SEAL); err == unix.EINVAL {
		fd, err = unix.MemfdCreate("state", flags) // before Linux 6.3
	}
	if err != nil {
		return -1, err
	}
	if _, err = unix.Pwrite(fd, text, 0); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		unix.Close(fd)
	}
	return fd, err
}

// Inherit returns what the PID 1 before this one knew; nil when there was none,
// because the kernel has only just booted. cgroups is the folder that our first
// PID 1 made. When the state is lost, userland finds out what runs and executes
// PID 1 again; err says then why that was needed (P-09). No state and an error:
// that has failed too.
func Inherit(cgroups string, now time.Time) (*state.State, error) {
	text, err := load(argument(stateOption))
	if _, e := os.Stat(cgroups); err != nil && e != nil {
		return nil, nil
	}
	var s *state.State
	if err == nil {
		s, err = state.Parse(text, now)
	}
	lost := argument(lostOption)
	switch {
	case err == nil && lost != "":
		return s, errors.New(lost)
	case err != nil && lost == "":
		err = errors.Join(err, Exec(Census, []string{"census", os.Args[0], err.Error()}, nil, nil))
	}
	return s, err
}

// argument returns the value of an option. A boot word of the same form leads to
// no memory file.
func argument(option string) string {
	for _, a := range os.Args {
		if value, ok := strings.CutPrefix(a, option); ok {
			return value
		}
	}
	return ""
}

var errUnsealed = errors.New("saved state: no sealed memory file")

func load(number string) (string, error) {
	var st unix.Stat_t
	fd, err := strconv.Atoi(number)
	if err != nil {
		return "", errUnsealed
	}
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || have&seals != seals || unix.Fstat(fd, &st) != nil {
		return "", errUnsealed
	}
	defer unix.Close(fd)
	text := make([]byte, st.Size)
	n, err := unix.Pread(fd, text, 0)
	return string(text[:max(n, 0)]), err
}
