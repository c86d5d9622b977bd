package archive

import (
	"bufio"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"slashdev/init/userland/logd/ring"
)

// Boot is one boot of which there are lines.
type Boot struct {
	Number int
	ID     string
}

// Boots returns the boots of which a folder has lines, oldest first.
func Boots(dir string) (boots []Boot, err error) {
	parts, err := list(dir)
	for _, p := range parts {
		if len(boots) == 0 || boots[len(boots)-1].Number != p.boot {
			boots = append(boots, Boot{p.boot, bootID(dir, p)})
		}
	}
	return boots, err
}

// Clock is the time of day at the beginning of a boot, by the last that was
// known of it; 0: nothing is known.
func Clock(dir string, boot int) (wall time.Duration) {
	lines(dir, boot, func(rec ring.Record) bool {
		if text, ok := strings.CutPrefix(rec.Text, "boot="); ok && rec.Name == "-" {
			if us, err := strconv.ParseInt(text, 10, 64); err == nil {
				wall = time.Duration(us) * time.Microsecond
			}
		}
		return true
	})
	return wall
}

// Records yields the lines of a boot, oldest first. What a killed logger has
// written twice comes once, and what a power cut has torn not at all.
func Records(dir string, boot int) iter.Seq[ring.Record] {
	return func(yield func(ring.Record) bool) {
		last := uint64(0)
		lines(dir, boot, func(rec ring.Record) bool {
			if rec.Name == "-" || rec.Seq <= last {
				return true
			}
			last = rec.Seq
			return yield(rec)
		})
	}
}

// lines yields what is a record in the parts of a boot.
func lines(dir string, boot int, yield func(ring.Record) bool) {
	parts, _ := list(dir)
	for _, p := range parts {
		if p.boot == boot && !linesOf(filepath.Join(dir, p.String()), yield) {
			return
		}
	}
}

// maxLine is longer than any record: 64 KiB of escapes of four bytes.
const maxLine = 512 << 10

func linesOf(name string, yield func(ring.Record) bool) bool {
	f, err := os.Open(name)
	if err != nil {
		return true // pruned just now
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	for sc.Scan() {
		rec, err := ring.Parse(sc.Text())
		if err == nil && !yield(rec) {
			return false
		}
	}
	return true
}
