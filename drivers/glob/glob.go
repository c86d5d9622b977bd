// Package glob finds which of many shell patterns a string matches.
//
// The kernel's module aliases and the hardware database are tens of thousands
// of patterns that hardly differ at their beginnings. A Table is those patterns
// sorted; the patterns that begin alike are a range of it, so the table is a
// trie that nobody has to build, and two byte slices that can lie in a file. A
// search walks all ranges that the string has led to so far at once: its time
// is bounded by the length of the string times the number of patterns, however
// hostile the string is, and in practice is microseconds.
//
// Patterns are those of fnmatch(3) without flags: `*` any characters, `?` one,
// `[a-z]` and `[!a-z]` (or `[^a-z]`) one of a set, `\` takes the next literally.
package glob

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// Table is a sorted list of patterns. The zero value is an empty one. It is
// never changed and may be used by several goroutines.
type Table struct {
	text []byte // the patterns, one behind the other
	ends []byte // where each ends in text, as 4 bytes, little endian
}

// New makes a table of patterns, which must be sorted and each there once.
func New(patterns []string) (Table, error) {
	var t Table
	for i, p := range patterns {
		if i > 0 && patterns[i-1] >= p {
			return Table{}, errors.New("make a table of patterns: they are not sorted")
		}
		t.text = append(t.text, p...)
		t.ends = binary.LittleEndian.AppendUint32(t.ends, uint32(len(t.text)))
	}
	return t, nil
}

// Open makes a table of the bytes of another one, which it keeps.
func Open(text, ends []byte) (Table, error) {
	t := Table{text, ends}
	if len(ends)%4 != 0 {
		return Table{}, errors.New("open a table of patterns: it is cut off")
	}
	last := 0
	for i := range t.Len() {
		if t.end(i) < last || t.end(i) > len(text) {
			return Table{}, errors.New("open a table of patterns: it is damaged")
		}
		last = t.end(i)
	}
	return t, nil
}

// Bytes returns what Open makes the same table of.
func (t Table) Bytes() (text, ends []byte) { return t.text, t.ends }

// Len returns the number of patterns.
func (t Table) Len() int { return len(t.ends) / 4 }

// At returns the i-th pattern.
func (t Table) At(i int) string { return string(t.text[t.start(i):t.end(i)]) }

func (t Table) end(i int) int { return int(binary.LittleEndian.Uint32(t.ends[4*i:])) }

func (t Table) start(i int) int {
	if i == 0 {
		return 0
	}
	return t.end(i - 1)
}

// at returns the byte at a depth of the i-th pattern, and -1 behind its end.
func (t Table) at(i, depth int) int {
	if at := t.start(i) + depth; at < t.end(i) {
		return int(t.text[at])
	}
	return -1
}

// Find returns the numbers of the patterns that s matches, in order.
func (t Table) Find(s string) []int {
	f := finder{table: t}
	f.enter(state{0, t.Len(), 0})
	for i := range len(s) {
		f.next(s[i])
		if len(f.live)+len(f.stars) == 0 {
			return nil
		}
	}
	var found []int
	for _, st := range f.live {
		if t.at(st.lo, st.depth) < 0 { // of those that begin alike the shortest is first
			found = append(found, st.lo)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// state is a range of patterns that begin alike, up to depth, and whose
// beginning has matched.
type state struct{ lo, hi, depth int }

type finder struct {
	table       Table
	live, spare []state
	stars       []state // those that follow a `*`, which goes on matching
}

// enter adds a state at this place in the string, and what follows a star that
// matches nothing.
func (f *finder) enter(st state) {
	if st.lo == st.hi {
		return
	}
	f.live = append(f.live, st)
	behind := f.narrow(st, '*')
	if behind.lo < behind.hi && !slices.Contains(f.stars, behind) {
		f.stars = append(f.stars, behind)
		f.enter(behind)
	}
}

// next goes on by one character of the string.
func (f *finder) next(c byte) {
	f.live, f.spare = f.spare[:0], f.live
	old := len(f.stars)
	for _, st := range f.spare {
		f.step(st, c)
	}
	for i := range old {
		f.enter(f.stars[i])
	}
}

// step goes on from one state. Mostly all its patterns go on alike.
func (f *finder) step(st state, c byte) {
	if first := f.table.at(st.lo, st.depth); first == f.table.at(st.hi-1, st.depth) && first != '[' && first != '\\' {
		if first == int(c) && first != '*' || first == '?' {
			f.enter(state{st.lo, st.hi, st.depth + 1})
		}
		return
	}
	if strings.IndexByte(`*?[\`, c) < 0 {
		f.enter(f.narrow(st, c))
	}
	f.enter(f.narrow(st, '?'))
	if escaped := f.narrow(st, '\\'); escaped.lo < escaped.hi {
		f.enter(f.narrow(escaped, c))
	}
	f.sets(st, c)
}

// sets enters the states behind the sets that hold c.
func (f *finder) sets(st state, c byte) {
	rest := f.narrow(st, '[')
	for rest.lo < rest.hi {
		text := f.table.text[f.table.start(rest.lo)+rest.depth : f.table.end(rest.lo)]
		n, holds := inSet(text, c)
		same := rest
		if n == 0 { // only this pattern is known to have no `]`
			same.hi = same.lo + 1
		}
		for _, b := range text[:n] {
			same = f.narrow(same, b)
		}
		if holds {
			f.enter(same)
		}
		rest.lo = same.hi
	}
}

// inSet reads a set, whose `[` is already gone, and says how long it is. What
// has no end is no set but that one character: n is 0.
func inSet(text []byte, c byte) (n int, holds bool) {
	not := len(text) > 0 && (text[0] == '!' || text[0] == '^')
	if not {
		n++
	}
	for first := n; n < len(text); n++ {
		lo := text[n]
		if lo == ']' && n > first {
			return n + 1, holds != not
		}
		hi := lo
		if n+2 < len(text) && text[n+1] == '-' && text[n+2] != ']' {
			hi = text[n+2]
			n += 2
		}
		holds = holds || lo <= c && c <= hi
	}
	return 0, c == '['
}

// narrow returns those patterns of a state whose next byte is b.
func (f *finder) narrow(st state, b byte) state {
	t, depth := f.table, st.depth
	first, last := t.at(st.lo, depth), t.at(st.hi-1, depth)
	switch {
	case int(b) < first || int(b) > last:
		return state{}
	case first != last:
		st.lo = t.search(st, int(b))
		st.hi = t.search(st, int(b)+1)
	}
	st.depth++
	return st
}

// search returns the first pattern of a state whose next byte is b or more.
func (t Table) search(st state, b int) int {
	lo, hi := st.lo, st.hi
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); t.at(mid, st.depth) < b {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
