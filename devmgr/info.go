package main

import (
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
)

const infoHelp = `usage: dev info NAME|DEVPATH [--json]

Says everything about one device: its node and links, the rule that decided,
its properties, and the devices that it is plugged into. NAME is a node or link
below /dev (sda, disk/by-path/...), or a name of the kernel (eth0, 1-1).
`

const statusHelp = `usage: dev status [--json]

Prints counters: devices, nodes and links; events received, and events that
were refused because the kernel had not sent them (forged) or because they made
no sense (malformed); overruns of the event queue and comparisons with sysfs.
`

func (c *command) info() error {
	if len(c.args) != 1 {
		return ctl.Errorf(ctl.Usage, "give one device")
	}
	records, err := c.do("info", c.args[0])
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return ctl.Errorf(ctl.Failed, "empty answer")
	}
	if c.has("json") {
		c.infoJSON(records)
		return nil
	}
	c.infoText(records)
	return nil
}

func (c *command) infoText(records []ctl.Record) {
	r := records[0]
	c.field("device", r.Get("devpath"))
	c.field("subsystem", strings.TrimSpace(r.Get("subsystem")+" "+r.Get("devtype")))
	if r.Get("devname") != "" {
		row := lsRow(r)
		c.field("node", row[4]+" ("+row[3]+")")
		c.field("mode", row[0]+" "+row[1]+":"+row[2])
		c.field("rule", r.Get("rule"))
	}
	c.field("driver", r.Get("driver"))
	c.field("modalias", r.Get("modalias"))
	c.field("modules", r.Get("modules"))
	label := "links"
	for l := range r.Values("link") {
		c.field(label, l)
		label = ""
	}
	label = "parents"
	for _, p := range records[1:] {
		if devpath := p.Get("parent"); devpath != "" {
			line := devpath[strings.LastIndexByte(devpath, '/')+1:] + " (" + p.Get("subsystem")
			if drv := p.Get("driver"); drv != "" {
				line += ", " + drv
			}
			c.field(label, line+")")
			label = ""
		}
	}
	label = "programs"
	for _, p := range records[1:] {
		if name := p.Get("program"); name != "" {
			result := p.Get("failure")
			if result == "" {
				result = "done in " + p.Get("ms") + " ms"
			}
			c.field(label, name+": "+result+" ("+p.Get("line")+")")
			label = ""
		}
	}
	label = "properties"
	for _, p := range records[1:] {
		if key := p.Get("property"); key != "" {
			c.field(label, key+"="+p.Get("value"))
			label = ""
		}
	}
}

func (c *command) field(name, value string) {
	if value != "" {
		c.printf("%-11s %s\n", name, printable(value))
	}
}

func (c *command) infoJSON(records []ctl.Record) {
	b := deviceJSON(nil, records[0])
	b = append(b[:len(b)-1], `, "rule": `...)
	b = appendJSONString(b, records[0].Get("rule"))
	b = append(b, `, "modules": `...)
	b = appendJSONString(b, records[0].Get("modules"))
	b = append(b, `, "parents": `...)
	var parents []string
	for _, p := range records[1:] {
		if p.Get("parent") != "" {
			parents = append(parents, p.Get("parent"))
		}
	}
	b = append(appendJSONStrings(b, parents), `, "properties": {`...)
	var seen []string
	for _, p := range records[1:] {
		key := p.Get("property")
		if key == "" || slices.Contains(seen, key) { // the first counts
			continue
		}
		if len(seen) > 0 {
			b = append(b, ", "...)
		}
		seen = append(seen, key)
		b = append(appendJSONString(b, key), ": "...)
		b = appendJSONString(b, p.Get("value"))
	}
	c.out.Write(append(b, "}}\n"...))
}

func (c *command) status() error {
	if err := c.noArgs(); err != nil {
		return err
	}
	records, err := c.do("status")
	if err != nil {
		return err
	}
	for _, r := range records {
		if c.has("json") {
			c.countersJSON(r)
			continue
		}
		for _, word := range r {
			key, value, _ := strings.Cut(word, "=")
			c.field(key, value)
		}
	}
	return nil
}

func (c *command) countersJSON(r ctl.Record) {
	b := []byte("{")
	for i, word := range r {
		key, value, _ := strings.Cut(word, "=")
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(appendJSONString(b, key), ": "...)
		b = appendJSONValue(b, "missed", value) // all are numbers
	}
	c.out.Write(append(b, "}\n"...))
}
