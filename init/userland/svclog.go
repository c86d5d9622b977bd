package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/ctl"
	"slashdev/init/userland/tool"
)

// svcLog shows lines that the logger has, and with -f goes on with what comes.
func svcLog(e *tool.Env, args []string, opts tool.Options) error {
	if opts.Has("boots") {
		return svcBoots(e, opts.Has("json"))
	}
	words, err := logRequest(args, opts)
	if err != nil {
		return err
	}
	c, err := ctl.Dial(logdSocket)
	if err != nil {
		return withCode(err)
	}
	defer c.Close()
	p := logPrinter{e: e, json: opts.Has("json"), array: !opts.Has("f")}
	for r, err := range c.Stream(words...) {
		if err != nil {
			return withCode(err)
		}
		if err := p.record(r); err != nil {
			return err
		}
	}
	return p.end()
}

// svcBoots lists the boots of which lines are kept.
func svcBoots(e *tool.Env, asJSON bool) error {
	list, err := ask(logdSocket, "boots")
	if err != nil || asJSON {
		return errors.Join(err, writeJSON(e, list))
	}
	t := &tool.Table{Right: []bool{true}}
	t.Row("BOOT", "BEGAN", "ID")
	for _, r := range list {
		t.Row(r["boot"], day(r["began"]), r["id"])
	}
	_, err = t.WriteTo(e.Out)
	return err
}

// day makes seconds since 1970 readable.
func day(s string) string {
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil || sec == 0 {
		return "-"
	}
	return time.Unix(int64(sec), 0).UTC().Format("2006-01-02 15:04:05")
}

// logRequest is the request to the logger for what was asked for.
func logRequest(args []string, opts tool.Options) ([]string, error) {
	name := "*"
	if len(args) > 1 {
		return nil, tool.Usagef("svc log takes one NAME")
	}
	if len(args) == 1 {
		name = args[0]
	}
	words := []string{"log", name}
	if n, ok := opts["n"]; ok {
		words = append(words, "lines="+n)
	}
	if s, ok := opts["since"]; ok {
		age, err := parseAge(s)
		if err != nil {
			return nil, err
		}
		words = append(words, "since="+strconv.Itoa(int(age.Seconds())))
		if !opts.Has("n") {
			words = append(words, "lines=1000000") // all of them
		}
	}
	if opts.Has("f") {
		words = append(words, "follow=1")
	}
	if b, ok := opts["boot"]; ok {
		words = append(words, "boot="+b)
	}
	return words, nil
}

// parseAge reads 90s, 10m, 2h, 1d; a plain number is seconds.
func parseAge(s string) (time.Duration, error) {
	number := strings.TrimRight(s, "smhd")
	unit, ok := map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[s[len(number):]]
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || !ok {
		return 0, tool.Usagef("--since %s: want an age such as 90s, 10m, 2h, 1d", s)
	}
	return time.Duration(n) * unit, nil
}

// logPrinter prints records of the logger: as text, as one JSON array, or,
// where no end is in sight, as one JSON object a line.
type logPrinter struct {
	e     *tool.Env
	json  bool
	array bool
	all   []record
	long  record // a line of which more comes
}

func (p *logPrinter) record(r ctl.Record) error {
	m := record{}
	for _, w := range r {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	if p.long != nil {
		p.long["text"] += m["text"]
		if m["more"] != "" {
			return nil
		}
		m, p.long = p.long, nil
	} else if m["more"] != "" {
		delete(m, "more")
		p.long = m
		return nil
	}
	return p.print(m)
}

func (p *logPrinter) print(m record) error {
	switch {
	case p.json && p.array:
		p.all = append(p.all, m)
		return nil
	case p.json:
		return json.NewEncoder(p.e.Out).Encode(m)
	case m["lost"] != "":
		p.e.Printf("(%s lines lost: this terminal is too slow)\n", m["lost"])
		return nil
	}
	sec, _ := strconv.ParseFloat(m["time"], 64)
	p.e.Printf("[%12.6f] %s: %s\n", sec, tool.Clean(m["name"]), tool.Clean(m["text"]))
	return nil
}

func (p *logPrinter) end() error {
	if !p.json || !p.array {
		return nil
	}
	if p.all == nil {
		p.all = []record{}
	}
	return writeJSON(p.e, p.all)
}
