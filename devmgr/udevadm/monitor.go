package udevadm

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/monitor"
	"slashdev/devmgr/uevent"
)

const monitorHelp = `udevadm monitor [OPTIONS]

Listen to kernel and udev events.

  -p --property                            Print the event properties
  -k --kernel                              Print kernel uevents
  -u --udev                                Print udev events
  -s --subsystem-match=SUBSYSTEM[/DEVTYPE] Filter events by subsystem
  -t --tag-match=TAG                       Filter events by tag
`

var monitorOptions = []option{{"property", 'p', 0}, {"environment", 'e', 0}, {"kernel", 'k', 0}, {"udev", 'u', 0},
	{"subsystem-match", 's', '!'}, {"tag-match", 't', '!'}}

func (s *System) monitor(o options) error {
	var groups uint32
	if o.has("kernel") {
		groups |= monitor.Kernel
	}
	if o.has("udev") {
		groups |= monitor.Udev
	}
	if groups == 0 {
		groups = monitor.Kernel | monitor.Udev
	}
	conn, err := monitor.Listen(groups)
	if err != nil {
		return err
	}
	defer conn.Close()
	s.out.WriteString("monitor will print the received events for:\n")
	if groups&monitor.Udev != 0 {
		s.out.WriteString("UDEV - the event which udev sends out after rule processing\n")
	}
	if groups&monitor.Kernel != 0 {
		s.out.WriteString("KERNEL - the kernel uevent\n")
	}
	s.out.WriteString("\n")
	for {
		if err := s.out.Flush(); err != nil {
			return err
		}
		env, group, err := conn.Next()
		if err != nil {
			return err
		}
		if wantedEvent(env, o) {
			s.printEvent(env, group, o)
		}
	}
}

func wantedEvent(env uevent.Env, o options) bool {
	subsystems, tags := o.all("subsystem-match"), o.all("tag-match")
	ok := subsystems == nil
	for _, word := range subsystems {
		subsystem, devtype, both := strings.Cut(word, "/")
		ok = ok || env.Get("SUBSYSTEM") == subsystem && (!both || env.Get("DEVTYPE") == devtype)
	}
	tagged := tags == nil
	for _, t := range tags {
		tagged = tagged || strings.Contains(env.Get("TAGS"), ":"+t+":")
	}
	return ok && tagged
}

// printEvent prints a line with the seconds since the machine started, and the
// properties if they are asked for.
func (s *System) printEvent(env uevent.Env, group uint32, o options) {
	source := "KERNEL"
	if group == monitor.Udev {
		source = "UDEV"
	}
	fmt.Fprintf(s.out, "%-6s[%.6f] %-8s %s (%s)\n", source, uptime(), Visible(env.Get("ACTION")), Visible(env.Get("DEVPATH")), Visible(env.Get("SUBSYSTEM")))
	if !o.has("property") && !o.has("environment") {
		return
	}
	for key, value := range env.All() {
		if key == "DEVNAME" && !strings.HasPrefix(value, "/") {
			value = path.Join("/dev", value)
		}
		fmt.Fprintf(s.out, "%s=%s\n", Visible(key), Visible(value))
	}
	s.out.WriteString("\n")
}

// uptime is the kernel's clock, in seconds.
func uptime() float64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return float64(ts.Nano()) / 1e9
}
