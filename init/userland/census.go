package main

import (
	"context"
	"time"

	"slashdev/init/renew"
	"slashdev/init/userland/census"
	"slashdev/init/userland/tool"
)

// takeCensus is the applet census: PID 1 executes it when its state is lost, and
// it executes PID 1 again.
func takeCensus(_ context.Context, _ *tool.Env, args []string) error {
	if len(args) != 2 {
		return tool.Usagef("only PID 1 uses this")
	}
	now := time.Now()
	s := census.Take("/sys/fs/cgroup/slashdev", now)
	return renew.Found(args[0], args[1], s.Append(nil, now), s.FDs())
}
