package main

import (
	"io"
	"strconv"
	"strings"
	"unicode"
)

// table prints columns that fit a terminal of a given width.
type table struct {
	width int
	head  []string
	rows  [][]string
}

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	t.shrink(widths)
	for _, row := range append([][]string{t.head}, t.rows...) {
		io.WriteString(w, formatRow(row, widths)+"\n")
	}
}

// shrink narrows the widest columns until a line fits.
func (t *table) shrink(widths []int) {
	const least = 8
	for {
		total, widest := -2, 0
		for i, n := range widths {
			total += n + 2
			if n >= widths[widest] {
				widest = i
			}
		}
		if total <= t.width || widths[widest] <= least {
			return
		}
		widths[widest] = max(least, widths[widest]-(total-t.width))
	}
}

func formatRow(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		if len(cell) > widths[i] {
			cell = cell[:widths[i]-1] + "~"
		}
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", widths[i]-len(cell)+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// printable keeps strings of devices from playing with the terminal, and one
// byte per column.
func printable(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			quoted := strconv.QuoteToASCII(s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}

// utf8Terminal says whether lines may be drawn with more than ASCII.
func (env environment) utf8Terminal() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env.getenv(name); v != "" {
			v = strings.Map(func(r rune) rune {
				if r == '-' {
					return -1
				}
				return unicode.ToLower(r)
			}, v)
			return strings.HasSuffix(v, "utf8")
		}
	}
	return false
}
