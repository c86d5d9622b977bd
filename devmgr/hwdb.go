package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"slashdev/devmgr/ctl"
	"slashdev/drivers/hwdb"
)

const hwdbHelp = `usage: dev hwdb MODALIAS [--root=DIR] [--json]

Prints what the hardware database knows of a modalias, or of another string
that its patterns are for, as rules get it from IMPORT{builtin}="hwdb".
  --root=DIR  look below another root
`

func (c *command) hwdb() error {
	if len(c.args) != 1 {
		return ctl.Errorf(ctl.Usage, "give one modalias")
	}
	root := "/"
	if dirs := c.options["root"]; len(dirs) > 0 {
		root = dirs[len(dirs)-1]
	}
	db, err := openHwdb(root)
	if err != nil {
		return err
	}
	found := db.Lookup(c.args[0])
	if c.has("json") {
		b := []byte("{")
		for i, p := range found {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendJSONString(b, p.Key), ": "...)
			b = appendJSONString(b, p.Value)
		}
		c.out.Write(append(b, "}\n"...))
		return nil
	}
	for _, p := range found {
		c.printf("%s=%s\n", printable(p.Key), printable(p.Value))
	}
	return nil
}

// openHwdb takes the image's index, or else compiles the text.
func openHwdb(root string) (*hwdb.DB, error) {
	db, err := hwdb.Map(filepath.Join(root, hwdb.File))
	if !errors.Is(err, fs.ErrNotExist) {
		return db, err
	}
	index, _, err := hwdb.Compile(os.DirFS(root))
	if err == nil && index == nil {
		return nil, ctl.Errorf(ctl.NotFound, "there is no hardware database below %s", root)
	}
	if err != nil {
		return nil, err
	}
	return hwdb.Open(index)
}
