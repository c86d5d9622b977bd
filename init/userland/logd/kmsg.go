package logd

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// maxKmsg is what we put into one record of the kernel's log: it takes less
// than 1024 bytes with its own prefix, and refuses a longer one whole.
const maxKmsg = 900

// A program that prints without end must not push the kernel's own messages
// out of the kernel's log. The ring has all lines.
const (
	quotaBurst = 200 // lines at once
	quotaRate  = 50  // lines a second
)

// quota is a token bucket. One goroutine owns it.
type quota struct {
	tokens float64
	last   time.Duration
	missed int
}

// take asks for one line more; missed is how many were refused before it.
func (q *quota) take(now time.Duration) (ok bool, missed int) {
	q.tokens = min(quotaBurst, q.tokens+quotaRate*(now-q.last).Seconds())
	q.last = now
	if q.tokens < 1 {
		q.missed++
		return false, 0
	}
	q.tokens--
	missed, q.missed = q.missed, 0
	return true, missed
}

// writeKmsg writes text as records of facility daemon, level info, which a
// quiet kernel does not print on its consoles.
func writeKmsg(w io.Writer, name, text string, missed int) {
	if missed > 0 {
		fmt.Fprintf(w, "<30>%s: %d lines left out here, see svc log %s\n", name, missed, name)
	}
	for text != "" {
		n := cut(text, maxKmsg)
		fmt.Fprintf(w, "<30>%s: %s\n", name, text[:n])
		text = text[n:]
	}
}

// cut is how many bytes of s, at most limit, end between two characters.
func cut(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return limit
}
