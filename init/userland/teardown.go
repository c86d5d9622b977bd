package main

import (
	"context"
	"fmt"
	"os"

	"slashdev/init/userland/teardown"
	"slashdev/init/userland/tool"
)

// takeDown is the last process of the machine but PID 1: it takes away what the
// disks carry. What it says goes to the kernel's log as errors, which the
// consoles show: the logger has gone.
func takeDown(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("plan", args)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return tool.Usagef("unexpected argument %s", rest[0])
	case opts.Has("plan"):
		printTeardown(e)
		return nil
	}
	level := e.Getenv("RUNLEVEL")
	if os.Getppid() != 1 || level != "0" && level != "6" {
		return tool.Errorf(tool.Refused, "teardown kills everything: only PID 1 may start it, at the end")
	}
	for _, err := range teardown.Run(teardown.System{}) {
		fmt.Fprintf(e.Err, "<3>teardown: %s\n", tool.Clean(err.Error()))
	}
	return nil
}

// printTeardown prints what would be done now. Devices below file systems follow
// once those are gone, so they are listed as if they were.
func printTeardown(e *tool.Env) {
	for _, steps := range [][]teardown.Step{teardown.First(e.Root), teardown.Plan(e.Root), teardown.Last(e.Root)} {
		for _, s := range steps {
			e.Printf("%s\n", tool.Clean(s.String()))
		}
	}
}
