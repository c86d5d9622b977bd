package runlevel

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"slashdev/init/signals"
)

// Wish is what a request on the control socket asks for.
type Wish struct {
	Deed  signals.Deed
	Grace time.Duration // between SIGTERM and the kill; zero: each program's own
	Boot  string        // for the firmware, by reboot(2)'s RESTART2
}

// verbs are the requests but for telinit and setenv.
var verbs = map[string]signals.Deed{
	"halt": signals.Halt, "poweroff": signals.PowerOff, "reboot": signals.Reboot, "kexec": signals.Kexec,
	"reload": signals.Reload, "reexec": signals.Reexec,
}

// Verbs are the requests that Wish knows.
const Verbs = "halt, poweroff, reboot, kexec, reload, reexec, telinit or setenv"

const maxGrace = 60 // seconds; the shutdown as a whole is bounded anyway

// Wish reads a request: VERB [grace=SECONDS] [boot=TEXT], telinit [-t SECONDS]
// LEVEL [grace=SECONDS], or setenv INIT_NAME[=VALUE]..., which it does.
func (s *State) Wish(words []string) (w Wish, err error) {
	verb, args := words[0], words[1:]
	if len(args) > 2 && verb == "telinit" && args[0] == "-t" {
		args = append(args[2:len(args):len(args)], "grace="+args[1])
	}
	switch {
	case verb == "setenv":
		for _, a := range args {
			if err := s.set(a); err != nil {
				return w, err
			}
		}
		return w, nil
	case verb == "telinit" && len(args) > 0 && len(args[0]) == 1:
		w.Deed, err = s.enter(args[0][0])
		args = args[1:]
	case verb == "telinit":
		return w, errors.New("telinit needs a run level")
	default:
		w.Deed = verbs[verb]
	}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		n, bad := strconv.Atoi(value)
		switch {
		case key == "grace" && bad == nil && n >= 0:
			w.Grace = time.Duration(min(n, maxGrace)) * time.Second
		case key == "boot" && w.Deed == signals.Reboot:
			w.Boot = value
		default:
			return w, fmt.Errorf("%s: %q: use grace=SECONDS or, for a reboot, boot=TEXT", verb, a)
		}
	}
	return w, err
}

// Knows says whether a verb is one of Verbs.
func Knows(verb string) bool { return verbs[verb] != "" || verb == "telinit" || verb == "setenv" }
