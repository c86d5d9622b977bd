package main

import (
	"slices"

	"slashdev/devmgr/ctl"
)

const nameHelp = `usage: dev name NAME|DEVPATH [--scheme SCHEME] [--json]

Prints all names of a device: in the tree of devfs (scsi/host0/.../disc), the
short ones of devfsd (sd/c0b0t0u0), those from before (sda), links and number.
Whether /dev has the names of a scheme is another matter: the boot word
devfs=names:devfs:new-compat:old-compat puts them there.
  --scheme SCHEME  print only the names in devfs, new-compat or old-compat, one
                   a line; exit code 3 if there is none
`

const resolveHelp = `usage: dev resolve NAME [--json]

Finds a device by any of its names and prints the path of its node: /dev/NAME,
a name of devfs (discs/disc0/part1), devfsd's short one or an old one, LABEL=,
UUID=, PARTLABEL=, PARTUUID=, MAJOR:MINOR or a link. With --json, the device
as dev ls prints it, and by: what kind of name it was. Media that no rule has
looked at are read if root asks.
`

func schemes() []string { return []string{"devfs", "new-compat", "old-compat"} }

func (c *command) name() error {
	if len(c.args) != 1 {
		return ctl.Errorf(ctl.Usage, "give one device")
	}
	scheme := c.option("scheme")
	if c.has("scheme") && !slices.Contains(schemes(), scheme) {
		return ctl.Errorf(ctl.Usage, "unknown scheme %q: use devfs, new-compat or old-compat", scheme)
	}
	records, err := c.do("name", c.args[0])
	switch {
	case err != nil:
		return err
	case len(records) == 0:
		return ctl.Errorf(ctl.Failed, "empty answer")
	case c.has("json"):
		c.nameJSON(records, scheme)
	case scheme != "":
		for _, name := range namesIn(records, scheme) {
			c.printf("%s\n", printable(name))
		}
	default:
		c.nameText(records)
	}
	if scheme != "" && len(namesIn(records, scheme)) == 0 {
		return ctl.Errorf(ctl.NotFound, "%s has no name in %s", c.args[0], scheme)
	}
	return nil
}

func namesIn(records []ctl.Record, scheme string) []string {
	var names []string
	for _, r := range records[1:] {
		if r.Get("scheme") == scheme {
			names = append(names, r.Get("name"))
		}
	}
	return names
}

func (c *command) nameText(records []ctl.Record) {
	c.field("kernel", shownName(records[0]))
	c.field("number", records[0].Get("number"))
	for _, scheme := range append(schemes(), "link") {
		label := scheme
		for _, name := range namesIn(records, scheme) {
			c.field(label, name)
			label = ""
		}
	}
}

func (c *command) nameJSON(records []ctl.Record, only string) {
	b := []byte("{")
	for _, key := range []string{"devpath", "devname", "number"} {
		b = append(appendJSONString(b, key), ": "...)
		b = append(appendJSONString(b, records[0].Get(key)), ", "...)
	}
	for i, scheme := range append(schemes(), "link") {
		if only != "" && scheme != only {
			continue
		}
		if i > 0 && only == "" {
			b = append(b, ", "...)
		}
		b = append(appendJSONString(b, scheme), ": "...)
		b = appendJSONStrings(b, namesIn(records, scheme))
	}
	c.out.Write(append(b, "}\n"...))
}

func (c *command) resolve() error {
	if len(c.args) != 1 {
		return ctl.Errorf(ctl.Usage, "give one name")
	}
	records, err := c.do("resolve", c.args[0])
	switch {
	case err != nil:
		return err
	case len(records) != 1:
		return ctl.Errorf(ctl.Failed, "%d answers", len(records))
	}
	r := records[0]
	switch {
	case c.has("json"):
		b := deviceJSON(nil, r)
		b = append(b[:len(b)-1], `, "by": `...)
		c.out.Write(append(appendJSONString(b, r.Get("by")), "}\n"...))
	case r.Get("devname") == "":
		c.printf("/sys%s\n", printable(r.Get("devpath")))
	default:
		c.printf("/dev/%s\n", printable(r.Get("devname")))
	}
	return nil
}
