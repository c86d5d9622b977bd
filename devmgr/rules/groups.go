package rules

import (
	"strconv"
	"strings"
)

// IDs reads the names and numbers of a group or passwd file. Only the file
// counts: name services are not up when devices are.
func IDs(text string) map[string]uint32 {
	groups := map[string]uint32{}
	for row := range strings.Lines(text) {
		fields := strings.Split(strings.TrimRight(row, "\n"), ":")
		if len(fields) < 3 || fields[0] == "" {
			continue
		}
		gid, err := strconv.ParseUint(fields[2], 10, 32)
		if _, twice := groups[fields[0]]; err == nil && !twice {
			groups[fields[0]] = uint32(gid)
		}
	}
	return groups
}
