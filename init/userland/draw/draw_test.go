package draw

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata")

// graphs are "FROM>TO" or "FROM~>TO" words after the names of the nodes.
func graph(text string) (g Graph) {
	for _, word := range strings.Fields(text) {
		from, to, edge := strings.Cut(word, ">")
		name, weak := strings.CutSuffix(from, "~")
		if edge {
			g.Edges = append(g.Edges, Edge{name, to, weak})
			continue
		}
		class := "up"
		if strings.Contains(word, ":") {
			class = "condition"
		}
		g.Nodes = append(g.Nodes, Node{Name: word, Class: class})
	}
	return g
}

func TestGolden(t *testing.T) {
	for name, text := range map[string]string{
		"empty":   "",
		"one":     "hello",
		"chain":   "dev:input/by-id/scanner db scan web dev:input/by-id/scanner>scan db>scan scan>web db~>web",
		"diamond": "a b c d a>b a>c b>d c>d a>d",
		"cycle":   "c b a a>b b>c c>a hello",
		"wide":    "settled: net: a b c d settled:>a settled:>b settled:>c settled:>d net:>d a>d nosuch>a",
	} {
		g := graph(text)
		compare(t, name+".txt", g.Text())
		compare(t, name+".svg", string(g.SVG()))
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s (%v; make update-golden):\n%s", name, err, got)
	}
}

// FuzzDraw: whatever the names, an SVG is XML that shows every node once and
// carries no element that we did not draw, and no line breaks out of the text.
func FuzzDraw(f *testing.F) {
	f.Add("<script>", "a&b\"'", "\x1b[31m\x00\xff")
	f.Add("]]>", "a", "a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		g := Graph{
			Nodes: []Node{{Name: a, Class: b}, {Name: b, Label: c}, {Name: c, Class: a}},
			Edges: []Edge{{a, b, false}, {b, c, true}, {c, a, false}, {a, c, false}},
		}
		texts := 0
		dec := xml.NewDecoder(strings.NewReader(string(g.SVG())))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "text" {
				texts++
			} else if ok && !strings.Contains(" svg style defs marker path g rect ", " "+e.Name.Local+" ") {
				t.Fatalf("element %s", e.Name.Local)
			}
		}
		if texts != len(g.Nodes) {
			t.Fatalf("%d names", texts)
		}
		for i, r := range g.Text() {
			if r < ' ' && r != '\n' && r != '\t' {
				t.Fatalf("control character at %d", i)
			}
		}
	})
}
