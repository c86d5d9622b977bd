package main

import (
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/ctl"
)

const whyHelp = `usage: dev why NAME|DEVPATH [--json]

Says on one page why a device is what it is: its driver and modules, which line
of which rules set what, its links and who else claims them, and what failed.
The rules are applied once more to find out, but nothing is changed. For root.
`

const testHelp = `usage: dev test NAME|DEVPATH [--action ACTION] [--json]

Says what the rules as they are on the disk now would make of a device, before
they are loaded with "udevadm control --reload". Nothing is changed. For root.
  --action ACTION  what happens to the device (add)
`

func (c *command) why() error {
	records, err := c.explanation("why")
	if err != nil {
		return err
	}
	if c.has("json") {
		c.jsonArray(records, recordJSON)
		return nil
	}
	c.whyText(records)
	c.claims(records)
	c.failed(records)
	return nil
}

func (c *command) test() error {
	var options []string
	if action := c.option("action"); action != "" {
		options = append(options, "--action="+action)
	}
	records, err := c.explanation("test", options...)
	if err != nil {
		return err
	}
	if c.has("json") {
		c.jsonArray(records, recordJSON)
		return nil
	}
	c.testText(records)
	return nil
}

func (c *command) testText(records []ctl.Record) {
	r := records[0]
	c.field("device", r.Get("devpath"))
	if r.Get("devname") != "" {
		c.field("mode", "0"+strings.TrimPrefix(r.Get("wanted_mode"), "0")+" "+r.Get("wanted_owner"))
	}
	c.did(records)
	c.list("links", records, "wants_link")
	c.list("tags", records, "tag")
	c.effects(records)
	c.failed(records)
}

// effects prints what would be done beside the node.
func (c *command) effects(records []ctl.Record) {
	c.each("properties", records, "property", func(r ctl.Record, key string) string { return key + "=" + r.Get("value") })
	c.each("runs", records, "run", func(r ctl.Record, at string) string {
		return strings.Join(slices.Collect(r.Values("word")), " ") + "  (" + shortPlace(at) + ")"
	})
	c.each("writes", records, "write", func(r ctl.Record, path string) string { return r.Get("value") + " to " + path })
}

// each prints a line for every record that has a key.
func (c *command) each(label string, records []ctl.Record, key string, text func(r ctl.Record, value string) string) {
	for _, r := range records[1:] {
		if value := r.Get(key); value != "" {
			c.indented(label, text(r, value))
			label = ""
		}
	}
}

// explanation gets the records.
func (c *command) explanation(verb string, options ...string) ([]ctl.Record, error) {
	if len(c.args) != 1 {
		return nil, ctl.Errorf(ctl.Usage, "give one device")
	}
	records, err := c.do(append([]string{verb, c.args[0]}, options...)...)
	switch {
	case err != nil:
		return nil, err
	case len(records) == 0:
		return nil, ctl.Errorf(ctl.Failed, "empty answer")
	}
	return records, nil
}

// recordJSON prints a record as it is: keys that may come twice are arrays.
func recordJSON(b []byte, r ctl.Record) []byte {
	b = append(b, '{')
	var seen []string
	for _, word := range r {
		key, value, _ := strings.Cut(word, "=")
		if slices.Contains(seen, key) {
			continue
		}
		if len(seen) > 0 {
			b = append(b, ", "...)
		}
		seen = append(seen, key)
		b = append(appendJSONString(b, key), ": "...)
		switch key {
		case "link", "other", "word":
			b = appendJSONStrings(b, slices.Collect(r.Values(key)))
		default:
			b = appendJSONString(b, value)
		}
	}
	return append(b, '}')
}

func (c *command) whyText(records []ctl.Record) {
	r := records[0]
	row := lsRow(r)
	c.field("device", r.Get("devpath"))
	c.field("subsystem", strings.TrimSpace(r.Get("subsystem")+" "+r.Get("devtype")))
	c.field("driver", driverOf(records))
	c.field("modules", r.Get("modules"))
	if r.Get("devname") != "" {
		c.field("node", row[4]+" ("+row[3]+")")
		c.indented("mode", row[0]+" "+row[1]+":"+row[2]+", by "+setters(records))
	}
	c.did(records)
}

