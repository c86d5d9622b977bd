package main

import (
	"fmt"
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
	c.explain(records)
	return nil
}

// explain prints the page.
func (c *command) explain(records []ctl.Record) {
	c.whyText(records)
	c.claims(records)
	c.failed(records)
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
	c.indented("device", r.Get("devpath"))
	c.indented("subsystem", withKind(r.Get("subsystem"), r.Get("devtype")))
	c.indentedIf("driver", driverOf(records))
	c.indentedIf("modules", r.Get("modules"))
	switch {
	case r.Get("devname") != "":
		c.indented("node", row[4]+" ("+row[3]+")")
		c.indented("mode", row[0]+" "+row[1]+":"+row[2]+"  "+setters(records))
	case r.Get("subsystem") == "net":
		c.indented("node", "none: "+row[4]+" is a network interface")
	default:
		c.indented("node", "none")
	}
	c.did(records)
}

func withKind(subsystem, devtype string) string {
	if devtype == "" {
		return subsystem
	}
	return subsystem + " (" + devtype + ")"
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
		return "by the " + stockRule(records[0].Get("rule"))
	}
	return "by " + strings.Join(lines, " ") + ", else the " + stockRule(records[0].Get("stock"))
}

func stockRule(reason string) string {
	if rule, ok := strings.CutPrefix(reason, "stock "); ok {
		return "stock rule " + rule
	}
	return reason
}

// driverOf names the driver, and the device above that it drives.
func driverOf(records []ctl.Record) string {
	driver := records[0].Get("driver")
	if records[0].Get("own_driver") != "" {
		return driver
	}
	for _, p := range records[1:] {
		if drv := p.Get("driver"); drv != "" && drv == driver {
			return driver + ", of " + shortPlace(p.Get("parent"))
		}
	}
	return driver
}

// did prints which lines of which file did what, the properties of one import
// together.
func (c *command) did(records []ctl.Record) {
	d := deeds{c: c, label: "rules"}
	for _, p := range records[1:] {
		if at := p.Get("at"); at != "" {
			d.add(at, p.Get("does"))
		}
	}
	d.flush()
	if d.label != "" {
		c.indented("rules", "none says anything about it")
	}
}

// deeds is what has been printed so far, and what one line has imported.
type deeds struct {
	c          *command
	label      string
	file, line string
	imports    []string
}

func (d *deeds) add(at, does string) {
	i := strings.LastIndexByte(at, ':')
	file, line := at[:max(i, 0)], at[i+1:]
	if file != d.file || line != d.line {
		d.flush()
		d.line = line
	}
	if file != d.file {
		d.c.indented(d.label, file)
		d.label, d.file = "", file
	}
	if rest, ok := strings.CutPrefix(does, "IMPORT{"); ok {
		if key, _, _ := strings.Cut(rest, "}"); !slices.Contains(d.imports, key) {
			d.imports = append(d.imports, key)
		}
		return
	}
	d.flush()
	d.print(does)
}

func (d *deeds) flush() {
	if len(d.imports) > 0 {
		d.print("imports " + strings.Join(d.imports, " "))
	}
	d.imports = nil
}

func (d *deeds) print(text string) { d.c.hanging("", fmt.Sprintf("%5s  ", d.line), text) }

// shortPlace takes the directory off a place in the rules.
func shortPlace(at string) string { return at[strings.LastIndexByte(at, '/')+1:] }

// claims prints the links, and who else wants them.
func (c *command) claims(records []ctl.Record) {
	c.each("links", records, "claim", func(r ctl.Record, name string) string { return name + rivals(r) })
}

// maxRivals is how many devices are named that want the same link.
const maxRivals = 8

func rivals(r ctl.Record) string {
	others := slices.Collect(r.Values("other"))
	priority := ""
	if p := r.Get("priority"); p != "0" {
		priority = ", priority " + p
	}
	more := ""
	if n := len(others) - maxRivals; n > 0 {
		others, more = others[:maxRivals], fmt.Sprintf(" and %d more", n)
	}
	switch owner := r.Get("owner"); {
	case owner != "":
		return "  (leads to " + owner + ", which comes first" + priority + ")"
	case len(others) > 0:
		return "  (also wanted by " + strings.Join(others, " ") + more + priority + ")"
	}
	return ""
}

// failed says what went wrong, of the rules and of the programs that they
// started, and that nothing did.
func (c *command) failed(records []ctl.Record) {
	label := "failed"
	say := func(text string) {
		c.indented(label, text)
		label = ""
	}
	for _, r := range records[1:] {
		switch {
		case r.Get("fault") != "":
			say(shortPlace(r.Get("fault")) + ": " + r.Get("text"))
		case r.Get("program") != "" && r.Get("failure") != "":
			say(shortPlace(r.Get("line")) + ": " + r.Get("program") + ": " + r.Get("failure"))
		}
	}
	if label != "" {
		say("nothing")
	}
}

func (c *command) list(label string, records []ctl.Record, key string) {
	c.each(label, records, key, func(_ ctl.Record, value string) string { return value })
}

// indentedIf prints a field that has a value.
func (c *command) indentedIf(label, text string) {
	if text != "" {
		c.indented(label, text)
	}
}

// indented prints a field in lines that fit the terminal.
func (c *command) indented(label, text string) { c.hanging(label, "", text) }

// hanging prints text behind a mark; what does not fit in a line goes on in the
// next, a little further in.
func (c *command) hanging(label, mark, text string) {
	const margin = 12
	text = printable(text)
	for {
		line, rest := breakLine(text, max(c.env.width-margin-len(mark), 20))
		c.printf("%-"+strconv.Itoa(margin)+"s%s%s\n", label, mark, line)
		if label = ""; rest == "" {
			return
		}
		mark, text = strings.Repeat(" ", len(mark)), "  "+rest
	}
}

// breakLine cuts text at the last blank that lets the rest fit, or else behind
// the last sign that parts a path, a list or a pattern.
func breakLine(text string, width int) (line, rest string) {
	if len(text) <= width {
		return text, ""
	}
	indent := len(text) - len(strings.TrimLeft(text, " "))
	if at := strings.LastIndexByte(text[:width+1], ' '); at > indent {
		return strings.TrimRight(text[:at], " "), strings.TrimLeft(text[at:], " ")
	}
	for _, signs := range []string{"/", "|,:"} {
		if at := strings.LastIndexAny(text[:width], signs); at > indent {
			return text[:at+1], text[at+1:]
		}
	}
	return text[:width], text[width:]
}
