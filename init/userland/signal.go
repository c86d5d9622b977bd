package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

func kill(_ context.Context, e *tool.Env, args []string) error {
	sig := syscall.SIGTERM
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0][1:]
		args = args[1:]
		if word == "s" && len(args) > 0 {
			word, args = args[0], args[1:]
		}
		if word == "l" {
			return listSignals(e)
		}
		var err error
		if sig, err = parseSignal(word); err != nil {
			return err
		}
	}
	if len(args) == 0 {
		return tool.Usagef("kill needs PID")
	}
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err != nil || pid == 0 {
			return tool.Usagef("%q is not a process id", a)
		}
		if err := unix.Kill(pid, sig); err == unix.ESRCH {
			return tool.Errorf(tool.NotFound, "%d: no such process", pid)
		} else if err != nil {
			return fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	return nil
}

// parseSignal takes 9, KILL, kill or SIGKILL.
func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 64 {
		return syscall.Signal(n), nil
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if n := unix.SignalNum(name); n != 0 {
		return n, nil
	}
	return 0, tool.Usagef("unknown signal %s (kill -l lists them)", s)
}

func listSignals(e *tool.Env) error {
	var names []string
	for n := 1; n < 32; n++ {
		names = append(names, fmt.Sprintf("%2d %s", n, strings.TrimPrefix(unix.SignalName(syscall.Signal(n)), "SIG")))
	}
	e.Printf("%s", tool.Columns(names, tool.Width))
	return nil
}
