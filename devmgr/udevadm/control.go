package udevadm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/udevctl"
)

const settleHelp = `udevadm settle [OPTIONS]

Wait for pending udev events.

  -t --timeout=SEC          Maximum time to wait for events (120)
  -E --exit-if-exists=FILE  Stop waiting if file exists
`

var settleOptions = []option{{"timeout", 't', '!'}, {"exit-if-exists", 'E', '!'}, {"seq-start", 's', '!'}, {"seq-end", 'e', '!'}, {"quiet", 'q', 0}}

const settleTime = 120 * time.Second

func (s *System) settle(o options) error {
	limit, err := o.seconds("timeout", settleTime) // words are passed over, as udevadm does
	if err != nil {
		return err
	}
	if limit == 0 {
		if _, err := fs.Stat(s.DB, "queue"); err == nil {
			return ctl.Errorf(ctl.Timeout, "events are queued")
		}
		return nil
	}
	settled := make(chan error, 1)
	go func() { settled <- s.askSettle(limit) }()
	file := o.last("exit-if-exists")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(file); file != "" && err == nil {
			return nil
		}
		select {
		case err := <-settled:
			return err
		case <-tick.C:
		}
	}
}

// askSettle asks the device manager: only it knows what the kernel has sent
// and nobody has read.
func (s *System) askSettle(limit time.Duration) error {
	socket := "devmgr-ro.sock"
	if os.Geteuid() == 0 {
		socket = "devmgr.sock"
	}
	client, err := ctl.Dial(filepath.Join(s.Run, socket))
	if err != nil {
		return err
	}
	defer client.Close()
	seconds := strconv.FormatFloat(min(limit, 24*time.Hour).Seconds(), 'f', -1, 64)
	for _, err := range client.Stream("settle", "--timeout="+seconds) {
		if err != nil {
			return err
		}
	}
	return nil
}

const controlHelp = `udevadm control OPTION...

Control the device manager.

  -e --exit                Instruct the daemon to end: init starts it again
  -l --log-level=LEVEL     Accepted; the device manager has one level
  -s --stop-exec-queue     Do not execute events, queue only
  -S --start-exec-queue    Execute events, flush queue
  -R --reload              Reload rules
  -p --property=KEY=VALUE  Set a global property for all events
  -m --children-max=N      Maximum number of children
     --ping                Wait for the device manager to answer
  -t --timeout=SECONDS     Maximum time to block for a reply (60)
`

var controlOptions = []option{{"exit", 'e', 0}, {"log-level", 'l', '!'}, {"log-priority", 0, '!'}, {"stop-exec-queue", 's', 0},
	{"start-exec-queue", 'S', 0}, {"reload", 'R', 0}, {"reload-rules", 0, 0}, {"property", 'p', '!'}, {"env", 0, '!'},
	{"children-max", 'm', '!'}, {"ping", 0, 0}, {"timeout", 't', '!'}}

func (s *System) control(o options) error {
	if err := o.noArgs(); err != nil {
		return err
	}
	limit, err := o.seconds("timeout", time.Minute)
	if err != nil {
		return err
	}
	var orders []udevctl.Message
	for _, g := range o.given {
		if g.name == "timeout" {
			continue
		}
		m, err := order(g)
		if err != nil {
			return err
		}
		orders = append(orders, m)
	}
	if orders == nil {
		return ctl.Errorf(ctl.Usage, "This command expects one or more options.")
	}
	return udevctl.Send(s.Udev+"/control", limit, orders...)
}

func order(g given) (udevctl.Message, error) {
	switch g.name {
	case "exit":
		return udevctl.Message{Kind: udevctl.Exit}, nil
	case "stop-exec-queue":
		return udevctl.Message{Kind: udevctl.StopQueue}, nil
	case "start-exec-queue":
		return udevctl.Message{Kind: udevctl.StartQueue}, nil
	case "reload", "reload-rules":
		return udevctl.Message{Kind: udevctl.Reload}, nil
	case "ping":
		return udevctl.Message{Kind: udevctl.Ping}, nil
	case "property", "env":
		if i := strings.IndexByte(g.value, '='); i <= 0 {
			return udevctl.Message{}, ctl.Errorf(ctl.Usage, "--%s: expected KEY=VALUE, got %q", g.name, g.value)
		}
		return udevctl.Message{Kind: udevctl.SetProperty, Text: g.value}, nil
	case "children-max":
		n, err := strconv.ParseUint(g.value, 10, 31)
		if err != nil {
			return udevctl.Message{}, ctl.Errorf(ctl.Usage, "--children-max: %q is no number", g.value)
		}
		return udevctl.Message{Kind: udevctl.SetChildrenMax, Number: int32(n)}, nil
	}
	level, err := logLevel(g.value)
	return udevctl.Message{Kind: udevctl.SetLogLevel, Number: level}, err
}

// logLevel reads a level of syslog, by name or number.
func logLevel(word string) (int32, error) {
	names := []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	if i := slices.Index(names, word); i >= 0 {
		return int32(i), nil
	}
	n, err := strconv.ParseUint(word, 10, 3)
	if err != nil {
		return 0, ctl.Errorf(ctl.Usage, "--log-level: unknown level %q", word)
	}
	return int32(n), nil
}

// after calls f at the end of limit unless it is stopped before.
func after(limit time.Duration, f func()) (stop func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	unhook := context.AfterFunc(ctx, f)
	return func() bool { defer cancel(); return unhook() }
}

// isTimeout says whether a read ended because its file was closed by after.
func isTimeout(err error) bool { return errors.Is(err, os.ErrClosed) }
