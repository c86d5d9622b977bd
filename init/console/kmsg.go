package console

import (
	"os"
	"strings"
)

// Kmsg writes lines to the kernel's log at a level that no console shows, or
// every line would be there twice.
type Kmsg struct{ File *os.File }

func (w Kmsg) Write(b []byte) (int, error) {
	for l := range strings.SplitSeq(strings.TrimRight(string(b), "\r\n"), "\r\n") {
		if _, err := w.File.WriteString("<31>" + l + "\n"); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Close closes the log.
func (w Kmsg) Close() error { return w.File.Close() }
