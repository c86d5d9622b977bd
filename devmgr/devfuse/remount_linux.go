package devfuse

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountTable is that of this process.
const mountTable = "/proc/self/mountinfo"

// Remounts looks after mounts each time the table of mounts changes, until ctx
// ends. A server is not told that its mount becomes read-only: this is how it
// hears.
func Remounts(ctx context.Context, mounts func() []*Mount) error {
	f, err := os.Open(mountTable)
	if err != nil {
		return fmt.Errorf("watch mounts: %w", err)
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("watch mounts: %w", err)
	}
	for ctx.Err() == nil {
		again := false
		err := raw.Read(func(uintptr) bool { // waits: the kernel says that there is an error when the table has changed
			done := again
			again = true
			return done
		})
		if err != nil {
			return nil
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil
		}
		ro := readOnly(f)
		for _, m := range mounts() {
			m.follow(ro)
		}
	}
	return nil
}

// readOnly returns which mounts of ours are read-only, by device number. It
// touches no mount: who unmounts one would be told that it is busy.
func readOnly(table io.Reader) map[string]bool {
	found := map[string]bool{}
	for in := bufio.NewScanner(table); in.Scan(); {
		mount, super, _ := strings.Cut(in.Text(), " - "+fsType+" ")
		words, rest := strings.Fields(mount), strings.Fields(super)
		if len(words) < 6 || len(rest) < 2 {
			continue
		}
		options := strings.Split(words[5]+","+rest[1], ",")
		found[words[2]] = slices.Contains(options, "ro")
	}
	return found
}

// follow freezes the view of a mount that has become read-only. One that is so
// no more goes on, and shows again what had been deleted in it.
func (m *Mount) follow(readOnly map[string]bool) {
	v := m.tree.view
	ro, known := readOnly[m.number]
	switch {
	case !known || ro == v.Options().ReadOnly:
	case ro:
		v.SetReadOnly(true)
	default:
		v.SetReadOnly(false)
		v.Refresh()
	}
}

// numberOf returns the device number of what is mounted at path, as the table
// of mounts writes it.
func numberOf(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
}
