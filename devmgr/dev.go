package main

import (
	"bufio"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
)

// devVerb is a verb of dev.
type devVerb struct {
	name    string
	options []string // "name" or "name=" if it takes a value
	help    string
	run     func(c *command) error
}

// command is one call of a verb.
type command struct {
	env     environment
	out     *bufio.Writer
	args    []string
	options map[string][]string
}

const devUsage = `usage: dev VERB [--json] [ARGUMENT...]

  ls        list the devices that have a node or are network interfaces
  tree      draw all devices as they are plugged into each other
  info      say everything about one device
  name      print all names of a device
  resolve   find a device by any of its names
  monitor   print events as they happen
  trigger   ask the kernel to announce devices again
  settle    wait until all events have been applied, or for a name
  capture   print the devices as text, for bug reports and "slashdev replay"
  status    print counters of the device manager
  module    list the kernel modules that were asked for
  view      show the devices in other places, each in its own way
  hwdb      ask the hardware database
  why       say which rules made of a device what it is, and what failed
  test      say what the rules on the disk would make of a device
  rules     check files of rules

"dev help VERB" says more. Names are relative to /dev: sda, input/event0.
`

func devVerbs() []devVerb {
	return []devVerb{
		{"ls", []string{"all", "view="}, lsHelp, (*command).ls},
		{"tree", []string{"all"}, treeHelp, (*command).tree},
		{"info", nil, infoHelp, (*command).info},
		{"name", []string{"scheme="}, nameHelp, (*command).name},
		{"resolve", nil, resolveHelp, (*command).resolve},
		{"monitor", []string{"subsystem="}, monitorHelp, (*command).monitor},
		{"trigger", []string{"subsystem="}, triggerHelp, (*command).trigger},
		{"settle", []string{"gone", "timeout="}, settleHelp, (*command).settle},
		{"capture", []string{"raw", "events=", "sys="}, captureHelp, (*command).capture},
		{"status", nil, statusHelp, (*command).status},
		{"module", []string{"failed"}, moduleHelp, (*command).module},
		{"view", nil, viewHelp, (*command).view},
		{"hwdb", []string{"root="}, hwdbHelp, (*command).hwdb},
		{"why", nil, whyHelp, (*command).why},
		{"test", []string{"action="}, testHelp, (*command).test},
		{"rules", []string{"github"}, rulesHelp, (*command).rules},
	}
}

func runDev(env environment, args []string) int {
	if len(args) == 0 {
		return env.fail(exitUsage, "%s", devUsage)
	}
	if isHelp(args[0]) {
		return devHelp(env, args[1:])
	}
	v, ok := findVerb(args[0])
	if !ok {
		return env.fail(exitUsage, "dev: unknown verb %q\n%s", args[0], devUsage)
	}
	c := &command{env: env, out: bufio.NewWriter(env.stdout)}
	help, err := c.parse(v, args[1:])
	if help {
		fmt.Fprint(env.stdout, v.help)
		return exitOK
	}
	if err == nil {
		err = v.run(c)
	}
	if ferr := c.out.Flush(); err == nil {
		err = ferr
	}
	return report(env, v, err)
}

func report(env environment, v devVerb, err error) int {
	code := ctl.ExitCode(err)
	if err == nil {
		return code
	}
	text := fmt.Sprintf("dev %s: %v", v.name, err)
	switch code {
	case ctl.Unreachable:
		text += "\nIs devmgr running? Try: svc status devmgr"
	case ctl.NotFound:
		text += "\nTry: dev ls --all"
	case ctl.Usage:
		text += "\nTry: dev help " + v.name
	}
	return env.fail(code, "%s", text)
}

func findVerb(name string) (devVerb, bool) {
	all := devVerbs()
	i := slices.IndexFunc(all, func(v devVerb) bool { return v.name == name })
	if i < 0 {
		return devVerb{}, false
	}
	return all[i], true
}

func devHelp(env environment, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(env.stdout, devUsage)
		return exitOK
	}
	v, ok := findVerb(args[0])
	if !ok {
		return env.fail(exitUsage, "dev: unknown verb %q\n%s", args[0], devUsage)
	}
	fmt.Fprint(env.stdout, v.help)
	return exitOK
}

// parse takes options anywhere on the line, with one or two dashes.
func (c *command) parse(v devVerb, args []string) (help bool, err error) {
	known := append([]string{"json", "run="}, v.options...)
	c.options = map[string][]string{}
	for i := 0; i < len(args); i++ {
		if args[i] == "-h" || args[i] == "--help" || args[i] == "-help" {
			return true, nil
		}
		if !strings.HasPrefix(args[i], "-") || args[i] == "-" {
			c.args = append(c.args, args[i])
			continue
		}
		name, value, has := strings.Cut(trimDashes(args[i]), "=")
		if name == "a" {
			name = "all"
		}
		switch {
		case slices.Contains(known, name) && !has:
		case slices.Contains(known, name+"=") && has:
		case slices.Contains(known, name+"=") && i+1 < len(args):
			i++
			value = args[i]
		default:
			return false, ctl.Errorf(ctl.Usage, "unexpected option %q", args[i])
		}
		c.options[name] = append(c.options[name], value)
	}
	return false, nil
}

func (c *command) has(option string) bool { return c.options[option] != nil }

func (c *command) option(name string) string {
	if values := c.options[name]; values != nil {
		return values[len(values)-1]
	}
	return ""
}

// noArgs is for verbs that take options only.
func (c *command) noArgs() error {
	if len(c.args) > 0 {
		return ctl.Errorf(ctl.Usage, "unexpected argument %q", c.args[0])
	}
	return nil
}

// dial connects to the daemon: root to the socket that takes every verb.
func (c *command) dial() (*ctl.Client, error) {
	dir := c.option("run")
	if dir == "" {
		dir = "/run/slashdev"
	}
	socket := "devmgr-ro.sock"
	if os.Geteuid() == 0 {
		socket = "devmgr.sock"
	}
	return ctl.Dial(filepath.Join(dir, socket))
}

func (c *command) do(words ...string) ([]ctl.Record, error) {
	client, err := c.dial()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Do(words...)
}

// stream is do for answers that may take any time.
func (c *command) stream(words ...string) iter.Seq2[ctl.Record, error] {
	return func(yield func(ctl.Record, error) bool) {
		client, err := c.dial()
		if err != nil {
			yield(nil, err)
			return
		}
		defer client.Close()
		for r, err := range client.Stream(words...) {
			if !yield(r, err) {
				return
			}
		}
	}
}

func (c *command) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }
