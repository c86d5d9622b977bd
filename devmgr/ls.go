package main

import (
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
)

const lsHelp = `usage: dev ls [--all] [--view NAME] [--json]

Lists the devices that have a node in /dev, and the network interfaces.
  --all, -a  list all devices, by the kernel's names
  --view NAME
             list what is to be seen in a view, as dev view show does
  --json     an array of all devices, one object a line, with devpath,
             subsystem, devtype, devname, major, minor, mode, owner, group,
             links, driver and modalias
`

func (c *command) ls() error {
	if err := c.noArgs(); err != nil {
		return err
	}
	if name := c.option("view"); name != "" {
		return c.viewRead("show", []string{name})
	}
	records, err := c.do("ls")
	if err != nil {
		return err
	}
	if c.has("json") {
		c.jsonArray(records, deviceJSON)
		return nil
	}
	t := table{width: c.env.width, head: []string{"MODE", "OWNER", "GROUP", "NUMBER", "NAME", "SUBSYSTEM", "DRIVER"}}
	for _, r := range sortByName(records) {
		if c.has("all") || r.Get("devname") != "" || r.Get("subsystem") == "net" {
			t.rows = append(t.rows, lsRow(r))
		}
	}
	t.print(c.out)
	return nil
}

func lsRow(r ctl.Record) []string {
	row := []string{"-", "-", "-", "-", shownName(r), r.Get("subsystem"), r.Get("driver")}
	if r.Get("devname") != "" {
		kind := "c "
		if r.Get("subsystem") == "block" {
			kind = "b "
		}
		copy(row, []string{r.Get("mode"), r.Get("owner"), r.Get("group"), kind + r.Get("major") + ":" + r.Get("minor")})
	}
	return row
}

// shownName is the node's name, or the kernel's name of the device.
func shownName(r ctl.Record) string {
	if name := r.Get("devname"); name != "" {
		return printable(name)
	}
	devpath := r.Get("devpath")
	return printable(devpath[strings.LastIndexByte(devpath, '/')+1:])
}

func sortByName(records []ctl.Record) []ctl.Record {
	slices.SortStableFunc(records, func(a, b ctl.Record) int {
		return compareNatural(shownName(a), shownName(b))
	})
	return records
}

// compareNatural sorts tty2 before tty10.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		switch {
		case i > 0 && j > 0:
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if x != y {
				return strings.Compare(x, y)
			}
			a, b = a[i:], b[j:]
		case a[0] != b[0]:
			return int(a[0]) - int(b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return len(a) - len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
