package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
)

const monitorHelp = `usage: dev monitor [--subsystem NAME]... [--json]

Prints a line for every event after it has been applied, until interrupted:
seconds since the machine started, action, subsystem, name and devpath. The
name is that of the node, if the device has one: it is there, with its owner
and links, when the line is printed.
  --subsystem NAME  only events of this subsystem; may be given more than once
`

const triggerHelp = `usage: dev trigger [ACTION] [NAME|DEVPATH...] [--subsystem NAME]... [--json]

Asks the kernel to announce devices again, and prints how many. ACTION is
change (the default), add, remove, bind, unbind, move, online or offline.
Without names all devices are announced. A name that is also an action is
written as /dev/NAME.
`

const settleHelp = `usage: dev settle [NAME] [--gone] [--timeout D] [--json]

Waits until all events that the kernel has sent have been applied, and the
programs that rules started for them have ended. With NAME it does not wait for
programs, but until /dev/NAME is there, with its owner and links.
  --gone       wait until NAME is not there
  --timeout D  give up after D, such as 5, 0.5 or 1m30s (120s); exit code 5
`

func (c *command) monitor() error {
	if err := c.noArgs(); err != nil {
		return err
	}
	for r, err := range c.stream("monitor") {
		if err != nil {
			return err
		}
		c.event(r)
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (c *command) event(r ctl.Record) {
	wanted := c.options["subsystem"]
	missed := r.Get("missed")
	switch {
	case missed == "" && r.Get("action") == "": // the first record says that we listen
	case missed == "" && wanted != nil && !slices.Contains(wanted, r.Get("subsystem")):
	case c.has("json"):
		c.eventJSON(r, missed)
	case missed != "":
		c.printf("missed %s events\n", missed)
	default:
		c.printf("%s %s %s %s %s\n", r.Get("time"), r.Get("action"), printable(r.Get("subsystem")),
			printable(r.Get("name")), printable(r.Get("devpath")))
	}
}

func (c *command) eventJSON(r ctl.Record, missed string) {
	if missed != "" {
		c.out.Write(append(appendJSONValue([]byte(`{"missed": `), "missed", missed), "}\n"...))
		return
	}
	b := []byte(`{"time": `)
	if _, err := strconv.ParseFloat(r.Get("time"), 64); err == nil {
		b = append(b, r.Get("time")...)
	} else {
		b = append(b, '0')
	}
	for _, key := range []string{"action", "subsystem", "name", "devpath"} {
		b = appendJSONString(append(b, ", "...), key)
		b = appendJSONString(append(b, ": "...), r.Get(key))
	}
	c.out.Write(append(b, "}\n"...))
}

func (c *command) trigger() error {
	words := append([]string{"trigger"}, c.args...)
	for _, s := range c.options["subsystem"] {
		words = append(words, "--subsystem="+s)
	}
	records, err := c.do(words...)
	if err != nil {
		return err
	}
	for _, r := range records {
		n := r.Get("triggered")
		if c.has("json") {
			c.out.Write(append(appendJSONValue([]byte(`{"triggered": `), "missed", n), "}\n"...))
		} else {
			c.printf("triggered %s devices\n", n)
		}
	}
	return nil
}

func (c *command) settle() error {
	words := append([]string{"settle"}, c.args...)
	if c.has("gone") {
		words = append(words, "--gone")
	}
	if c.has("timeout") {
		d, err := parseDuration(c.option("timeout"))
		if err != nil {
			return err
		}
		words = append(words, "--timeout="+strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	}
	for _, err := range c.stream(words...) {
		if err != nil {
			return err
		}
	}
	if c.has("json") {
		c.printf("{\"settled\": true}\n")
	}
	return nil
}

// parseDuration reads 5 as five seconds, and 1m30s as Go does.
func parseDuration(s string) (time.Duration, error) {
	if strings.Trim(s, "0123456789.") == "" {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, ctl.Errorf(ctl.Usage, "%q is not a duration: use 5, 0.5 or 1m30s", s)
	}
	return d, nil
}
