package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// power is halt, poweroff, reboot, shutdown and telinit: each asks PID 1.
func power(_ context.Context, e *tool.Env, args []string) error {
	verb, force, err := powerVerb(e.Name, args)
	if err != nil {
		return err
	}
	if force {
		return powerNow(verb)
	}
	_, err = ask(initSocket, verb)
	if tool.Code(err) == 7 {
		return tool.Errorf(7, "%v; %s -f does it without init", err, e.Name)
	}
	return err
}

// powerVerb finds what is wanted: by the name, by -h -r -P -H of shutdown, or
// by telinit's run level (0 power off, 6 reboot).
func powerVerb(name string, args []string) (verb string, force bool, err error) {
	opts, rest, err := tool.Parse("f|force n h r P H p w d i k c", args)
	if err != nil {
		return "", false, err
	}
	verb = name
	switch name {
	case "telinit":
		if len(rest) != 1 {
			return "", false, tool.Usagef("telinit needs one run level: 0 powers off, 6 reboots")
		}
		verb = map[string]string{"0": "poweroff", "6": "reboot"}[rest[0]]
		if verb == "" {
			return "", false, tool.Errorf(tool.NotFound, "run level %s: this machine has 0 and 6 only", rest[0])
		}
		rest = nil
	case "shutdown":
		verb, rest, err = shutdownVerb(opts, rest)
	case "halt":
		if opts.Has("p") {
			verb = "poweroff"
		}
	}
	if err == nil && len(rest) > 0 {
		err = tool.Usagef("unexpected argument %s", strings.Join(rest, " "))
	}
	return verb, opts.Has("f"), err
}

func shutdownVerb(opts tool.Options, rest []string) (string, []string, error) {
	verb := "poweroff"
	switch {
	case opts.Has("c"):
		return "", nil, tool.Errorf(tool.NotFound, "there is no shutdown to cancel: it is never delayed")
	case opts.Has("r"):
		verb = "reboot"
	case opts.Has("H"):
		verb = "halt"
	}
	if len(rest) > 0 && (rest[0] == "now" || rest[0] == "+0") {
		rest = nil // with it the message to users: there are none
	} else if len(rest) > 0 {
		return "", nil, tool.Usagef("time %s: only now", rest[0])
	}
	return verb, rest, nil
}

// powerNow does it without stopping anything: the last resort.
func powerNow(verb string) error {
	unix.Sync()
	how := map[string]int{
		"halt": unix.LINUX_REBOOT_CMD_HALT, "poweroff": unix.LINUX_REBOOT_CMD_POWER_OFF, "reboot": unix.LINUX_REBOOT_CMD_RESTART,
	}[verb]
	if err := unix.Reboot(how); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}
