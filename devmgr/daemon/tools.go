package daemon

import (
	"strings"

	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/ident"
)

// tool is a builtin of udev's, or a program of udev's that is built in here.
type tool struct {
	builtin bool
	waits   bool // reads the device or a disk
	run     func(p probe) ([]udevrules.Property, error)
}

// probe is one question for a tool.
type probe struct {
	*host
	udevrules.Call
}

func tools() map[string]tool {
	return map[string]tool{
		"path_id": {builtin: true, run: pathID},
	}
}

func pathID(p probe) ([]udevrules.Property, error) {
	paths := ident.Paths(p.sys.Tree(), p.device.DevPath)
	if len(paths) == 0 {
		return nil, udevrules.ErrNothing
	}
	return []udevrules.Property{{Key: "ID_PATH", Value: paths[0]}, {Key: "ID_PATH_TAG", Value: pathTag(paths[0])}}, nil
}

// pathTag makes a name of a path: what is not plain becomes "_", once.
func pathTag(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-'; {
		case plain:
			b.WriteByte(c)
		case b.Len() > 0 && b.String()[b.Len()-1] != '_':
			b.WriteByte('_')
		}
	}
	return strings.TrimRight(b.String(), "_")
}
