package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/power"
	"slashdev/init/userland/tool"
)

// powerTool is halt, poweroff, reboot, shutdown and telinit: each asks PID 1.
func powerTool(ctx context.Context, e *tool.Env, args []string) error {
	o, err := power.Read(e.Name, args, time.Now())
	switch {
	case err != nil:
		return err
	case o.Plan:
		return printEnding(e)
	case o.Verb == "cancel":
		return runDir.cancel(e, o)
	case o.Verb == "wall":
		wall(e, power.Warning("poweroff", time.Until(o.At), o.Message))
		return nil
	}
	if e.Name == "shutdown" || !o.At.IsZero() {
		if err := runDir.wait(ctx, e, o); err != nil {
			return err
		}
	}
	if o.Force {
		return powerNow(o)
	}
	for _, words := range o.Words() {
		if _, err = ask(initSocket, words...); err != nil {
			break
		}
	}
	if tool.Code(err) == 7 && o.Verb != "telinit" {
		return tool.Errorf(7, "%v; %s -f does it without init", err, e.Name)
	}
	return err
}

// powerNow does it without stopping anything: the last resort.
func powerNow(o power.Order) error {
	if !o.NoSync {
		unix.Sync()
	}
	how := map[string]int{
		"halt": unix.LINUX_REBOOT_CMD_HALT, "poweroff": unix.LINUX_REBOOT_CMD_POWER_OFF,
		"reboot": unix.LINUX_REBOOT_CMD_RESTART, "kexec": unix.LINUX_REBOOT_CMD_KEXEC,
	}[o.Verb]
	if err := unix.Reboot(how); err != nil {
		return fmt.Errorf("%s: %w", o.Verb, err)
	}
	return nil
}

// printEnding prints what a shutdown would do now. PID 1 stops a program when
// nothing that needs it is left; here they stand in reverse order of start.
func printEnding(e *tool.Env) error {
	rows, err := ask(initSocket, "ls")
	if err != nil {
		return err
	}
	var last []string
	for _, r := range slices.Backward(rows) {
		switch {
		case r["pid"] == "0":
		case r["name"] == "devmgr" || r["name"] == "logd":
			last = append([]string{r["name"]}, last...)
		default:
			e.Printf("stop %s\n", tool.Clean(r["name"]))
		}
	}
	for _, name := range last {
		e.Printf("stop %s\n", name)
	}
	printTeardown(e)
	return nil
}
