package logd

import "time"

// A program whose flood is to be dropped, not to be waited for, may print this
// much; it is far above what a person can read.
const (
	dropBurst = 10000 // lines at once
	dropRate  = 1000  // lines a second
)

// limit is a token bucket. One goroutine owns it; a nil limit lets all pass.
type limit struct {
	burst, rate float64
	tokens      float64
	last        time.Duration
	missed      int
}

func newLimit(burst, rate float64) *limit {
	return &limit{burst: burst, rate: rate, tokens: burst}
}

// take asks for one line more.
func (l *limit) take(now time.Duration) bool {
	if l == nil {
		return true
	}
	l.tokens = min(l.burst, l.tokens+l.rate*(now-l.last).Seconds())
	l.last = now
	if l.tokens < 1 {
		l.missed++
		return false
	}
	l.tokens--
	return true
}

// left says how many lines were refused since it was last asked.
func (l *limit) left() int {
	if l == nil {
		return 0
	}
	n := l.missed
	l.missed = 0
	return n
}
