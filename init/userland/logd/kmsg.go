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
	kmsgBurst = 200 // lines at once
	kmsgRate  = 50  // lines a second
)

// kmsg passes lines on to the kernel's log, whose clock stamps them once more
// and which outlives us. It is for one goroutine.
type kmsg struct {
	w      io.Writer
	limits map[string]*limit
}

func (k *kmsg) print(now time.Duration, name, text string) {
	l := k.limits[name]
	if l == nil {
		l = newLimit(kmsgBurst, kmsgRate)
		k.limits[name] = l
	}
	if text != "" && l.take(now) {
		writeKmsg(k.w, name, text, l.left())
	}
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
	for back := range min(utf8.UTFMax, limit) {
		if utf8.RuneStart(s[limit-back]) {
			return limit - back
		}
	}
	return limit // it is no text
}
