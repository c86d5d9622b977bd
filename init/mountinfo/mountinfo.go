// Package mountinfo reads the table of mounted file systems.
//
// PID 1, the teardown before the end and the mount command all ask it, and
// must not disagree about what a disk is. Format: proc_pid_mountinfo(5).
package mountinfo

import (
	"strconv"
	"strings"
)

// Mount is one line of the table.
type Mount struct {
	Device  string // major:minor
	Dir     string // where it is mounted
	Options string // of the mount
	FSType  string
	Source  string
	Super   string // options of the file system
}

// Parse reads a line. Only Device, Dir and FSType are sure to be there: a
// source may be empty.
func Parse(line string) (m Mount, ok bool) {
	left, right, ok := strings.Cut(line, " - ")
	f, g := strings.Fields(left), strings.Fields(right)
	if !ok || len(f) < 5 || len(g) < 1 {
		return m, false
	}
	f, g = append(f, ""), append(g, "", "")
	return Mount{f[2], Unescape(f[4]), f[5], g[0], Unescape(g[1]), g[2]}, true
}

// OnDisk says whether the contents of a file system outlive the machine. A
// FUSE that is not on a block device is a process's business.
func OnDisk(fstype string) bool {
	switch fstype {
	case "proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "ramfs", "rootfs", "mqueue", "cgroup", "cgroup2",
		"bpf", "pstore", "fusectl", "efivarfs", "securityfs", "debugfs", "tracefs", "configfs", "hugetlbfs",
		"binfmt_misc", "nsfs", "autofs", "fuse":
		return false
	}
	return !strings.HasPrefix(fstype, "fuse.")
}

// Unescape decodes the \ooo of blanks, newlines and backslashes in a path.
func Unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