// setters names what gave a node its owner and mode.
func setters(records []ctl.Record) string {
	var lines []string
	for _, r := range records[1:] {
		key, _, _ := strings.Cut(r.Get("does"), "=")
		at := shortPlace(r.Get("at"))
		if slices.Contains([]string{"OWNER", "GROUP", "MODE"}, key) && !slices.Contains(lines, at) {
			lines = append(lines, at)
		}
	}
	if len(lines) == 0 {
		return records[0].Get("rule")
	}
	return strings.Join(lines, " ") + " on top of " + records[0].Get("stock")
}

// driverOf names the driver, and the device above that it drives.
func driverOf(records []ctl.Record) string {
	driver := records[0].Get("driver")
	for _, p := range records[1:] {
		if drv := p.Get("driver"); drv != "" && drv == driver {
			return driver + ", of " + shortPlace(p.Get("parent"))
		}
	}
	return driver
}

// did prints which lines did what, the properties of one import together.
func (c *command) did(records []ctl.Record) {
	label, last, imported := "rules", "", []string(nil)
	flush := func() {
		if len(imported) > 0 {
			c.indented("", "  imports "+strings.Join(imported, " "))
		}
		imported = nil
	}
	for _, p := range records[1:] {
		at, does := p.Get("at"), p.Get("does")
		if at == "" {
			continue
		}
		if at != last {
			flush()
			c.indented(label, shortPlace(at))
			label, last = "", at
		}
		if rest, ok := strings.CutPrefix(does, "IMPORT{"); ok {
			key, _, _ := strings.Cut(rest, "}")
			imported = append(imported, key)
			continue
		}
		c.indented("", "  "+does)
	}
	flush()
	if last == "" {
		c.field("rules", "no rule says anything about it")
	}
}

// shortPlace takes the directory off a place in the rules.
func shortPlace(at string) string { return at[strings.LastIndexByte(at, '/')+1:] }

// claims prints the links, and who else wants them.
func (c *command) claims(records []ctl.Record) {
	c.each("links", records, "claim", func(r ctl.Record, name string) string {
		if p := r.Get("priority"); p != "0" {
			return name + rivals(r) + "  (priority " + p + ")"
		}
		return name + rivals(r)
	})
}

func rivals(r ctl.Record) string {
	others := slices.Collect(r.Values("other"))
	switch owner := r.Get("owner"); {
	case owner != "":
		return "  is " + owner + "'s, which comes first"
	case len(others) > 0:
		return "  also wanted by " + strings.Join(others, " ")
	}
	return ""
}

func (c *command) failed(records []ctl.Record) {
	c.each("failed", records, "fault", func(r ctl.Record, at string) string { return shortPlace(at) + ": " + r.Get("text") })
}

func (c *command) list(label string, records []ctl.Record, key string) {
	c.each(label, records, key, func(_ ctl.Record, value string) string { return value })
}

// indented prints a field in lines that fit the terminal.
func (c *command) indented(label, text string) {
	const margin = 12
	text = printable(text)
	indent := len(text) - len(strings.TrimLeft(text, " "))
	for {
		line, rest := breakLine(text, max(c.env.width-margin, 20))
		c.printf("%-"+strconv.Itoa(margin)+"s%s\n", label, line)
		if label = ""; rest == "" {
			return
		}
		text = strings.Repeat(" ", indent+2) + rest
	}
}

// breakLine cuts text at the last blank that lets the rest fit.
func breakLine(text string, width int) (line, rest string) {
	if len(text) <= width {
		return text, ""
	}
	at := strings.LastIndexByte(text[:width+1], ' ')
	if strings.TrimSpace(text[:max(at, 0)]) == "" {
		return text[:width], text[width:]
	}
	return text[:at], strings.TrimLeft(text[at:], " ")
}
