package tool

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Width is how wide a terminal is taken to be: a serial line cannot say.
const Width = 80

// Table collects rows of cells and writes them aligned. Cells are cleaned.
type Table struct {
	rows  [][]string
	Right []bool // columns that are aligned to the right
	Tight bool   // one space between columns, not two
}

// Row adds a row.
func (t *Table) Row(cells ...string) {
	for i := range cells {
		cells[i] = Clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// WriteTo writes the rows without blanks at the end of lines.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	widths := t.widths()
	var b strings.Builder
	for _, row := range t.rows {
		b.WriteString(t.line(row, widths) + "\n")
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func (t *Table) line(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i < len(t.Right) && t.Right[i] {
			cell, pad = pad+cell, ""
		}
		b.WriteString(cell + pad + " ")
		if !t.Tight {
			b.WriteByte(' ')
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// Columns lays names out in columns that fit width, down then across.
func Columns(names []string, width int) string {
	longest := 1
	for _, n := range names {
		longest = max(longest, utf8.RuneCountInString(n)+2)
	}
	across := max(1, width/longest)
	down := (len(names) + across - 1) / across
	var b strings.Builder
	for r := range down {
		var row strings.Builder
		for i := r; i < len(names); i += down {
			fmt.Fprintf(&row, "%-*s", longest, names[i])
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}

// Size prints a byte count in at most five characters: 512, 1.5K, 384M, 1.0G.
func Size(n uint64) string {
	const units = "BKMGTPE"
	if n < 1024 {
		return fmt.Sprint(n)
	}
	f, u := float64(n), 0
	for f >= 1023.5 && u < len(units)-1 {
		f /= 1024
		u++
	}
	if f < 9.95 {
		return fmt.Sprintf("%.1f%c", f, units[u])
	}
	return fmt.Sprintf("%.0f%c", f, units[u])
}
