// Package udevadm is the program of that name, for scripts and for people who
// know it: the same verbs, options and output.
//
// It reads sysfs and the database below /run/udev, writes to uevent files,
// hears the messages of both groups, and asks the device manager where only it
// knows. Strings of devices are printed as they are when the output is not a
// terminal, as scripts need them.
package udevadm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/sysfs"
)

// System is what the verbs use of the machine. Host returns the real one.
type System struct {
	Stdout, Stderr io.Writer
	Sys            sysfs.FS // the tree at SysDir
	SysDir         string   // /sys
	DB             fs.FS    // the tree at Udev
	Udev           string   // /run/udev
	Run            string   // /run/slashdev
	// Number returns the device that a node has, after following links, and
	// whether it is a block device. Where says in which file system a file is.
	Number func(path string) (block bool, rdev uint64, err error)
	Where  func(path string) (dev uint64, err error)
	// Write writes to a file below SysDir.
	Write func(name, text string) error
	// Builtins are the probes that test-builtin can run.
	Builtins map[string]Builtin
	// Test says what the rules would do, for the verb test.
	Test func(w io.Writer, devpath, action string) error

	out *bufio.Writer
}

// Builtin looks at a device and prints what it finds as KEY=VALUE lines.
type Builtin func(devpath string, args []string) (lines []string, err error)

// Host returns the machine that this process runs on.
func Host(stdout, stderr io.Writer) *System {
	return &System{Stdout: stdout, Stderr: stderr, Sys: sysfs.Host("/sys"), SysDir: "/sys", DB: os.DirFS("/run/udev"), Udev: "/run/udev",
		Run: "/run/slashdev", Number: number, Where: where,
		Write: func(name, text string) error { return os.WriteFile("/sys/"+name, []byte(text), 0) }}
}

func number(path string) (block bool, rdev uint64, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return false, 0, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || st.Mode()&fs.ModeDevice == 0 {
		return false, 0, fmt.Errorf("%s: is no device", path)
	}
	return st.Mode()&fs.ModeCharDevice == 0, sys.Rdev, nil
}

func where(path string) (dev uint64, err error) {
	st, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s: has no device", path)
	}
	return sys.Dev, nil
}

// The parts of a device number, as Linux packs them.
func major(dev uint64) uint64 { return dev>>8&0xfff | dev>>32&^0xfff }
func minor(dev uint64) uint64 { return dev&0xff | dev>>12&^0xff }

type verb struct {
	name, about string
	help        string
	options     []option
	run         func(s *System, o options) error
	plain       bool // see parse
}

func verbs() []verb {
	return []verb{
		{name: "info", about: "Query sysfs or the udev database", help: infoHelp, options: infoOptions, run: (*System).info},
		{name: "trigger", about: "Request events from the kernel", help: triggerHelp, options: triggerOptions, run: (*System).trigger},
		{name: "settle", about: "Wait for pending udev events", help: settleHelp, options: settleOptions, run: (*System).settle},
		{name: "control", about: "Control the udev daemon", help: controlHelp, options: controlOptions, run: (*System).control},
		{name: "monitor", about: "Listen to kernel and udev events", help: monitorHelp, options: monitorOptions, run: (*System).monitor},
		{name: "test", about: "Test an event run", help: testHelp, options: testOptions, run: (*System).test},
		{name: "test-builtin", about: "Test a built-in command", help: builtinHelp, options: builtinOptions, run: (*System).testBuiltin},
		{name: "wait", about: "Wait for device or device symlink", help: waitHelp, options: waitOptions, run: (*System).wait},
		{name: "lock", about: "Lock a block device", help: lockHelp, options: lockOptions, run: (*System).lock, plain: true},
		{name: "verify", about: "Verify udev rules files", help: verifyHelp, options: verifyOptions, run: (*System).verify},
		{name: "hwdb", about: "Hardware database (not supported)", help: hwdbHelp, options: hwdbOptions, run: (*System).hwdb},
	}
}

// Version is the release of udev whose output ours is like.
const version = "252"

func usage() string {
	var b strings.Builder
	b.WriteString("udevadm [--help] [--version] [--debug] COMMAND [COMMAND OPTIONS]\n\n" +
		"Send control commands or test the device manager.\n\nCommands:\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "  %-13s %s\n", v.name, v.about)
	}
	b.WriteString("\n\"udevadm COMMAND --help\" says more.\n")
	return b.String()
}

// failed is the exit code of everything that goes wrong, as udevadm's is: unlike
// those of our own programs it does not say what.
const failed = 1

// Main runs a command line, without the name of the program, and returns the
// exit code.
func Main(s *System, args []string) int {
	s.out = bufio.NewWriter(s.Stdout)
	err := s.run(args)
	if ferr := s.out.Flush(); err == nil {
		err = ferr
	}
	if exit, ok := errors.AsType[exitError](err); ok {
		return int(exit)
	}
	if err != nil {
		fmt.Fprintf(s.Stderr, "udevadm: %v\n", err)
		return failed
	}
	return 0
}

// exitError is the exit code of a command that was run.
type exitError int

func (e exitError) Error() string { return "exit code " + strconv.Itoa(int(e)) }

func (s *System) run(args []string) error {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-h", "--help":
			s.out.WriteString(usage())
			return nil
		case "-V", "--version":
			s.out.WriteString(version + "\n")
			return nil
		case "-d", "--debug":
			args = args[1:]
		default:
			return ctl.Errorf(ctl.Usage, "unrecognized option %s", args[0])
		}
	}
	if len(args) == 0 {
		return ctl.Errorf(ctl.Usage, "command required\n%s", strings.TrimSpace(usage()))
	}
	if args[0] == "help" {
		s.out.WriteString(usage())
		return nil
	}
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		return ctl.Errorf(ctl.Usage, "unknown command %q: udevadm --help lists them", args[0])
	}
	return s.runVerb(all[i], args[1:])
}

func (s *System) runVerb(v verb, args []string) error {
	known := append([]option{{"help", 'h', 0}, {"version", 'V', 0}}, v.options...)
	o, err := parse(known, args, v.plain)
	switch {
	case err != nil:
		return ctl.Errorf(ctl.Usage, "%s: %v: see udevadm %s --help", v.name, err, v.name)
	case o.has("help"):
		s.out.WriteString(v.help)
		return nil
	case o.has("version"):
		s.out.WriteString(version + "\n")
		return nil
	}
	if err := v.run(s, o); err != nil {
		if _, ok := errors.AsType[exitError](err); ok {
			return err
		}
		return fmt.Errorf("%s: %w", v.name, err)
	}
	return nil
}

// noArgs is for verbs that take options only.
func (o *options) noArgs() error {
	if len(o.args) > 0 {
		return ctl.Errorf(ctl.Usage, "unexpected argument %q", o.args[0])
	}
	return nil
}

// seconds reads the value of an option that is a time: 5, 1.5, 500ms, 2min.
func (o *options) seconds(name string, unset time.Duration) (time.Duration, error) {
	text := o.last(name)
	if text == "" {
		return unset, nil
	}
	if text == "infinity" {
		return forever, nil
	}
	if strings.Trim(text, "0123456789.") == "" {
		text += "s"
	}
	text = strings.NewReplacer("min", "m", "sec", "s", " ", "").Replace(text)
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, ctl.Errorf(ctl.Usage, "--%s: %q is not a time: use 5, 500ms or 2min", name, o.last(name))
	}
	return d, nil
}

const forever = 365 * 24 * time.Hour
