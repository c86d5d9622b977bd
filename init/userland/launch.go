package main

import (
	"context"

	"slashdev/init/userland/launch"
	"slashdev/init/userland/tool"
)

// becomeProgram is the part of a program's start that fork and exec cannot do.
func becomeProgram(_ context.Context, _ *tool.Env, args []string) error {
	if len(args) > 0 {
		return tool.Usagef("no arguments: what is to be done stands on descriptor 3")
	}
	return tool.Errorf(launch.Status, "%v", launch.Self())
}
