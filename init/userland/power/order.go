// Package power reads the command lines of halt, poweroff, reboot, shutdown and
// telinit, with the options of sysvinit and BusyBox. It only reads: an Order says
// what is to be done.
package power

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/init/userland/tool"
)

// Order is what a command line asks for.
type Order struct {
	Verb    string    // halt, poweroff, reboot, kexec; telinit; cancel, wall, nothing
	Level   string    // of telinit
	At      time.Time // zero: now
	Force   bool      // reboot(2) at once, without PID 1
	NoSync  bool      // with Force: not even a sync before it
	Grace   string    // seconds between SIGTERM and SIGKILL; empty: PID 1's own
	Boot    string    // a word for the firmware
	Message string    // for people at terminals
	Env     []string  // INIT_NAME[=VALUE]
	Plan    bool      // print what would be done
}

// Words are the requests that bring the order to PID 1.
func (o Order) Words() [][]string {
	var all [][]string
	if len(o.Env) > 0 {
		all = append(all, append([]string{"setenv"}, o.Env...))
	}
	words := []string{o.Verb}
	if o.Verb == "telinit" {
		words = append(words, o.Level)
	}
	if o.Grace != "" {
		words = append(words, "grace="+o.Grace)
	}
	if o.Boot != "" {
		words = append(words, "boot="+o.Boot)
	}
	if o.Verb == "nothing" || o.Verb == "telinit" && o.Level == "" {
		return all
	}
	return append(all, words)
}

// Read reads the command line of the tool called name.
func Read(name string, args []string, now time.Time) (Order, error) {
	switch name {
	case "telinit", "init":
		return telinit(args)
	case "shutdown":
		return shutdown(args, now)
	}
	return halt(name, args, now)
}

const levels = "0123456789SsQqAaBbCcUu"

func telinit(args []string) (o Order, err error) {
	o.Verb = "telinit"
	var rest []string
	for len(args) > 0 && err == nil { // -e may come more than once
		arg := args[0]
		args = args[1:]
		flag, value := arg[:min(2, len(arg))], arg[min(2, len(arg)):]
		switch {
		case flag == "-t" || flag == "-e":
			if value == "" && len(args) > 0 {
				value, args = args[0], args[1:]
			}
			err = o.set(flag, value)
		case arg == "--plan":
			o.Plan = true
		case strings.HasPrefix(arg, "-") && arg != "-":
			err = tool.Usagef("unknown option %s", arg)
		default:
			rest = append(rest, arg)
		}
	}
	switch {
	case err != nil:
		return o, err
	case len(rest) == 1 && len(rest[0]) == 1 && strings.Contains(levels, rest[0]):
		o.Level = rest[0]
	case len(rest) > 0 || len(o.Env) == 0 && !o.Plan:
		return o, tool.Usagef("telinit needs one run level of " + levels)
	}
	return o, nil
}

func (o *Order) set(flag, value string) (err error) {
	switch {
	case flag == "-t":
		o.Grace, err = seconds(value)
	case value == "":
		err = tool.Usagef("-e needs INIT_NAME=VALUE")
	default:
		o.Env = append(o.Env, value)
	}
	return err
}

func seconds(s string) (string, error) {
	if n, err := strconv.Atoi(s); err != nil || n < 0 {
		return "", tool.Usagef("-t %s: want seconds", s)
	}
	return s, nil
}

// halt reads the line of halt, poweroff and reboot. -d is BusyBox's delay when
// seconds follow, and sysvinit's "no wtmp" otherwise.
func halt(name string, args []string, now time.Time) (Order, error) {
	o := Order{Verb: name}
	opts, rest, err := tool.Parse("f|force n|no-sync w|wtmp-only d|no-wtmp i h p|poweroff halt reboot kexec no-wall", args)
	if err != nil {
		return o, err
	}
	if opts.Has("d") && len(rest) > 0 {
		delay, err := strconv.ParseUint(rest[0], 10, 31)
		if err != nil {
			return o, tool.Usagef("-d %s: want seconds", rest[0])
		}
		o.At, rest = now.Add(time.Duration(delay)*time.Second), rest[1:]
	}
	switch {
	case opts.Has("w"): // there is no wtmp to write
		o.Verb = "nothing"
	case opts.Has("kexec"):
		o.Verb = "kexec"
	case opts.Has("p"):
		o.Verb = "poweroff"
	case opts.Has("halt"):
		o.Verb = "halt"
	case opts.Has("reboot"):
		o.Verb = "reboot"
	}
	if o.Verb == "reboot" && len(rest) == 1 {
		o.Boot, rest = rest[0], nil
	}
	if len(rest) > 0 {
		return o, tool.Usagef("unexpected argument %s", strings.Join(rest, " "))
	}
	o.Force, o.NoSync = opts.Has("f"), opts.Has("n")
	return o, nil
}

