package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"slashdev/init/userland/tool"
)

// svcVerb is one thing that svc can do.
type svcVerb struct {
	name    string
	use     string // arguments
	summary string
	options string // as in tool.Parse
	run     func(e *tool.Env, args []string, opts tool.Options) error
}

func svcVerbs() []svcVerb {
	act := func(verb string) func(*tool.Env, []string, tool.Options) error {
		return func(_ *tool.Env, names []string, _ tool.Options) error { return svcDo(verb, names) }
	}
	return []svcVerb{
		{"ls", "", "all programs", "json", svcList},
		{"status", "[NAME...]", "programs and why, or the machine", "json", svcStatus},
		{"start", "NAME...", "start programs", "", act("start")},
		{"stop", "NAME...", "stop programs", "", act("stop")},
		{"restart", "NAME...", "stop and start programs", "", act("restart")},
		{"log", "[NAME]", "the last lines, also of kernel and init", "json n|lines= f|follow since= boot= boots", svcLog},
		{"why", "[NAME...]", "why programs are in their state (those not up)", "json", svcWhy},
		{"graph", "[--svg] [FILE]", "who waits for what, in the plan or a file", "json svg", svcGraph},
		{"check", "[FILE]", "what is wrong with an appliance file", "json", svcCheck},
	}
}

// svc is a client of PID 1 and of the logger.
func svc(_ context.Context, e *tool.Env, args []string) error {
	verbs := svcVerbs()
	for i, arg := range args {
		k := slices.IndexFunc(verbs, func(v svcVerb) bool { return v.name == arg })
		if k < 0 {
			continue
		}
		opts, rest, err := tool.Parse(verbs[k].options, slices.Concat(args[:i], args[i+1:]))
		if err != nil {
			return err
		}
		return verbs[k].run(e, rest, opts)
	}
	opts, rest, err := tool.Parse("json", args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return tool.Usagef("unknown verb %s", rest[0])
	}
	return svcList(e, nil, opts)
}

// helpSvc lists the verbs.
func helpSvc() string {
	var t tool.Table
	for _, v := range svcVerbs() {
		t.Row("svc "+v.name, v.use, v.summary)
	}
	var b strings.Builder
	_, _ = t.WriteTo(&b)
	return b.String() + helpSvcMore
}

func svcDo(verb string, names []string) error {
	if len(names) == 0 {
		return tool.Usagef("svc %s needs NAME (svc ls lists them)", verb)
	}
	for _, name := range names {
		if _, err := ask(initSocket, verb, name); err != nil {
			return err
		}
	}
	return nil
}

// programRecords are what PID 1 says of all programs, or of those that are named.
func programRecords(names []string) ([]record, error) {
	all, err := ask(initSocket, "ls")
	if err != nil {
		return nil, err
	}
	list := []record{}
	for _, r := range all {
		if len(names) == 0 || slices.Contains(names, r["name"]) {
			list = append(list, r)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(list, func(r record) bool { return r["name"] == name }) {
			return nil, tool.Errorf(tool.NotFound, "%s: no such program (svc ls lists them)", name)
		}
	}
	return list, nil
}

// svcList shows all programs, or those that are named.
func svcList(e *tool.Env, names []string, opts tool.Options) error {
	list, err := programRecords(names)
	if err != nil {
		return err
	}
	if opts.Has("json") {
		return writeJSON(e, list)
	}
	_, err = svcTable(list).WriteTo(e.Out)
	return err
}

// svcStatus shows the machine, or programs with the reasons for their state and
// what they say of themselves.
func svcStatus(e *tool.Env, names []string, opts tool.Options) error {
	switch {
	case len(names) == 0:
		return svcMachine(e, opts.Has("json"))
	case opts.Has("json"):
		return svcList(e, names, opts)
	}
	list, err := programRecords(names)
	if err != nil {
		return err
	}
	if _, err := svcTable(list).WriteTo(e.Out); err != nil {
		return err
	}
	for _, r := range list {
		if err := svcWhy(e, []string{r["name"]}, opts); err != nil {
			return err
		}
		if r["status"] != "" {
			e.Printf("    it says: %s\n", tool.Clean(r["status"]))
		}
	}
	return nil
}

// svcWhy prints PID 1's reasons as sentences, the state first; without names
// those for every program of the plan that is neither up nor done.
func svcWhy(e *tool.Env, names []string, opts tool.Options) error {
	if len(names) == 0 {
		state, err := states()
		if err != nil {
			return err
		}
		for _, name := range programNames(e.Root) {
			if s := state[name]; s != "up" && s != "done" {
				names = append(names, name)
			}
		}
	}
	all := []record{}
	var failed error
	for _, name := range names {
		reasons, err := ask(initSocket, "why", name)
		failed = cmp.Or(failed, err)
		for _, r := range reasons {
			r["name"] = name
		}
		all = append(all, reasons...)
	}
	if opts.Has("json") {
		return cmp.Or(writeJSON(e, all), failed)
	}
	e.Printf("%s", sentences(all))
	return failed
}

// sentences puts the reasons for a state below it.
func sentences(reasons []record) string {
	var b strings.Builder
	for _, r := range reasons {
		if r["kind"] == "state" {
			fmt.Fprintf(&b, "%s: %s\n", tool.Clean(r["name"]), tool.Clean(r["text"]))
		} else {
			fmt.Fprintf(&b, "    %s\n", tool.Clean(r["text"]))
		}
	}
	return b.String()
}

func svcTable(list []record) *tool.Table {
	t := &tool.Table{Right: []bool{false, false, true, true, true}}
	t.Row("NAME", "STATE", "PID", "SINCE", "RESTARTS", "LAST EXIT")
	for _, r := range list {
		t.Row(r["name"], r["state"], number(r["pid"]), since(r["since"]), r["restarts"], orDash(r["exit"]))
	}
	return t
}

func number(s string) string {
	if s == "0" {
		return "-"
	}
	return orDash(s)
}

// since makes seconds readable: 42s, 12m, 3h, 5d.
func since(s string) string {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return orDash(s)
	}
	for _, u := range []struct {
		name  string
		limit float64
	}{{"s", 120}, {"m", 120}, {"h", 48}} {
		if n < u.limit {
			return strconv.Itoa(int(n)) + u.name
		}
		if u.name == "h" {
			break
		}
		n /= 60
	}
	return strconv.Itoa(int(n/24)) + "d"
}

// svcMachine shows what PID 1 says about itself.
func svcMachine(e *tool.Env, asJSON bool) error {
	records, err := ask(initSocket, "status")
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(e, records)
	}
	var t tool.Table
	for _, r := range records {
		for _, k := range slices.Sorted(maps.Keys(r)) {
			t.Row(k, r[k])
		}
	}
	_, err = t.WriteTo(e.Out)
	return err
}
