// Command devmgr manages the devices of the appliance.
//
// It is one program of several names: "devmgr daemon" is the device manager
// that init starts; "dev" is what people use to look at devices; udevadm and
// modprobe are there for the scripts and programs that call them.
//
// The life of an event: the kernel makes or removes a node in devtmpfs and
// sends a uevent (package uevent). The daemon takes it as a hint, reads what
// sysfs says now (sysfs), and changes its set of devices (devtree). Rules
// decide owner, group and mode (rules), what is known about the device gives
// it more names (naming, drivers/ident); the difference between what /dev
// should be and was comes out as a few steps (namespace), which are performed
// below /devices (devdir), and shown in every view of the devices (view, devfuse).
// Then programs that use libudev can read of it
// (udevdb) and hear of it (monitor), then our observers (watch, ctl), and last
// the programs that rules ask for are run (actions). At start every device found
// in sysfs goes the same way. Package daemon is the loop. A recording stands for
// a machine (recording), for bug reports and tests.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Exit codes of every slashdev command.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// environment is what a command may use of its surroundings.
type environment struct {
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	width  int // of the lines that people read
}

type applet struct {
	name string
	run  func(env environment, args []string) int
}

func applets() []applet {
	return []applet{
		{"dev", runDev},
		{"udevadm", runUdevadm},
		{"modprobe", runModprobe},
		{"daemon", runDaemon},
	}
}

func main() {
	env := environment{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, width: 80}
	os.Exit(run(env, os.Args))
}

// run chooses the applet by the name of the program, or else by the first
// argument.
func run(env environment, args []string) int {
	all := applets()
	byName := func(name string) int {
		return slices.IndexFunc(all, func(a applet) bool { return a.name == name })
	}
	if len(args) > 0 {
		if i := byName(filepath.Base(args[0])); i >= 0 && all[i].name != "daemon" {
			return all[i].run(env, args[1:])
		}
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprint(env.stderr, usage)
		return exitUsage
	}
	if i := byName(args[0]); i >= 0 {
		return all[i].run(env, args[1:])
	}
	if isHelp(args[0]) {
		fmt.Fprint(env.stdout, usage)
		return exitOK
	}
	fmt.Fprintf(env.stderr, "devmgr: unknown command %q\n%s", args[0], usage)
	return exitUsage
}

const usage = `usage: devmgr daemon [-n] [-sys DIR] [-dev DIR] [-run DIR] [-udev DIR]
                     [-announce NAME]...
       devmgr dev VERB ...        the same as: dev VERB ...
       devmgr udevadm VERB ...    as of udev, for scripts
       devmgr modprobe NAME ...   load a kernel module

devmgr daemon is started by init. Look at devices with dev.
`

func isHelp(arg string) bool {
	return arg == "help" || arg == "--help" || arg == "-help" || arg == "-h"
}

// fail prints one line to stderr and returns code.
func (env environment) fail(code int, format string, args ...any) int {
	fmt.Fprintln(env.stderr, strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
	return code
}
