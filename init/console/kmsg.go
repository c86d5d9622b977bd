package console

import (
	"os"
	"strings"
)

// kmsg writes lines to the kernel's log at a level that no console shows, or
// every line would be there twice.
type kmsg struct{ file *os.File }

func (w kmsg) Write(b []byte) (int, error) {
	for l := range strings.SplitSeq(strings.TrimRight(string(b), "\r\n"), "\r\n") {
		if _, err := w.file.WriteString("<31>" + l + "\n"); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func (w kmsg) Close() error { return w.file.Close() }
