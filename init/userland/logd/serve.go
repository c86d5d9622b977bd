package logd

import (
	"context"
	"fmt"
	"strconv"

	"slashdev/devmgr/ctl"
)

// tailDefault and tailMax are how many lines "tail" returns.
const (
	tailDefault = 20
	tailMax     = 10000
)

// Handle answers one request of the control socket.
func (l *Logger) Handle(_ context.Context, words []string, w *ctl.Writer) error {
	switch {
	case len(words) == 2 && words[0] == "console" && (words[1] == "on" || words[1] == "off"):
		l.tee.mode.Store(int32(map[string]mode{"on": on, "off": off}[words[1]]))
		return nil
	case (len(words) == 2 || len(words) == 3) && words[0] == "tail":
		return l.tail(w, words[1:])
	}
	return ctl.Errorf(ctl.Usage, "unknown request: console on|off, tail NAME [N]")
}

func (l *Logger) tail(w *ctl.Writer, args []string) error {
	n := tailDefault
	if len(args) == 2 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 1 || n > tailMax {
			return ctl.Errorf(ctl.Usage, "tail: %q is not a number from 1 to %d", args[1], tailMax)
		}
	}
	records, err := l.cfg.Ring.Tail(args[0], n)
	if err != nil {
		return err
	}
	if len(records) == 0 && args[0] != "*" && !l.knows(args[0]) {
		return ctl.Errorf(ctl.NotFound, "no program %s", args[0])
	}
	for _, r := range records {
		if err := w.Record("time", fmt.Sprintf("%.6f", r.When.Seconds()), "name", r.Name, "text", r.Text); err != nil {
			return err
		}
	}
	return nil
}

func (l *Logger) knows(name string) bool {
	for _, s := range l.cfg.Sources {
		if s.Name == name {
			return true
		}
	}
	return false
}
