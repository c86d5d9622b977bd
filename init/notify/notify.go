// Package notify decodes what programs tell PID 1 in the words of sd_notify(3),
// says whose words they are, and keeps the descriptors that they store. It is
// pure: closing a descriptor is the caller's.
package notify

import (
	"strconv"
	"strings"
)

// Message is what an sd_notify message says, as far as PID 1 acts on it.
type Message struct {
	Ready   bool
	Alive   bool   // WATCHDOG=1
	Sick    bool   // WATCHDOG=trigger
	Store   bool   // FDSTORE=1: keep the descriptors that came along
	Remove  bool   // FDSTOREREMOVE=1: close those called Name
	Barrier bool   // close the pipe that came along once all before it is done
	Name    string // FDNAME
	Status  string
	Devices []Device // names that the device manager has made or removed
}

// Device is a name in /dev.
type Device struct {
	Name    string
	Present bool
}

// Announce takes in which of the devices that programs wait for are there. With
// READY=1 the device manager says all of them.
func (m *Message) Announce(devices map[string]bool) {
	if m.Ready {
		clear(devices)
	}
	for _, d := range m.Devices {
		if delete(devices, d.Name); d.Present {
			devices[d.Name] = true
		}
	}
}

// unnamed is what sd_pid_notify_with_fds(3) calls a descriptor without a name.
const unnamed = "stored"

// Decode reads a message: lines of KEY=VALUE. Unknown keys and damaged lines
// are passed over, an empty message says nothing (S-08). MAINPID is not obeyed:
// PID 1 knows whom it started.
func Decode(b []byte) Message {
	m := Message{Name: unnamed}
	state := ""
	for s := range strings.SplitSeq(string(b), "\n") {
		switch key, value, _ := strings.Cut(s, "="); {
		case key == "STATUS":
			m.Status = printable(value)
		case key == "FDNAME" && validName(value):
			m.Name = value
		case key == "DEVICE" && len(value) > 1 && (value[0] == '+' || value[0] == '-'):
			m.Devices = append(m.Devices, Device{value[1:], value[0] == '+'})
		case s == "STOPPING=1", s == "RELOADING=1":
			state = strings.ToLower(key)
		default:
			m.set(s)
		}
	}
	if m.Status == "" {
		m.Status = state
	}
	return m
}

func (m *Message) set(s string) {
	switch s {
	case "READY=1":
		m.Ready = true
	case "WATCHDOG=1":
		m.Alive = true
	case "WATCHDOG=trigger":
		m.Sick = true
	case "FDSTORE=1":
		m.Store = true
	case "FDSTOREREMOVE=1":
		m.Remove = true
	case "BARRIER=1":
		m.Barrier = true
	}
}

// validName says whether a descriptor may be called s: names are joined by
// colons in LISTEN_FDNAMES.
func validName(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// printable keeps a status line short and without bytes that steer a terminal.
func printable(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// Whose reads a /proc/PID/cgroup file: which unit the process belongs to, and
// in which of its lives. A child's child has the same answer, a stranger none.
func Whose(cgroup string) (name string, life int, ok bool) {
	for s := range strings.Lines(cgroup) {
		path, found := strings.CutPrefix(strings.TrimSpace(s), "0::/slashdev/")
		if !found {
			continue
		}
		name, rest, _ := strings.Cut(path, "/")
		number, _, _ := strings.Cut(rest, "/")
		number, _, _ = strings.Cut(number, " ") // "(deleted)": it was the last
		life, err := strconv.Atoi(number)
		return name, life, err == nil && life >= 0
	}
	return "", 0, false
}
