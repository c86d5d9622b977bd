// Package runlevel keeps what sysvinit's tools read of and write to PID 1: the
// run level, the INIT_ variables, the record in utmp, and the meaning of the
// requests that come by initctl(5).
package runlevel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"slashdev/init/initreq"
	"slashdev/init/signals"
)

// Version is INIT_VERSION. halt(8) of sysvinit believes RUNLEVEL only beside it.
const Version = "INIT_VERSION=slashdev"

const (
	none         = 'N' // the level before the first
	maxVariables = 16
)

// State is the run level and the variables that requests have set. The zero
// value is a machine before its first level.
type State struct {
	level, previous byte
	variables       []string // INIT_NAME=VALUE
}

// Enter notes the level that a deed leads to.
func (s *State) Enter(d signals.Deed) {
	level, ok := levels[d]
	if ok && level != s.level {
		s.previous, s.level = s.level, level
	}
}

var levels = map[signals.Deed]byte{
	signals.Halt: '0', signals.PowerOff: '0', signals.Reboot: '6', signals.Kexec: '6',
	signals.Rescue: '1', signals.Start: '3', signals.Afresh: '3',
}

func named(level byte) string {
	if level == 0 {
		level = none
	}
	return string(rune(level))
}

// Environ is what every child gets of it.
func (s *State) Environ() []string {
	return append([]string{Version, "RUNLEVEL=" + named(s.level), "PREVLEVEL=" + named(s.previous)}, s.variables...)
}

// Restore returns the State whose Environ this was.
func Restore(environ []string) (s State) {
	for _, v := range environ {
		switch name, value, _ := strings.Cut(v, "="); {
		case name == "RUNLEVEL" && len(value) == 1 && value[0] != none:
			s.level = value[0]
		case name == "PREVLEVEL" && len(value) == 1 && value[0] != none:
			s.previous = value[0]
		case strings.HasPrefix(name, "INIT_") && v != Version:
			s.variables = append(s.variables, v)
		}
	}
	return s
}

// get returns the value of a variable; "" when it is not set.
func (s *State) get(name string) string {
	for _, v := range s.variables {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// setEnv acts on the data of a request that sets variables: NAME=VALUE sets,
// NAME unsets, each with a NUL behind it. Names that do not begin with INIT_,
// or one too many, are left out and reported; so is an end without NUL, which
// was cut off.
func (s *State) setEnv(data []byte) error {
	var errs []error
	for len(data) > 0 && data[0] != 0 {
		entry, rest, ok := bytes.Cut(data, []byte{0})
		if !ok {
			return errors.Join(append(errs, errors.New("set environment: the last entry has no end"))...)
		}
		data = rest
		errs = append(errs, s.set(string(entry)))
	}
	return errors.Join(errs...)
}

func (s *State) set(entry string) error {
	name, _, sets := strings.Cut(entry, "=")
	if !strings.HasPrefix(name, "INIT_") || name == "INIT_VERSION" || !isName(name) {
		return fmt.Errorf("set environment: %.32q: only INIT_ names can be set", name)
	}
	kept := s.variables[:0:0]
	for _, v := range s.variables {
		if !strings.HasPrefix(v, name+"=") {
			kept = append(kept, v)
		}
	}
	s.variables = kept
	if !sets {
		return nil
	}
	if len(s.variables) == maxVariables {
		return fmt.Errorf("set environment: %s: %d variables are set already", name, maxVariables)
	}
	s.variables = append(s.variables, entry)
	return nil
}

func isName(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}

// Act notes what a request says and returns what it asks for (devfs-semantics
// D.2).
func (s *State) Act(r initreq.Request) (signals.Deed, error) {
	switch r.Cmd {
	case initreq.RunLevel:
		return s.enter(r.RunLevel)
	case initreq.PowerFail:
		return signals.PowerFails, nil
	case initreq.PowerFailNow:
		return signals.BatteryLow, nil
	case initreq.PowerOK:
		return signals.PowerBack, nil
	case initreq.SetEnv:
		return signals.Nothing, s.setEnv(r.Data[:])
	case initreq.Start:
		return signals.Nothing, nil
	}
	return signals.Nothing, fmt.Errorf("initctl request %d: passed over", r.Cmd)
}

// enter finds what a run level stands for. The levels 2 to 5 and 7 to 9 are all
// the normal one; a, b and c have nothing to start.
func (s *State) enter(level byte) (signals.Deed, error) {
	switch level {
	case '0':
		if s.get("INIT_HALT") == "HALT" {
			return signals.Halt, nil
		}
		return signals.PowerOff, nil
	case '6':
		return signals.Reboot, nil
	case '1', 'S', 's':
		return signals.Rescue, nil
	case '2', '3', '4', '5', '7', '8', '9':
		return signals.Start, nil
	case 'Q', 'q':
		return signals.Reload, nil
	case 'U', 'u':
		return signals.Reexec, nil
	case 'a', 'b', 'c', 'A', 'B', 'C':
		return signals.Nothing, nil
	}
	return signals.Nothing, fmt.Errorf("run level %q: there is none", rune(level))
}

// The RUN_LVL record of utmp(5): type 1 at 0, the pid at 4, the line, id and
// user names, and a time whose place depends on the machine.
const (
	runLvl = 1
	atPid  = 4
	atLine = 8
	atID   = 40
	atUser = 44
)

// Utmp is the record that says the run level: sysvinit's halt looks for it. wide
// is how arm64 has it, with 64-bit times.
func (s *State) Utmp(now time.Time, wide bool) []byte {
	b := make([]byte, 384)
	if wide {
		b = make([]byte, 400)
		binary.NativeEndian.PutUint64(b[344:], uint64(now.Unix()))
	} else {
		binary.NativeEndian.PutUint32(b[340:], uint32(now.Unix()))
	}
	binary.NativeEndian.PutUint16(b, runLvl)
	binary.NativeEndian.PutUint32(b[atPid:], uint32(named(s.level)[0])+256*uint32(named(s.previous)[0]))
	copy(b[atLine:], "~")
	copy(b[atID:], "~~")
	copy(b[atUser:], "runlevel")
	return b
}
