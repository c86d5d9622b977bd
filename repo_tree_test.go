package slashdev

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "slashdev"

// tree is a repository: its parsed Go files (but testdata) and the names of all other files.
type tree struct {
	dir    string
	fset   *token.FileSet
	source []*source
	other  []string // slash separated, sorted
}

type source struct {
	path string // slash separated, below the root
	pkg  string // folder below the root: "init/boot"; "." is the root
	test bool
	text []byte
	ast  *ast.File
}

func load(dir string) (*tree, error) {
	tr := &tree{dir: dir, fset: token.NewFileSet()}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "bin"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case strings.HasSuffix(name, ".go") && !inTestdata(name):
			return tr.addSource(name)
		}
		tr.other = append(tr.other, name)
		return nil
	})
	return tr, err
}

func inTestdata(name string) bool { return slices.Contains(strings.Split(name, "/"), "testdata") }

func (tr *tree) addSource(name string) error {
	text, err := os.ReadFile(filepath.Join(tr.dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(tr.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	test := strings.HasSuffix(name, "_test.go")
	tr.source = append(tr.source, &source{path: name, pkg: path.Dir(name), test: test, text: text, ast: f})
	return nil
}

// code returns the files that are no tests.
func (tr *tree) code() []*source {
	return slices.DeleteFunc(slices.Clone(tr.source), func(s *source) bool { return s.test })
}

// read returns a file's text; a file that is not there is empty.
func (tr *tree) read(name string) string {
	text, err := os.ReadFile(filepath.Join(tr.dir, filepath.FromSlash(name)))
	if err != nil {
		return ""
	}
	return string(text)
}

func (tr *tree) at(n ast.Node, what, mend string) finding {
	pos := tr.fset.Position(n.Pos())
	return finding{file: pos.Filename, line: pos.Line, what: what, mend: mend}
}

// lines counts what an editor shows.
func (s *source) lines() int { return bytes.Count(s.text, []byte("\n")) }

// imported is one import of one file. Packages of ours are folders below the root.
type imported struct {
	*source
	spec *ast.ImportSpec
	path string // as written
	ours string // folder, "" when it is not ours
}

func (tr *tree) imports(files []*source) []imported {
	var all []imported
	for _, s := range files {
		for _, spec := range s.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			ours, _ := strings.CutPrefix(p, module+"/")
			if ours == p {
				ours = ""
			}
			all = append(all, imported{s, spec, p, ours})
		}
	}
	return all
}

// in reports whether a folder is in a set: words such as "init/..." (it and all below), "init"
// (just it), "-init/userland/..." (not these). The last word that fits decides.
func in(set, folder string) bool {
	member := false
	for word := range strings.FieldsSeq(set) {
		word, not := strings.CutPrefix(word, "-")
		base, below := strings.CutSuffix(word, "...")
		base = strings.TrimSuffix(base, "/")
		if folder == base || below && (base == "" || strings.HasPrefix(folder, base+"/")) {
			member = !not
		}
	}
	return member
}

// selector returns X and Name of an expression pkg.Name.
func selector(e ast.Expr) (pkg, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if x, ok := sel.X.(*ast.Ident); ok {
		pkg = x.Name
	}
	return pkg, sel.Sel.Name
}

// nodes yields the syntax nodes of type N below root.
func nodes[N ast.Node](root ast.Node, yield func(N)) {
	ast.Inspect(root, func(n ast.Node) bool {
		if n, ok := n.(N); ok {
			yield(n)
		}
		return true
	})
}
