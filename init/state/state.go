// Package state is what one PID 1 hands to the next when it executes itself
// anew: a text that names every child, where it stands, and every descriptor
// that stays open. It only writes and reads the text.
//
//	slashdev-state 1 LENGTH CHECKSUM
//	machine started=-5000000 stage=2 plan="slashdev-plan 1\n" files="control 5"
//	unit name=hello state=up wanted=true starts=1 pid=103 pidfd=12 stored="view 14"
//
// Times are nanoseconds from the moment of writing. A text that is cut short,
// damaged, or holds a word that this version does not know is refused whole
// (P-09); words that it lacks are zero, so that a newer PID 1 reads an older
// one's.
package state

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"slashdev/init/children"
	"slashdev/init/line"
	"slashdev/init/linux"
	"slashdev/init/notify"
	"slashdev/init/signals"
)

const version = "1"

// Ready is the stage of a machine that has booted.
const Ready = 2

// State is all that PID 1 knows and cannot find out again.
type State struct {
	Started time.Time
	Stage   int
	Gate    time.Time
	Plan    string          // the text of the plan that is in force
	Devices map[string]bool // the names that devmgr has announced
	Level   []string        // the run level and its variables, as children get them
	Rescued bool            // it is without programs
	signals.Switches
	Files []notify.File // descriptors by what they are for
	Units []Unit
}

// Unit is a child and its process.
type Unit struct {
	children.Child // but its Policy, which the plan says
	Status         string
	Failures       int // failed health checks in a row
	Proc           linux.Process
	Lives          int
	Left           []string // control groups of earlier lives that are still in use
	Stored         notify.Store
}

// Kept returns the descriptors by what they are for.
func (s *State) Kept() map[string]int {
	kept := map[string]int{}
	for _, f := range s.Files {
		kept[f.Name] = f.FD
	}
	return kept
}

// FDs returns every descriptor that must stay open.
func (s *State) FDs() (fds []int) {
	files := s.Files
	for _, u := range s.Units {
		files = append(append(files, u.Stored...), notify.File{FD: u.Proc.FD})
	}
	for _, f := range files {
		if f.FD > 0 {
			fds = append(fds, f.FD)
		}
	}
	return fds
}

// Append writes s behind dst.
func (s *State) Append(dst []byte, now time.Time) []byte {
	body := appendFields([]byte("machine"), s.fields(), now)
	for i := range s.Units {
		body = appendFields(append(body, "unit"...), s.Units[i].fields(), now)
	}
	dst = fmt.Appendf(dst, "slashdev-state %s %d %d\n", version, len(body), crc32.ChecksumIEEE(body))
	return append(dst, body...)
}

// Parse reads what Append has written.
func Parse(text string, now time.Time) (*State, error) {
	head, body, _ := strings.Cut(text, "\n")
	var kind, v string
	var length int
	var sum uint32
	if n, _ := fmt.Sscan(head, &kind, &v, &length, &sum); n != 4 || kind != "slashdev-state" {
		return nil, errors.New("saved state: no header")
	}
	if v != version {
		return nil, fmt.Errorf("saved state of version %.20q: this init reads version %s", v, version)
	}
	if len(body) != length || crc32.ChecksumIEEE([]byte(body)) != sum {
		return nil, errors.New("saved state is damaged: length or checksum differs")
	}
	s := &State{Devices: map[string]bool{}}
	for l := range strings.Lines(body) {
		if err := s.line(strings.TrimSuffix(l, "\n"), now); err != nil {
			return nil, fmt.Errorf("saved state: %w", err)
		}
	}
	return s, nil
}

func (s *State) line(l string, now time.Time) error {
	words, err := line.Split(l)
	switch {
	case err != nil:
		return err
	case len(words) > 0 && words[0] == "machine":
		return setFields(s.fields(), words[1:], now)
	case len(words) > 0 && words[0] == "unit":
		s.Units = append(s.Units, Unit{Proc: linux.Process{FD: -1}})
		return setFields(s.Units[len(s.Units)-1].fields(), words[1:], now)
	}
	return fmt.Errorf("unknown line %.40q: made by a newer init", l)
}
