package main

import (
	"io/fs"
	"strconv"
	"strings"

	"slashdev/init/userland/tool"
)

// names are the users and groups of /etc/passwd and /etc/group.
type names struct{ users, groups map[uint32]string }

func readNames(root fs.FS) names {
	return names{readIDs(root, "etc/passwd"), readIDs(root, "etc/group")}
}

// readIDs reads name:password:id:... lines.
func readIDs(root fs.FS, file string) map[uint32]string {
	ids := map[uint32]string{}
	text, _ := fs.ReadFile(root, file)
	for l := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(l), ":")
		if len(f) < 3 {
			continue
		}
		id, err := strconv.ParseUint(f[2], 10, 32)
		if _, taken := ids[uint32(id)]; err == nil && !taken {
			ids[uint32(id)] = f[0]
		}
	}
	return ids
}

func (n names) user(id uint32) string  { return nameOr(n.users, id) }
func (n names) group(id uint32) string { return nameOr(n.groups, id) }

func nameOr(ids map[uint32]string, id uint32) string {
	if s, ok := ids[id]; ok {
		return s
	}
	return strconv.FormatUint(uint64(id), 10)
}

// lookup finds the id of a name or number.
func lookup(ids map[uint32]string, s string) (int, error) {
	for id, name := range ids {
		if name == s {
			return int(id), nil
		}
	}
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, tool.Errorf(tool.NotFound, "%s: no such user or group", s)
	}
	return int(id), nil
}
