package main

import (
	"fmt"
	"strings"
)

const udevadmUsage = `usage: udevadm settle [--timeout=SECONDS]
       udevadm trigger [--action=ACTION] [--subsystem-match=NAME]... [NAME...]

These are the verbs of udevadm that devmgr knows so far. To look at devices
use: dev info NAME, dev monitor.
`

func runUdevadm(env environment, args []string) int {
	if len(args) == 0 {
		return env.fail(exitUsage, "%s", udevadmUsage)
	}
	switch verb := args[0]; {
	case isHelp(verb):
		fmt.Fprint(env.stdout, udevadmUsage)
		return exitOK
	case verb == "settle":
		return udevSettle(env, args[1:])
	case verb == "trigger":
		return udevTrigger(env, args[1:])
	}
	return env.fail(exitUsage, "udevadm: %s is not there yet\n%s", args[0], udevadmUsage)
}

// udevOption takes an option of udevadm off args: --long=VALUE, --long VALUE,
// -sVALUE or -s VALUE.
func udevOption(args []string, long, short string) (value string, rest []string, ok bool) {
	switch arg := args[0]; {
	case strings.HasPrefix(arg, long+"="):
		return arg[len(long)+1:], args[1:], true
	case (arg == long || arg == short) && len(args) > 1:
		return args[1], args[2:], true
	case strings.HasPrefix(arg, short) && !strings.HasPrefix(arg, "--") && len(arg) > len(short):
		return arg[len(short):], args[1:], true
	}
	return "", args, false
}

func udevSettle(env environment, args []string) int {
	words := []string{"settle"}
	for len(args) > 0 {
		value, rest, ok := udevOption(args, "--timeout", "-t")
		if !ok {
			return env.fail(exitUsage, "udevadm settle: unexpected argument %q\n%s", args[0], udevadmUsage)
		}
		words, args = append(words, "--timeout="+value), rest
	}
	return runDev(env, words)
}

func udevTrigger(env environment, args []string) int {
	action, words := "change", []string{}
	for len(args) > 0 {
		if value, rest, ok := udevOption(args, "--action", "-c"); ok {
			action, args = value, rest
			continue
		}
		if value, rest, ok := udevOption(args, "--subsystem-match", "-s"); ok {
			words, args = append(words, "--subsystem="+value), rest
			continue
		}
		switch {
		case args[0] == "--type=devices" || args[0] == "--type=all":
		case strings.HasPrefix(args[0], "-"):
			return env.fail(exitUsage, "udevadm trigger: %s is not there yet\n%s", args[0], udevadmUsage)
		default:
			words = append(words, args[0])
		}
		args = args[1:]
	}
	env.stdout = env.stderr // scripts expect silence
	return runDev(env, append([]string{"trigger", action}, words...))
}
