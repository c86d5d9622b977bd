// Package signals says what a signal to PID 1 is meant to do.
//
// sysvinit, BusyBox and systemd gave the same numbers different meanings. A
// profile is one reading of them, chosen by the boot word init.signals=.
package signals

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Deed is what PID 1 does, in words for the console.
type Deed string

// The deeds.
const (
	Nothing      Deed = ""
	Reload       Deed = "read the plan again"
	Reexec       Deed = "re-execute"
	Reopen       Deed = "reopen initctl"
	ReopenOrHalt Deed = "reopen initctl where it is needed, else halt"
	Close        Deed = "close initctl"
	Halt         Deed = "halt"
	PowerOff     Deed = "power off"
	Reboot       Deed = "reboot"
	Kexec        Deed = "kexec"
	HaltNow      Deed = "halt at once"
	PowerOffNow  Deed = "power off at once"
	RebootNow    Deed = "reboot at once"
	KexecNow     Deed = "kexec at once"
	Afresh       Deed = "start all programs afresh" // systemd's soft reboot
	Rescue       Deed = "stop all programs"
	Start        Deed = "start all programs"
	CtrlAltDel   Deed = "ctrl-alt-del"
	Power        Deed = "read the power status"
	PowerFails   Deed = "power fails"
	BatteryLow   Deed = "battery is low"
	PowerBack    Deed = "power is back"
	Keyboard     Deed = "keyboard request"
	Pause        Deed = "start nothing"
	Resume       Deed = "start what is due"
	Status       Deed = "print status"
	Quiet        Deed = "print no status"
	Debug        Deed = "print signals"
	Normal       Deed = "print no signals"
)

// Orderly is the end that an immediate one leads to.
func (d Deed) Orderly() Deed { return Deed(strings.TrimSuffix(string(d), " at once")) }

// Event names the hooks that the image may have for a deed.
func (d Deed) Event() string {
	return map[Deed]string{
		PowerFails: "powerfail", BatteryLow: "powerfailnow", PowerBack: "powerok", Keyboard: "kbrequest",
	}[d]
}

// Switches are what a deed sets and nothing else happens by.
type Switches struct {
	Paused bool // nothing is started
	Debug  bool // each signal is printed
	Quiet  bool // things are said in the kernel's log only
}

// Set does what d says, if it is of these.
func (s *Switches) Set(d Deed) {
	switch d {
	case Pause, Resume:
		s.Paused = d == Pause
	case Debug, Normal:
		s.Debug = d == Debug
	case Status, Quiet:
		s.Quiet = d == Quiet
	}
}

// Profile is one reading of the signals.
type Profile string

// The profiles.
const (
	Slashdev Profile = "slashdev"
	SysV     Profile = "sysv"
	BusyBox  Profile = "busybox"
	Systemd  Profile = "systemd"
)

// ParseProfile reads the boot word, if there is one. Otherwise, and with a wrong
// one, the profile is Slashdev.
func ParseProfile(word string, given bool) (Profile, error) {
	if p := Profile(word); low[p] != nil || !given {
		return cmp.Or(p, Slashdev), nil
	}
	return Slashdev, fmt.Errorf("init.signals=%s: use slashdev, sysv, busybox or systemd", word)
}

// low has the signals below 32 (devfs-semantics D.4).
var low = map[Profile]map[syscall.Signal]Deed{
	Slashdev: {
		syscall.SIGHUP: Reload, syscall.SIGINT: CtrlAltDel, syscall.SIGQUIT: Reexec,
		syscall.SIGUSR1: ReopenOrHalt, syscall.SIGUSR2: PowerOff, syscall.SIGTERM: Reboot,
		syscall.SIGPWR: Power, syscall.SIGWINCH: Keyboard, syscall.SIGTSTP: Pause, syscall.SIGCONT: Resume,
	},
	SysV: {
		syscall.SIGHUP: Reload, syscall.SIGINT: CtrlAltDel, syscall.SIGUSR1: Reopen, syscall.SIGUSR2: Close,
		syscall.SIGPWR: Power, syscall.SIGWINCH: Keyboard, syscall.SIGTSTP: Pause, syscall.SIGCONT: Resume,
	},
	BusyBox: {
		syscall.SIGHUP: Reload, syscall.SIGINT: CtrlAltDel, syscall.SIGQUIT: Reexec,
		syscall.SIGUSR1: Halt, syscall.SIGUSR2: PowerOff, syscall.SIGTERM: Reboot,
		syscall.SIGPWR: Halt, syscall.SIGTSTP: Pause, syscall.SIGCONT: Resume,
	},
	Systemd: {
		syscall.SIGHUP: Reload, syscall.SIGINT: CtrlAltDel, syscall.SIGTERM: Reexec, syscall.SIGUSR1: Reopen,
		syscall.SIGPWR: Power, syscall.SIGWINCH: Keyboard,
	},
}

// rtmin is SIGRTMIN of glibc, by which systemd counts. Go's runtime keeps 32 to
// 34 to itself: RTMIN+0 cannot be caught.
const rtmin = 34

// realtime has the signals from RTMIN+1 on.
var realtime = map[syscall.Signal]Deed{
	1: Rescue, 2: Rescue, 3: Halt, 4: PowerOff, 5: Reboot, 6: Kexec, 7: Afresh,
	13: HaltNow, 14: PowerOffNow, 15: RebootNow, 16: KexecNow, 17: Afresh,
	20: Status, 21: Quiet, 22: Debug, 23: Normal, 25: Reexec, 27: Status, 28: Quiet,
}

// Meaning is what the signal is to do; most mean nothing.
func (p Profile) Meaning(s syscall.Signal) Deed {
	if s > rtmin && (p == Slashdev || p == Systemd) {
		return realtime[s-rtmin]
	}
	return low[p][s]
}

const (
	force       = 7
	forceWithin = 2 * time.Second
)

// Presses are the last times at which Ctrl-Alt-Del was pressed.
type Presses []time.Time

// Add notes one more and says whether it is the seventh within two seconds: the
// person means it, whatever hangs (P-11).
func (p *Presses) Add(now time.Time) bool {
	*p = append(*p, now)
	if n := len(*p); n > force {
		*p = (*p)[n-force:]
	}
	return len(*p) == force && now.Sub((*p)[0]) <= forceWithin
}

// PowerEvent is what the power status file of a UPS daemon stands for: O power
// is back, L the battery is low; F, anything else and no file at all is a power
// failure.
func PowerEvent(status string) Deed {
	switch {
	case strings.HasPrefix(status, "O"):
		return PowerBack
	case strings.HasPrefix(status, "L"):
		return BatteryLow
	}
	return PowerFails
}

// Caught is every signal that can be caught. The runtime would exit on some of
// them (trap G2). SIGURG is its own, for preemption; 32 to 34 belong to libc
// and are not delivered.
func Caught() []os.Signal {
	var all []os.Signal
	for n := syscall.Signal(1); n <= 64; n++ {
		switch n {
		case syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGURG, 32, 33, 34:
		default:
			all = append(all, n)
		}
	}
	return all
}
