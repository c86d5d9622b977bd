package udevadm

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/monitor"
)

const waitHelp = `udevadm wait [OPTIONS] DEVICE...

Wait for devices or device symlinks being created.

  -t --timeout=SEC      Maximum time to wait for the device
     --initialized=BOOL Wait for devices that are initialized (yes), or any (no)
     --removed          Wait for devices being removed
     --settle           Also wait for all queued events being processed
`

var waitOptions = []option{{"timeout", 't', '!'}, {"initialized", 0, '!'}, {"removed", 0, 0}, {"settle", 0, 0}}

func (s *System) wait(o options) error {
	limit, err := o.seconds("timeout", forever)
	if err != nil {
		return err
	}
	initialized, ok := parseBool(o.last("initialized"))
	switch {
	case !ok:
		return ctl.Errorf(ctl.Usage, "--initialized: %q is neither yes nor no", o.last("initialized"))
	case len(o.args) == 0:
		return ctl.Errorf(ctl.Usage, "Too few arguments, expected at least one device path or device symlink.")
	}
	for _, word := range o.args {
		if !strings.HasPrefix(word, "/dev/") && !strings.HasPrefix(word, s.SysDir+"/") {
			return ctl.Errorf(ctl.Usage, "%q is below neither /dev nor /sys", word)
		}
	}
	deadline := time.Now().Add(limit)
	for {
		ok, err := s.await(limit, func() bool { return s.allThere(o, initialized) })
		if err != nil {
			return err
		}
		if !ok {
			return ctl.Errorf(ctl.Timeout, "Timed out for waiting devices being %s.", waitedFor(o))
		}
		if !o.has("settle") {
			return nil
		}
		if err := s.askSettle(time.Until(deadline)); err != nil {
			return err
		}
		if limit = time.Until(deadline); s.allThere(o, initialized) {
			return nil
		}
	}
}

func waitedFor(o options) string {
	if o.has("removed") {
		return "removed"
	}
	return "initialized"
}

func parseBool(word string) (value, ok bool) {
	switch strings.ToLower(word) {
	case "", "yes", "y", "true", "t", "1", "on":
		return true, true
	case "no", "n", "false", "f", "0", "off":
		return false, true
	}
	return false, false
}

// allThere says whether every device is as the options want it.
func (s *System) allThere(o options, initialized bool) bool {
	for _, word := range o.args {
		d, err := s.find(word)
		switch {
		case o.has("removed") && err == nil:
			return false
		case o.has("removed"):
		case err != nil || initialized && !d.initialized():
			return false
		}
	}
	return true
}

// await looks again whenever the device manager has dealt with an event, and
// now and then, until done is true or the time is over.
func (s *System) await(limit time.Duration, done func() bool) (ok bool, err error) {
	if done() {
		return true, nil
	}
	conn, err := monitor.Listen(monitor.Udev)
	if err != nil {
		return false, err
	}
	stop := after(limit, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	for !done() {
		if _, _, err := conn.Next(); isTimeout(err) {
			return done(), nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// awaitInitialized waits until the device is in the database.
func (s *System) awaitInitialized(d *device, limit time.Duration) (*device, error) {
	var err error
	ok, aerr := s.await(limit, func() bool {
		var again *device
		if again, err = s.read(d.ev.DevPath); err == nil {
			d = again
		}
		return errors.Is(err, fs.ErrNotExist) || err == nil && d.initialized()
	})
	switch {
	case aerr != nil:
		return d, aerr
	case !ok:
		return d, ctl.Errorf(ctl.Timeout, "%s: is not initialized after %s", d.ev.DevPath, limit)
	}
	return d, err
}
