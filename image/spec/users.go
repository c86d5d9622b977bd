package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Passwd and Group are the image's /etc/passwd and /etc/group. Ids are fixed:
// Debian's, and for what Debian numbers freely, ours. Rules name groups, and a
// node's group must not change with the image.
const (
	Passwd = `root:x:0:0:root:/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
`
	Group = `root:x:0:
tty:x:5:
disk:x:6:
lp:x:7:
kmem:x:15:
dialout:x:20:
cdrom:x:24:
tape:x:26:
audio:x:29:
video:x:44:
input:x:104:
kvm:x:105:
render:x:106:
nogroup:x:65534:
`
)

// user finds a name, or takes a number, and its own group. A name that nobody
// has is an error and never root (CVE-2017-1000082 began with "0day").
func user(s string) (uid, gid uint32, err error) {
	if id, ok := number(s); ok {
		return id, id, nil
	}
	row := find(Passwd, s)
	if row == nil {
		return 0, 0, fmt.Errorf("the image has no user %q: use %s or a number", s, names(Passwd))
	}
	uid, _ = number(row[2])
	gid, _ = number(row[3])
	return uid, gid, nil
}

// groups finds the names or numbers of a list "dialout,video".
func groups(s string) (ids []uint32, err error) {
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		id, ok := number(name)
		row := find(Group, name)
		if !ok && row == nil {
			return nil, fmt.Errorf("the image has no group %q: use %s or a number", name, names(Group))
		}
		if !ok {
			id, _ = number(row[2])
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// number reads an id; the largest would leave a process what it is.
func number(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 1<<32-1 && strconv.FormatUint(n, 10) == s
}

// find returns the fields of a name's line.
func find(table, name string) []string {
	for row := range strings.Lines(table) {
		if fields := strings.Split(strings.TrimSpace(row), ":"); fields[0] == name {
			return fields
		}
	}
	return nil
}

func names(table string) string {
	var all []string
	for row := range strings.Lines(table) {
		name, _, _ := strings.Cut(row, ":")
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}
