package draw

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"unicode/utf8"

	"slashdev/init/userland/tool"
)

// Sizes, in pixels of the SVG.
const (
	charWidth = 8 // of 13 px monospace, rounded up
	boxHeight = 26
	padding   = 12 // between a box and its text
	rowGap    = 14
	columnGap = 56
	margin    = 16
)

const style = `<style>
text{font:13px ui-monospace,monospace;fill:#1b1f24}
rect{fill:#fff;stroke:#57606a;rx:5}
.up rect,.done rect{fill:#dafbe1;stroke:#1a7f37}
.held rect,.waiting rect,.starting rect{fill:#fff8c5;stroke:#9a6700}
.degraded rect{fill:#ffebe9;stroke:#cf222e}
.down rect{fill:#eaeef2}
.condition rect{fill:#ddf4ff;stroke:#0969da;rx:13}
path.edge{fill:none;stroke:#57606a}
path.weak{stroke-dasharray:5 4}
path.back{stroke:#cf222e}
</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>
`

// cell is a place in a column: a node's, or where an edge passes by.
type cell struct {
	node  int // -1: none
	from  []*cell
	x, y  int // of the middle of the left side
	width int
}

// layout is the graph in columns: what is needed stands to the left.
type layout struct {
	Graph
	columns [][]*cell
	cells   []*cell     // by node
	ways    [][]*cell   // by edge: from its start to its end
	column  map[int]int // of a node
}

// SVG draws the graph from left to right.
func (g Graph) SVG() []byte {
	l := &layout{Graph: g, column: map[int]int{}}
	l.place()
	for _, e := range g.Edges {
		l.way(e)
	}
	for c := range l.columns {
		l.sort(c)
	}
	width, height := l.measure()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", width, height, width, height)
	b.WriteString(style)
	for i, e := range g.Edges {
		l.edge(&b, e, l.ways[i])
	}
	for i, n := range g.Nodes {
		c, label := l.cells[i], html.EscapeString(n.label())
		fmt.Fprintf(&b, `<g class="%s"><rect x="%d" y="%d" width="%d" height="%d"/><text x="%d" y="%d">%s</text></g>`+"\n",
			html.EscapeString(tool.Clean(n.Class)), c.x, c.y-boxHeight/2, c.width, boxHeight, c.x+padding, c.y+5, label)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// place puts each node one column behind the last of those that it needs.
func (l *layout) place() {
	for i, n := range l.Nodes {
		at := 0
		for _, need := range l.needs(i) {
			if need < i {
				at = max(at, l.column[need]+1)
			}
		}
		l.column[i] = at
		c := &cell{node: i, width: utf8.RuneCountInString(n.label())*charWidth + 2*padding}
		l.cells = append(l.cells, c)
		l.add(at, c)
	}
}

func (l *layout) add(column int, c *cell) {
	for len(l.columns) <= column {
		l.columns = append(l.columns, nil)
	}
	l.columns[column] = append(l.columns[column], c)
}

// way leads an edge through the columns between, so that it crosses no box. An
// edge from or to nowhere has none.
func (l *layout) way(e Edge) {
	var way []*cell
	if from, to := l.index(e.From), l.index(e.To); from >= 0 && to >= 0 {
		way = append(way, l.cells[from])
		for c := l.column[from] + 1; c < l.column[to]; c++ {
			pass := &cell{node: -1, from: []*cell{way[len(way)-1]}}
			l.add(c, pass)
			way = append(way, pass)
		}
		l.cells[to].from = append(l.cells[to].from, way[len(way)-1])
		way = append(way, l.cells[to])
	}
	l.ways = append(l.ways, way)
}

// sort puts the cells of a column beside those that lead to them.
func (l *layout) sort(column int) {
	cells := l.columns[column]
	middle := map[*cell]int{}
	for i, c := range cells {
		middle[c] = i * 1000
		sum, n := 0, 0
		for _, f := range c.from {
			if column > 0 && slices.Contains(l.columns[column-1], f) {
				sum, n = sum+f.y, n+1
			}
		}
		if n > 0 {
			middle[c] = sum * 1000 / n
		}
	}
	slices.SortStableFunc(cells, func(a, b *cell) int { return middle[a] - middle[b] })
	for i, c := range cells {
		c.y = i // the row, for the next column
	}
}

// measure gives every cell its pixels.
func (l *layout) measure() (width, height int) {
	rows := 1
	for _, cells := range l.columns {
		rows = max(rows, len(cells))
	}
	height = 2*margin + rows*(boxHeight+rowGap) - rowGap
	if slices.ContainsFunc(l.ways, l.goesBack) {
		height += boxHeight
	}
	x := margin
	for _, cells := range l.columns {
		widest := 0
		for _, c := range cells {
			widest = max(widest, c.width)
		}
		top := (height - len(cells)*(boxHeight+rowGap) + rowGap) / 2
		for i, c := range cells {
			c.x, c.y = x, top+i*(boxHeight+rowGap)+boxHeight/2
			c.width = widest
		}
		x += widest + columnGap
	}
	return x - columnGap + margin, height
}

// goesBack says whether the way closes a cycle.
func (l *layout) goesBack(way []*cell) bool {
	return len(way) > 0 && l.column[way[0].node] >= l.column[way[len(way)-1].node]
}

// edge draws a curve from the right side of one cell to the left side of the
// next, and so on; one that goes back swings below.
func (l *layout) edge(b *bytes.Buffer, e Edge, way []*cell) {
	if len(way) == 0 {
		return
	}
	at, to := way[0], way[len(way)-1]
	if l.goesBack(way) {
		x, y, x2, y2 := at.x+at.width/2, at.y+boxHeight/2, to.x+to.width/2+padding, to.y+boxHeight/2
		fmt.Fprintf(b, `<path class="edge back" marker-end="url(#a)" d="M%d %dC%d %d %d %d %d %d"/>`+"\n",
			x, y, x, y+2*boxHeight, x2, y2+2*boxHeight, x2, y2)
		return
	}
	class := "edge"
	if e.Weak {
		class += " weak"
	}
	fmt.Fprintf(b, `<path class="%s" marker-end="url(#a)" d="M%d %d`, class, at.x+at.width, at.y)
	for _, c := range way[1:] {
		fmt.Fprintf(b, "C%d %d %d %d %d %d", at.x+at.width+columnGap/2, at.y, c.x-columnGap/2, c.y, c.x, c.y)
		if at = c; c.node < 0 {
			fmt.Fprintf(b, "H%d", c.x+c.width)
		}
	}
	b.WriteString(`"/>` + "\n")
}
