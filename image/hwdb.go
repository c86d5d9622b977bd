package image

import (
	"fmt"
	"io"
	"io/fs"
	"path"

	"slashdev/drivers/hwdb"
	"slashdev/image/tree"
)

// addHwdb compiles the hardware database that the appliance brings: its root
// holds the index instead of ten megabytes of text.
func (b *builder) addHwdb() error {
	entries, err := b.root.Entries()
	if err != nil {
		return err
	}
	var sources []hwdb.Source
	for _, dir := range hwdb.Dirs() {
		for _, e := range entries {
			if path.Dir(e.Path) != "/"+dir || path.Ext(e.Path) != ".hwdb" || e.Mode.IsDir() {
				continue
			}
			text, err := readEntry(&e)
			if err != nil {
				return fmt.Errorf("compile hardware database: %w", err)
			}
			sources = append(sources, hwdb.Source{Name: e.Path, Text: text})
			b.root.Drop(e.Path)
		}
	}
	if len(sources) == 0 {
		return nil
	}
	index, problems, err := hwdb.Build(sources)
	for _, p := range problems {
		b.warnf("%s", p)
	}
	if err != nil {
		return err
	}
	b.result.Sizes = append(b.result.Sizes, Size{"hardware database", int64(len(index))})
	return b.root.Replace(tree.Bytes("/"+hwdb.File, 0o644, index))
}

// readEntry returns the text of a file. A link, to /dev/null, stands for an
// empty one.
func readEntry(e *tree.Entry) (string, error) {
	if e.Mode&fs.ModeSymlink != 0 {
		return "", nil
	}
	r, err := e.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}
