package signals

import (
	"syscall"
	"testing"
	"time"
)

// expect goes through all numbers; what is not wanted means nothing.
func expect(t *testing.T, p Profile, want map[int]Deed) {
	t.Helper()
	for n := 1; n <= 64; n++ {
		if got := p.Meaning(syscall.Signal(n)); got != want[n] {
			t.Errorf("profile %s, signal %d: got %q, want %q", p, n, got, want[n])
		}
	}
}

// The numbers are those of x86 and ARM; the realtime ones systemd's names for
// them, raw.
func TestP03_EverySignalOfSlashdev(t *testing.T) {
	expect(t, Slashdev, map[int]Deed{
		1: Reload, 2: CtrlAltDel, 3: Reexec, 10: ReopenOrHalt, 12: PowerOff, 15: Reboot,
		18: Resume, 20: Pause, 28: Keyboard, 30: Power,
		35: Rescue, 36: Rescue, 37: Halt, 38: PowerOff, 39: Reboot, 40: Kexec, 41: Afresh,
		47: HaltNow, 48: PowerOffNow, 49: RebootNow, 50: KexecNow, 51: Afresh,
		54: Status, 55: Quiet, 56: Debug, 57: Normal, 59: Reexec, 61: Status, 62: Quiet,
	})
}

func TestP03_EverySignalOfSysV(t *testing.T) {
	expect(t, SysV, map[int]Deed{
		1: Reload, 2: CtrlAltDel, 10: Reopen, 12: Close, 18: Resume, 20: Pause, 28: Keyboard, 30: Power,
	})
}

func TestP03_EverySignalOfBusyBox(t *testing.T) {
	expect(t, BusyBox, map[int]Deed{
		1: Reload, 2: CtrlAltDel, 3: Reexec, 10: Halt, 12: PowerOff, 15: Reboot, 18: Resume, 20: Pause, 30: Halt,
	})
}

func TestP03_EverySignalOfSystemd(t *testing.T) {
	expect(t, Systemd, map[int]Deed{
		1: Reload, 2: CtrlAltDel, 10: Reopen, 15: Reexec, 28: Keyboard, 30: Power,
		35: Rescue, 36: Rescue, 37: Halt, 38: PowerOff, 39: Reboot, 40: Kexec, 41: Afresh,
		47: HaltNow, 48: PowerOffNow, 49: RebootNow, 50: KexecNow, 51: Afresh,
		54: Status, 55: Quiet, 56: Debug, 57: Normal, 59: Reexec, 61: Status, 62: Quiet,
	})
}

func TestParseProfile(t *testing.T) {
	for word, want := range map[string]Profile{"": Slashdev, "slashdev": Slashdev, "sysv": SysV, "busybox": BusyBox, "systemd": Systemd} {
		if p, err := ParseProfile(word, word != ""); p != want || err != nil {
			t.Errorf("%q: got %s, %v", word, p, err)
		}
	}
	if p, err := ParseProfile("", true); p != Slashdev || err == nil {
		t.Errorf("an empty one: got %s, %v", p, err)
	}
	if p, err := ParseProfile("upstart", true); p != Slashdev || err == nil {
		t.Errorf("upstart: got %s, %v", p, err)
	}
}

func TestP11_SevenPressesWithinTwoSeconds(t *testing.T) {
	var p Presses
	at := time.Unix(0, 0)
	for n := range 20 { // three a second: never
		if p.Add(at.Add(time.Duration(n) * 334 * time.Millisecond)) {
			t.Fatalf("slow press %d counts", n+1)
		}
	}
	at = at.Add(time.Hour)
	for n := 1; n <= 7; n++ {
		if got := p.Add(at.Add(time.Duration(n) * 300 * time.Millisecond)); got != (n == 7) {
			t.Errorf("press %d: got %v", n, got)
		}
	}
}

func TestPowerEvent(t *testing.T) {
	for status, want := range map[string]Deed{"F": PowerFails, "L\n": BatteryLow, "OK": PowerBack, "": PowerFails, "x": PowerFails} {
		if got := PowerEvent(status); got != want {
			t.Errorf("%q: got %s, want %s", status, got, want)
		}
	}
}

func TestSwitches(t *testing.T) {
	var s Switches
	for _, d := range []Deed{Pause, Debug, Quiet, Halt} {
		s.Set(d)
	}
	if s != (Switches{true, true, true}) {
		t.Errorf("on: %+v", s)
	}
	for _, d := range []Deed{Resume, Normal, Status} {
		s.Set(d)
	}
	if s != (Switches{}) {
		t.Errorf("off: %+v", s)
	}
}
