package slashdev

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"path"
	"slices"
	"strings"
)

// checkPackageDoc wants exactly one package comment in each package that has code.
func checkPackageDoc(tr *tree) (all []finding) {
	files := map[string][]*source{}
	var folders []string
	for _, s := range tr.code() {
		if _, seen := files[s.pkg]; !seen {
			folders = append(folders, s.pkg)
		}
		files[s.pkg] = append(files[s.pkg], s)
	}
	for _, folder := range folders {
		all = append(all, packageDoc(tr, folder, files[folder])...)
	}
	return all
}

func packageDoc(tr *tree, folder string, files []*source) (all []finding) {
	docs := 0
	for _, s := range files {
		if s.ast.Doc == nil {
			continue
		}
		docs++
		want := "Package " + s.ast.Name.Name + " "
		if s.ast.Name.Name == "main" {
			want = "Command " + path.Base(folder) + " "
		}
		if text := s.ast.Doc.Text(); !strings.HasPrefix(text, want) {
			all = append(all, tr.at(s.ast, "the package comment does not begin with "+fmt.Sprintf("%q", want), "say in one sentence what it does"))
		}
		if docs == 2 {
			all = append(all, tr.at(s.ast, "a second package comment", "keep one, in the file a reader opens first"))
		}
	}
	if docs == 0 {
		all = append(all, tr.at(files[0].ast, "package "+folder+" has no package comment", "say in one sentence what it does, above `package`"))
	}
	return all
}

// Names that say nothing of what is inside.
var empty = strings.Fields("util utils common helper helpers types manager impl misc base")

func checkNames(tr *tree) (all []finding) {
	for _, s := range tr.source {
		base := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		for _, name := range []string{s.ast.Name.Name, path.Base(s.pkg), base} {
			if slices.Contains(empty, name) {
				all = append(all, tr.at(s.ast.Name, fmt.Sprintf("the name %q says nothing", name), "name it after the thing inside, as the kernel or the literature does"))
				break
			}
		}
	}
	return all
}

// checkGlobals forbids package-level state. A variable may be a sentinel error, a compiled
// table, an embedded file or an interface assertion, and nobody may assign to it.
func checkGlobals(tr *tree) (all []finding) {
	vars := map[string]bool{} // "folder.name"
	for _, s := range tr.code() {
		topVars(s.ast, func(id *ast.Ident, spec *ast.ValueSpec, value ast.Expr) {
			vars[s.pkg+"."+id.Name] = true
			if id.Name != "_" && !isTable(value) && !isEmbedded(s.ast, spec) {
				all = append(all, tr.at(id, "package-level variable "+id.Name, "make it a field, a constant or a local; only sentinel errors and tables that nobody changes may stay"))
			}
		})
	}
	for _, f := range tr.functions() {
		if f.decl.Body != nil {
			all = append(all, assigned(tr, f, vars)...)
		}
	}
	return all
}

// makers build a value once that is then only read.
var makers = strings.Fields("errors.New fmt.Errorf regexp.MustCompile strings.NewReplacer crc32.MakeTable template.Must netip.MustParsePrefix netip.MustParseAddr")

func isTable(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.CompositeLit, *ast.BasicLit:
		return true
	case *ast.CallExpr:
		pkg, name := selector(v.Fun)
		return slices.Contains(makers, pkg+"."+name) || isConversion(v)
	}
	return false
}

// isConversion accepts []byte("...") and the like.
func isConversion(c *ast.CallExpr) bool {
	_, array := c.Fun.(*ast.ArrayType)
	return array && len(c.Args) == 1
}

func isEmbedded(f *ast.File, spec *ast.ValueSpec) bool {
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Doc != nil && slices.Contains(g.Specs, ast.Spec(spec)) {
			return slices.ContainsFunc(g.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
		}
	}
	return false
}

// assigned finds writes to package-level variables in a function.
func assigned(tr *tree, f function, vars map[string]bool) (all []finding) {
	local := locals(f.decl)
	written := func(e ast.Expr) {
		if id := rootName(e); id != nil && vars[f.pkg+"."+id.Name] && !local[id.Name] && id.Name != "_" {
			all = append(all, tr.at(e, f.name+" changes the package-level variable "+id.Name, "make it a field of what the function belongs to"))
		}
	}
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				written(e)
			}
		case *ast.IncDecStmt:
			written(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				written(n.X)
			}
		}
		return true
	})
	return all
}

// locals are all names that a function declares anywhere in itself; by leaving those out the
// rule may miss a write, but never blames a local variable.
func locals(d *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	declare := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if id, ok := e.(*ast.Ident); ok {
				names[id.Name] = true
			}
		}
	}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				declare(id)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				declare(id)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				declare(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				declare(n.Key, n.Value)
			}
		}
		return true
	})
	return names
}

// rootName is x of x, x.f, x[i], *x.
func rootName(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func checkFuncInit(tr *tree) (all []finding) {
	for _, f := range tr.functions() {
		if f.decl.Recv == nil && f.decl.Name.Name == "init" {
			all = append(all, tr.at(f.decl, f.pkg+" has a func init", "it runs in PID 1 before main can catch a signal; call it from main or compute on first use"))
		}
	}
	return all
}

func checkGofmt(tr *tree) (all []finding) {
	for _, s := range tr.source {
		text, err := format.Source(s.text)
		if err == nil && !bytes.Equal(text, s.text) {
			all = append(all, finding{s.path, 1, "the file is not formatted", "gofmt -w " + s.path})
		}
	}
	return all
}
