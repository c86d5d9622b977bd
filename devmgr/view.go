package main

import (
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
)

const viewHelp = `usage: dev view ls [--json]
       dev view add NAME PATH [OPTION]...
       dev view show NAME [--json]
       dev view refresh NAME
       dev view rm NAME

A view shows the devices at PATH, a directory, and keeps what is done there to
itself: nodes are deleted, moved, made and given other owners in this view only.
  ls       list the views
  add      mount a view
  show     list what is to be seen in it
  refresh  show again what was deleted in it; what was moved stays
  rm       unmount it; what is open stays open
Options, the first of each kind being the default:
  preset=full|basic|jail|empty    what to begin with: everything; null, zero and
                                  the like; those and terminals, with
                                  newdev=hide and lock=yes; nothing
  newdev=show|hide|explicit       devices that come later: shown; hidden until
                                  mknod; all are hidden until mknod
  hide=PATTERN, show=PATTERN      names; the last that fits decides
  style=node|link                 nodes, or links to those in /devices
  attrs=per-view|shared           chmod and chown of devices: here, or in all
                                  views that share
  rename=deny|allow               devices can be moved; directories too
  unlink=allow|deny               devices can be deleted
  lock=no|yes                     mknod of devices is for the host only
  rw|ro                           read-only: as it is now; only devices that go
                                  are no longer there
`

func (c *command) view() error {
	if len(c.args) == 0 {
		return ctl.Errorf(ctl.Usage, "say ls, add, show, refresh or rm")
	}
	verb, args := c.args[0], c.args[1:]
	switch verb {
	case "ls", "show":
		return c.viewRead(verb, args)
	case "add", "refresh", "rm":
		_, err := c.do(append([]string{"view-" + verb}, args...)...)
		return err
	}
	return ctl.Errorf(ctl.Usage, "%q is not ls, add, show, refresh or rm", verb)
}

func (c *command) viewRead(verb string, args []string) error {
	records, err := c.do(append([]string{"view-" + verb}, args...)...)
	if err != nil {
		return err
	}
	object, head, row := viewJSON, []string{"NAME", "PATH", "OPTIONS"}, viewRow
	if verb == "show" {
		object, head, row = entryJSON, []string{"MODE", "UID", "GID", "NUMBER", "NAME"}, entryRow
	}
	if c.has("json") {
		c.jsonArray(records, object)
		return nil
	}
	t := table{width: c.env.width, head: head}
	for _, r := range records {
		t.rows = append(t.rows, row(r))
	}
	t.print(c.out)
	return nil
}

func viewRow(r ctl.Record) []string {
	return []string{r.Get("name"), printable(r.Get("path")), strings.Join(slices.Collect(r.Values("option")), " ")}
}

func entryRow(r ctl.Record) []string {
	name, number := printable(r.Get("name")), r.Get("type")
	switch number {
	case "char", "block":
		number = number[:1] + " " + r.Get("major") + ":" + r.Get("minor")
	case "link":
		name += " -> " + printable(r.Get("target"))
	}
	return []string{r.Get("mode"), r.Get("uid"), r.Get("gid"), number, name}
}

func viewJSON(b []byte, r ctl.Record) []byte {
	b = appendJSONString(append(b, `{"name": `...), r.Get("name"))
	b = appendJSONString(append(b, `, "path": `...), r.Get("path"))
	b = append(append(b, `, "known": `...), r.Get("known")...)
	b = appendJSONStrings(append(b, `, "options": `...), slices.Collect(r.Values("option")))
	return append(b, '}')
}

// entryJSON appends an entry: numbers that it does not have are null.
func entryJSON(b []byte, r ctl.Record) []byte {
	sep := "{"
	for _, key := range []string{"name", "type", "mode", "uid", "gid", "major", "minor", "target", "behind"} {
		b = append(appendJSONString(append(b, sep...), key), ": "...)
		sep = ", "
		b = appendJSONValue(b, key, r.Get(key))
	}
	return append(b, '}')
}
