package monitor

import (
	"strconv"
	"strings"

	"slashdev/devmgr/uevent"
)

// Properties returns what a uevent says as a list of properties.
func Properties(ev uevent.Event) uevent.Env {
	var b strings.Builder
	writePair(&b, "ACTION", string(ev.Action))
	writePair(&b, "DEVPATH", ev.DevPath)
	if ev.Subsystem != "" {
		writePair(&b, "SUBSYSTEM", ev.Subsystem)
	}
	b.WriteString(string(ev.Env))
	if ev.SeqNum != 0 {
		writePair(&b, "SEQNUM", strconv.FormatUint(ev.SeqNum, 10))
	}
	return uevent.Env(b.String())
}

func writePair(b *strings.Builder, key, value string) {
	b.WriteString(key)
	b.WriteByte('=')
	b.WriteString(value)
	b.WriteByte(0)
}

// Found is what a device manager knows of a device beyond the event.
type Found struct {
	Initialized uint64     // microseconds
	Properties  uevent.Env // of rules and probes
	Links       []string   // below /dev
	Tags        []string
	CurrentTags []string
}

// Announce returns the properties of the message about ev: those of the event,
// with full paths, and what was found.
func Announce(ev uevent.Event, f Found) uevent.Env {
	var b strings.Builder
	b.Grow(len(ev.Env) + len(f.Properties) + 256)
	writePair(&b, "UDEV_DATABASE_VERSION", "1")
	writePair(&b, "ACTION", string(ev.Action))
	writePair(&b, "DEVPATH", ev.DevPath)
	if ev.Subsystem != "" {
		writePair(&b, "SUBSYSTEM", ev.Subsystem)
	}
	for key, value := range ev.Env.All() {
		if f.Properties.Get(key) != "" { // a rule changed it
			continue
		}
		if key == "DEVNAME" && !strings.HasPrefix(value, "/") {
			value = "/dev/" + value
		}
		writePair(&b, key, value)
	}
	writePair(&b, "SEQNUM", strconv.FormatUint(max(1, ev.SeqNum), 10))
	if f.Initialized != 0 {
		writePair(&b, "USEC_INITIALIZED", strconv.FormatUint(f.Initialized, 10))
	}
	for key, value := range f.Properties.All() {
		if key != "" && key[0] != '.' {
			writePair(&b, key, value)
		}
	}
	if len(f.Links) > 0 {
		writePair(&b, "DEVLINKS", "/dev/"+strings.Join(f.Links, " /dev/"))
	}
	if len(f.Tags) > 0 {
		writePair(&b, "TAGS", ":"+strings.Join(f.Tags, ":")+":")
	}
	if len(f.CurrentTags) > 0 {
		writePair(&b, "CURRENT_TAGS", ":"+strings.Join(f.CurrentTags, ":")+":")
	}
	return uevent.Env(b.String())
}
