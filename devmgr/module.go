package main

import (
	"strings"

	"slashdev/devmgr/ctl"
)

const moduleHelp = `usage: dev module [--failed] [--json]

Lists what kernel modules have been asked for, by names and by modaliases of
devices, and what came of it. modprobe loads and removes modules by hand.
  --failed  only what went wrong; that there is no module is not wrong
`

func (c *command) module() error {
	if err := c.noArgs(); err != nil {
		return err
	}
	all, err := c.do("module")
	if err == nil {
		c.showModules(all)
	}
	return err
}

func (c *command) showModules(all []ctl.Record) {
	var records []ctl.Record
	for _, r := range all {
		if !c.has("failed") || r.Get("state") == "failed" {
			records = append(records, r)
		}
	}
	if c.has("json") {
		c.jsonArray(records, moduleJSON)
		return
	}
	t := table{width: c.env.width, head: []string{"STATE", "MODULES", "ASKED FOR"}}
	for _, r := range records {
		what := strings.Join(moduleNames(r), " ")
		if r.Get("state") == "failed" {
			what = r.Get("error")
		}
		t.rows = append(t.rows, []string{r.Get("state"), printable(what), printable(r.Get("name"))})
	}
	t.print(c.out)
}

func moduleNames(r ctl.Record) (names []string) {
	for m := range r.Values("module") {
		names = append(names, m)
	}
	return names
}

func moduleJSON(b []byte, r ctl.Record) []byte {
	for i, key := range []string{"name", "state", "error"} {
		b = append(b, []string{"{", ", ", ", "}[i]...)
		b = append(appendJSONString(b, key), ": "...)
		b = appendJSONString(b, r.Get(key))
	}
	b = append(b, `, "modules": `...)
	return append(appendJSONStrings(b, moduleNames(r)), '}')
}
