package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/recording"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
)

const captureHelp = `usage: dev capture [NAME|DEVPATH]... [--events=SECONDS] [--raw] [--json]

Prints the devices of the machine as text: what the kernel says of each, and
its attributes. With names, only those devices and what they are plugged into.
"slashdev replay FILE" on any host shows what devmgr makes of it; umockdev reads
it too. Put it into a bug report: serial numbers and hardware addresses are
replaced by made-up ones.
  --events=SECONDS  then wait so long, and add what happens meanwhile (root)
  --raw             leave serial numbers as they are
  --json            the devices as an array of JSON objects
  --sys=DIR         another sysfs than /sys
`

// maxEvents bounds a recording.
const maxEvents = 10000

func (c *command) capture() error {
	seconds, err := strconv.ParseFloat("0"+c.option("events"), 64)
	if err != nil || seconds > 3600 {
		return ctl.Errorf(ctl.Usage, "--events wants seconds, at most 3600")
	}
	dir := c.option("sys")
	if dir == "" {
		dir = "/sys"
	}
	s := sysfs.Host(dir)
	var conn *uevent.Conn
	if c.has("events") { // from before the scan on, so that nothing is missed
		if conn, err = uevent.Listen(uevent.Config{}); err != nil {
			return err
		}
		defer conn.Close()
	}
	devpaths, err := resolve(s, c.args)
	if err != nil {
		return err
	}
	r, err := recording.Capture(s, devpaths)
	if err != nil {
		return err
	}
	if conn != nil {
		if err := record(r, s, conn, time.Duration(seconds*float64(time.Second))); err != nil {
			return err
		}
	}
	if !c.has("raw") {
		r.Conceal()
	}
	if c.has("json") {
		c.recordingJSON(r)
		return nil
	}
	c.printf("%s", r)
	return nil
}

func (c *command) recordingJSON(r *recording.Recording) {
	pair := func(b []byte, key, value string) []byte {
		if b[len(b)-1] != '{' {
			b = append(b, ", "...)
		}
		return appendJSONString(append(appendJSONString(b, key), ": "...), value)
	}
	b := []byte("[")
	for i, d := range r.Devices {
		if i > 0 {
			b = append(b, ",\n "...)
		}
		b = pair(pair(pair(append(b, '{'), "devpath", d.DevPath), "subsystem", d.Subsystem), "devname", d.Node)
		b = append(b, `, "properties": {`...)
		for key, value := range d.Env.All() {
			b = pair(b, key, value)
		}
		b = append(b, `}, "attributes": {`...)
		for _, a := range d.Attrs {
			b = pair(b, a.Name, a.Value)
		}
		b = append(b, "}}"...)
	}
	c.out.Write(append(b, "]\n"...))
}

// record adds what happens for a while.
func record(r *recording.Recording, s sysfs.FS, conn *uevent.Conn, d time.Duration) error {
	timer := time.AfterFunc(d, func() { conn.Close() })
	defer timer.Stop()
	for len(r.Events) < maxEvents {
		ev, err := conn.Next()
		_, idle := errors.AsType[*uevent.IdleError](err)
		switch {
		case idle, errors.Is(err, uevent.ErrOverrun): // what was lost is not in the recording
		case errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("record events: %w", err)
		case strings.HasPrefix(ev.DevPath, "/devices/"):
			r.Happened(s, ev)
		}
	}
	return nil
}

// resolve finds the devices that are named, by path, node or the kernel's name.
func resolve(s sysfs.FS, names []string) ([]string, error) {
	var devpaths []string
	for _, name := range names {
		p, err := resolveOne(s, name)
		if err != nil {
			return nil, err
		}
		devpaths = append(devpaths, p)
	}
	return devpaths, nil
}

func resolveOne(s sysfs.FS, name string) (string, error) {
	if p := strings.TrimPrefix(name, "/sys"); strings.HasPrefix(p, "/devices/") {
		if _, err := s.Read(p); err == nil {
			return p, nil
		}
	}
	node := strings.TrimPrefix(strings.TrimPrefix(name, "/devices/"), "/dev/")
	for ev, err := range s.Scan() {
		if err != nil {
			return "", err
		}
		if ev.Env.Get("DEVNAME") == node || strings.HasSuffix(ev.DevPath, "/"+name) {
			return ev.DevPath, nil
		}
	}
	return "", ctl.Errorf(ctl.NotFound, "no device %q", name)
}
