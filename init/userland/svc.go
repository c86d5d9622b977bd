package main

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"slashdev/init/userland/tool"
)

// svc is a client of PID 1 and of the logger.
func svc(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("json n|lines= f|follow since=", args)
	if err != nil {
		return err
	}
	verb := "ls"
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	switch verb {
	case "ls", "list":
		return svcList(e, "", opts.Has("json"))
	case "status":
		if len(rest) == 0 {
			return svcMachine(e, opts.Has("json"))
		}
		return svcList(e, rest[0], opts.Has("json"))
	case "start", "stop", "restart":
		return svcDo(verb, rest)
	case "log":
		return svcLog(e, rest, opts)
	}
	return tool.Usagef("unknown verb %s", verb)
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

// svcList shows all programs, or the one called only.
func svcList(e *tool.Env, only string, asJSON bool) error {
	all, err := ask(initSocket, "ls")
	if err != nil {
		return err
	}
	list := []record{}
	for _, r := range all {
		if only == "" || r["name"] == only {
			list = append(list, r)
		}
	}
	if len(list) == 0 && only != "" {
		return tool.Errorf(tool.NotFound, "%s: no such program (svc ls lists them)", only)
	}
	if asJSON {
		return writeJSON(e, list)
	}
	_, err = svcTable(list).WriteTo(e.Out)
	return err
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
