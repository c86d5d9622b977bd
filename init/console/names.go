package console

import (
	"slices"
	"strings"

	"slashdev/init/cmdline"
)

// Names returns the terminals that lines go to: those of /proc/consoles text,
// the preferred one (flag C) first; those of the boot words, of which the kernel
// takes one of each driver, and none that is plugged in later; and the screen.
func Names(proc string, words cmdline.Words) []string {
	names := registered(proc)
	for _, w := range append(words, "console=tty0") {
		value, _ := strings.CutPrefix(w, "console=")
		name, _, _ := strings.Cut(value, ",")
		serial := strings.HasPrefix(name, "tty") || strings.HasPrefix(name, "hvc")
		if value != w && serial && !strings.Contains(name, "/") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Pluggable says whether a terminal can come and go while the machine runs.
func Pluggable(name string) bool {
	kind := strings.TrimRight(name, "0123456789")
	return kind == "ttyUSB" || kind == "ttyACM" || kind == "ttyGS"
}

func registered(proc string) []string {
	var names []string
	for l := range strings.Lines(proc) {
		f := strings.Fields(l)
		if len(f) < 2 || strings.Contains(f[0], "/") {
			continue
		}
		if preferred(l) {
			names = append([]string{f[0]}, names...)
			continue
		}
		names = append(names, f[0])
	}
	return names
}

func preferred(l string) bool {
	_, flags, _ := strings.Cut(l, "(")
	flags, _, _ = strings.Cut(flags, ")")
	return strings.Contains(flags, "C")
}

// Terminal is where a person types at a console, and what TERM it gets: the
// virtual console of the moment has none of its own.
func Terminal(name string) (tty, term string) {
	if name == "tty0" {
		return "tty1", "linux"
	}
	return name, "vt102"
}
