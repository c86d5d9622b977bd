package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"slashdev/init/userland/shell"
	"slashdev/init/userland/tool"
)

func sh(ctx context.Context, e *tool.Env, args []string) error {
	s, err := shell.New(shell.Config{Applets: applets, Root: e.Root, Tee: tee, Say: sayOf(e), Verbs: verbs}, e)
	if err != nil {
		return err
	}
	return tool.Silent(startShell(ctx, s, e, args))
}

// sayOf returns how a shell tells PID 1 of its status, and the log of a warning:
// by the kernel's, at a level that no console shows. Nobody hears one that PID 1
// has not started.
func sayOf(e *tool.Env) func(status, warning string) {
	return func(status, warning string) {
		socket := e.Getenv("NOTIFY_SOCKET")
		if socket == "" {
			return
		}
		if status != "" {
			_ = notify(socket, "STATUS="+status+"\n")
		}
		if kmsg, err := openDevice("kmsg", os.O_WRONLY); err == nil && warning != "" {
			fmt.Fprintf(kmsg, "<36>sh: %s\n", warning) // facility auth, level warning
			kmsg.Close()
		}
	}
}

func startShell(ctx context.Context, s *shell.Shell, e *tool.Env, args []string) int {
	switch {
	case len(args) == 0 && isTerminal(e.In):
		return s.Interactive()
	case len(args) == 0:
		return s.RunText(ctx, e.In, "", nil)
	case args[0] == "--console" && len(args) == 2:
		return s.Console(ctx, args[1])
	case args[0] == "-c" && len(args) >= 2:
		return s.RunText(ctx, strings.NewReader(args[1]), "", args[min(len(args), 3):])
	case strings.HasPrefix(args[0], "-"):
		e.Complain(tool.Usagef("usage: sh [-c COMMAND [NAME ARG...] | FILE [ARG...]]"))
		return tool.Usage
	}
	f, err := os.Open(e.Path(args[0]))
	if err != nil {
		e.Complain(err)
		return 127
	}
	defer f.Close()
	return s.RunText(ctx, f, args[0], args[1:])
}

// verbs are the words that completion offers behind these.
func verbs(said string) (names []string) {
	if verb, ok := strings.CutPrefix(said, "svc "); ok {
		verb, _, _ = strings.Cut(verb, " ")
		if slices.Contains([]string{"log", "restart", "start", "status", "stop", "why"}, verb) {
			return programNames(os.DirFS("/"))
		}
	}
	switch said {
	case "svc":
		for _, v := range svcVerbs() {
			names = append(names, v.name)
		}
		return names
	case "dev":
		return []string{"info", "ls", "monitor", "settle", "tree", "trigger"}
	case "ip":
		return []string{"addr", "link", "route"}
	case "console":
		return []string{"off", "on"}
	case "help":
		for _, a := range applets() {
			names = append(names, a.Name)
		}
		return names
	}
	return nil
}
