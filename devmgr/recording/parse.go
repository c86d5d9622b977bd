package recording

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"slashdev/devmgr/uevent"
)

// maxText bounds what Parse reads: a large machine has 20 MiB.
const maxText = 256 << 20

// Parse reads a recording, also one of umockdev-record. What it does not know
// it passes over; errors name the line.
func Parse(text string) (*Recording, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("a recording of %d bytes: more than %d", len(text), maxText)
	}
	p := &parser{}
	number := 0
	for row := range strings.Lines(text) {
		number++
		if err := p.row(strings.TrimRight(row, "\r\n")); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return &p.Recording, p.finish()
}

type parser struct {
	Recording
	device *Device
	event  *Event
}

// finish ends the block that is being read.
func (p *parser) finish() error {
	d, e := p.device, p.event
	p.device = nil
	switch {
	case d == nil:
		return nil
	case d.Subsystem == "" && d.link("subsystem") != "":
		d.Subsystem = path.Base(d.link("subsystem"))
	case d.Subsystem == "":
		return fmt.Errorf("%s has no E: SUBSYSTEM", d.DevPath)
	}
	d.Env = ordered(d.Env)
	if err := check(d.Subsystem); err != nil {
		return err
	}
	if e == nil {
		p.Devices = append(p.Devices, *d)
		return nil
	}
	if e.Device != nil || e.DevPath != d.DevPath {
		return fmt.Errorf("the block of %s stands behind an event of %s", d.DevPath, e.DevPath)
	}
	e.Device, e.Subsystem = d, d.Subsystem
	return nil
}

func (p *parser) row(row string) error {
	kind, rest, _ := strings.Cut(row, ": ")
	name, value, pair := strings.Cut(rest, "=")
	switch {
	case strings.TrimSpace(row) == "":
		return p.finish()
	case kind == "# uevent":
		return p.happened(rest)
	case kind == "# E" && p.event != nil && pair:
		if value = unescape(value); isPair(name, value) {
			p.event.Env = p.event.Env.With(name, value)
		}
		return nil
	case row[0] == '#':
		return nil
	case kind == "P":
		return p.begin(rest)
	case p.device == nil:
		return fmt.Errorf("%q stands before any P: line", clip(row))
	case kind == "N":
		p.device.Node = name
		return check(name)
	case kind == "S" || !pair:
		return nil // a link that an earlier device manager made
	}
	return p.property(kind, name, value)
}

func (p *parser) begin(devpath string) error {
	if err := p.finish(); err != nil {
		return err
	}
	if !strings.HasPrefix(devpath, "/devices/") || uevent.CheckDevPath(devpath) != nil {
		return fmt.Errorf("%q is no path of a device", clip(devpath))
	}
	p.device = &Device{DevPath: devpath}
	return nil
}

func (p *parser) happened(rest string) error {
	if err := p.finish(); err != nil {
		return err
	}
	action, devpath, _ := strings.Cut(rest, " ")
	ev, err := uevent.Parse([]byte(action + "@" + devpath + "\x00"))
	if err != nil {
		return err
	}
	p.Events = append(p.Events, Event{Event: ev})
	p.event = &p.Events[len(p.Events)-1]
	return nil
}

func check(name string) error {
	if uevent.CheckName(name) != nil {
		return fmt.Errorf("%q is no name of a file below its folder", clip(name))
	}
	return nil
}

func (p *parser) property(kind, name, value string) error {
	d := p.device
	switch kind {
	case "E":
		p.env(name, unescape(value))
	case "A":
		d.Attrs = append(d.Attrs, Pair{name, unescape(value)})
		return check(name)
	case "H":
		b, err := hex.DecodeString(value)
		if err != nil {
			return fmt.Errorf("%s is not hex: %w", name, err)
		}
		d.Attrs = append(d.Attrs, Pair{name, string(b)})
		return check(name)
	case "L":
		if value = unescape(value); value == "" || strings.IndexByte(value, 0) >= 0 || path.IsAbs(value) {
			return errors.New("a link must lead to somewhere below /sys by a relative path")
		}
		d.Links = append(d.Links, Pair{name, value})
		return check(name)
	}
	return nil
}

// env takes a line of a uevent file. What umockdev-record has from udev's
// database is left out: it is for the rules to say again.
func (p *parser) env(name, value string) {
	switch {
	case name == "SUBSYSTEM":
		p.device.Subsystem = path.Base(value)
		return
	case name == "DEVNAME":
		value = strings.TrimPrefix(value, "/dev/")
	case strings.HasPrefix(name, "ID_") || strings.Contains(" ACTION DEVPATH DEVLINKS TAGS CURRENT_TAGS USEC_INITIALIZED SEQNUM UDEV_DATABASE_VERSION ", " "+name+" "):
		return
	}
	if isPair(name, value) {
		p.device.Env = p.device.Env.With(name, value)
	}
}

// isPair says whether the kernel could have said so.
func isPair(name, value string) bool {
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	return name != "" && strings.IndexFunc(name, odd) < 0 && strings.IndexByte(value, 0) < 0
}

// ordered puts the keys of the driver core in front, as the kernel does.
func ordered(env uevent.Env) uevent.Env {
	core := []string{"MAJOR", "MINOR", "DEVNAME", "DEVMODE", "DEVUID", "DEVGID"}
	var front uevent.Env
	for _, key := range core {
		if value := env.Get(key); value != "" {
			front = front.With(key, value)
		}
	}
	return front + env.Without(core...)
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case s[i+1] == 'n':
			b.WriteByte('\n')
			i++
		case i+3 < len(s) && isOctal(s[i+1:i+4]):
			b.WriteByte((s[i+1]&3)<<6 | (s[i+2]&7)<<3 | s[i+3]&7)
			i += 3
		default:
			b.WriteByte(s[i+1])
			i++
		}
	}
	return b.String()
}

func isOctal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}

func isText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\n' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func clip(s string) string { return s[:min(len(s), 64)] }