// shutdown's time is "now" when there is none, as on systemd; -n is sysvinit's
// "without init".
func shutdown(args []string, now time.Time) (o Order, err error) {
	opts, rest, err := tool.Parse("a t= k r|reboot h P|poweroff H|halt f F n c kexec dry-run|plan no-wall", args)
	if err != nil {
		return o, err
	}
	o.Verb = "poweroff"
	for _, v := range []struct{ option, verb string }{{"H", "halt"}, {"r", "reboot"}, {"kexec", "kexec"}, {"k", "wall"}, {"c", "cancel"}} {
		if opts.Has(v.option) {
			o.Verb = v.verb
		}
	}
	o.Force, o.Plan = opts.Has("n"), opts.Has("dry-run")
	if opts.Has("t") {
		if o.Grace, err = seconds(opts["t"]); err != nil {
			return o, err
		}
	}
	if verb := map[string]string{"halt": "poweroff", "reboot": "reboot"}; len(rest) > 0 && verb[rest[0]] != "" {
		o.Verb, rest = verb[rest[0]], rest[1:] // as u-root has it
	}
	if o.Verb != "cancel" && len(rest) > 0 {
		if o.At, err = parseTime(rest[0], now); err != nil {
			return o, err
		}
		rest = rest[1:]
	}
	o.Message = strings.Join(rest, " ")
	return o, nil
}

// parseTime reads now, +MINUTES, MINUTES, HH:MM, which may be tomorrow's, and
// RFC 3339. The zero time is now.
func parseTime(s string, now time.Time) (time.Time, error) {
	bad := tool.Usagef("time %s: want now, +MINUTES or HH:MM", s)
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	if hour, minute, ok := strings.Cut(s, ":"); ok {
		h, errH := strconv.ParseUint(hour, 10, 8)
		m, errM := strconv.ParseUint(minute, 10, 8)
		if errH != nil || errM != nil || h > 23 || m > 59 || len(minute) != 2 {
			return time.Time{}, bad
		}
		at := time.Date(now.Year(), now.Month(), now.Day(), int(h), int(m), 0, 0, now.Location())
		if at.Before(now) {
			at = at.AddDate(0, 0, 1)
		}
		return at, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, 20)
	switch {
	case s == "now" || err == nil && n == 0:
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, bad
	}
	return now.Add(time.Duration(n) * time.Minute), nil
}

// Warnings are when people are told again, before the end: more often the
// nearer it is.
func Warnings(at, now time.Time) []time.Time {
	all := []time.Time{now}
	for _, minutes := range []int{600, 300, 120, 60, 30, 15, 10, 5, 4, 3, 2, 1} {
		if t := at.Add(-time.Duration(minutes) * time.Minute); t.After(now) {
			all = append(all, t)
		}
	}
	return slices.Clip(all)
}

// Warning is what people are told; verb is Order's.
func Warning(verb string, left time.Duration, message string) string {
	what := map[string]string{"halt": "halted", "reboot": "rebooted", "kexec": "rebooted"}[verb]
	if what == "" {
		what = "powered off"
	}
	text := "The machine will be " + what + " now!"
	if left >= 30*time.Second {
		text = fmt.Sprintf("The machine will be %s in %s.", what, minutes(left))
	}
	if message != "" {
		text = message + "\n" + text
	}
	return text
}

func minutes(d time.Duration) string {
	n := int(d.Round(time.Minute).Minutes())
	if n <= 1 {
		return "a minute"
	}
	return fmt.Sprintf("%d minutes", n)
}
