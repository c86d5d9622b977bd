package slashdev

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// The budgets, in lines as an editor shows them; tests are free of them.
const (
	maxFunction = 70
	maxMedian   = 10
	maxP90      = 30
	maxParams   = 4
	maxNesting  = 3
	maxFile     = 400
	maxSpine    = 2500 // what one reads to understand PID 1
	maxPID1     = 6500 // all of ours that is linked into it; docs/decisions.md says why not 5000
	maxScript   = 40
	maxMakefile = 80
)

// exempt lists the functions that may break a budget: "folder.Name" or "folder.Type.Name",
// and why. A table-driven parser's state machine is the typical reason.
var exempt = map[string]string{
	"init/linux.Kernel.Mount":           "mount(2) has five arguments",
	"init/linux/linuxtest.Kernel.Mount": "mount(2) has five arguments",
	"devmgr/devfuse.Tree.Symlink":       "the interface is of go-fuse",
}

// function is a declared function or method.
type function struct {
	*source
	decl *ast.FuncDecl
	name string // as in exempt
	size int
}

func (tr *tree) functions() (all []function) {
	for _, s := range tr.code() {
		for _, d := range s.ast.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				size := tr.fset.Position(d.End()).Line - tr.fset.Position(d.Pos()).Line + 1
				all = append(all, function{s, d, s.pkg + "." + receiver(d) + d.Name.Name, size})
			}
		}
	}
	return all
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	name := ""
	nodes(d.Recv, func(id *ast.Ident) { name = id.Name }) // the type is the last name
	return name + "."
}

func checkFunctions(tr *tree) (all []finding) {
	for _, f := range tr.functions() {
		if exempt[f.name] != "" {
			continue
		}
		if f.size > maxFunction {
			all = append(all, tr.at(f.decl, fmt.Sprintf("%s has %d lines, more than %d", f.name, f.size, maxFunction), "split it, or turn steps into a table"))
		}
		if n := f.decl.Type.Params.NumFields(); n > maxParams {
			all = append(all, tr.at(f.decl, fmt.Sprintf("%s has %d parameters, more than %d", f.name, n, maxParams), "group what travels together in a struct"))
		}
	}
	return all
}

func checkNesting(tr *tree) (all []finding) {
	for _, f := range tr.functions() {
		if f.decl.Body == nil || exempt[f.name] != "" {
			continue
		}
		if deep, depth := deepest(f.decl.Body, 0); depth > maxNesting {
			all = append(all, tr.at(deep, fmt.Sprintf("%s nests %d deep, more than %d", f.name, depth, maxNesting), "return early, or give the inner part a name"))
		}
	}
	return all
}

// deepest finds the innermost if, for, switch or select below n. An else-if chain is one level;
// function literals do not hide what is in them.
func deepest(n ast.Node, depth int) (ast.Node, int) {
	at, most := n, depth
	ast.Inspect(n, func(c ast.Node) bool {
		if c == n || c == nil || !isControl(c) {
			return true
		}
		inner := depth + 1
		if parent, ok := n.(*ast.IfStmt); ok && parent.Else == c {
			inner = depth
		}
		if a, d := deepest(c, inner); d > most {
			at, most = a, d
		}
		return false
	})
	return at, most
}

func isControl(n ast.Node) bool {
	switch n.(type) {
	case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		return true
	}
	return false
}

// checkSpread holds the whole repository to small functions, as the best codebases do.
func checkSpread(tr *tree) (all []finding) {
	var sizes []int
	for _, f := range tr.functions() {
		sizes = append(sizes, f.size)
	}
	if len(sizes) == 0 {
		return nil
	}
	slices.Sort(sizes)
	for _, q := range []struct {
		name      string
		size, max int
	}{
		{"median", sizes[len(sizes)/2], maxMedian},
		{"90th percentile", sizes[len(sizes)*9/10], maxP90},
	} {
		if q.size > q.max {
			what := fmt.Sprintf("the %s of all functions is %d lines, more than %d", q.name, q.size, q.max)
			all = append(all, finding{"repo_size_test.go", 1, what, "split the long functions you touched last"})
		}
	}
	return all
}

func checkFiles(tr *tree) (all []finding) {
	for _, s := range tr.code() {
		if s.lines() > maxFile {
			what := fmt.Sprintf("the file has %d lines, more than %d", s.lines(), maxFile)
			all = append(all, finding{s.path, maxFile + 1, what, "one noun per file: move one out"})
		}
	}
	return all
}

// checkSpine keeps PID 1 small enough to read in an evening.
func checkSpine(tr *tree) (all []finding) {
	linked := linkedInto(tr, "init/deps.txt")
	for _, b := range []struct {
		name, folders string
		max           int
	}{
		{"the spine of PID 1 (init and its boot, children, halt, initreq, linux)", "init init/boot init/children init/halt init/initreq init/linux", maxSpine},
		{"all packages of ours in PID 1", "init " + strings.Join(linked, " "), maxPID1},
	} {
		total := 0
		for _, s := range tr.code() {
			if in(b.folders, s.pkg) {
				total += s.lines()
			}
		}
		if total > b.max {
			what := fmt.Sprintf("%s: %d lines, more than %d", b.name, total, b.max)
			all = append(all, finding{"init/main.go", 1, what, "move what PID 1 need not do into userland"})
		}
	}
	return all
}

func checkScripts(tr *tree) (all []finding) {
	for _, name := range tr.other {
		limit := 0
		switch {
		case name == "Makefile":
			limit = maxMakefile
		case in("scripts/... .ci/...", name):
			limit = maxScript
		}
		if n := strings.Count(tr.read(name), "\n"); limit > 0 && n > limit {
			what := fmt.Sprintf("the file has %d lines, more than %d", n, limit)
			all = append(all, finding{name, limit + 1, what, "split it by task, or write it in Go"})
		}
	}
	return all
}

// topVars yields the names and values of package-level variables.
func topVars(f *ast.File, yield func(id *ast.Ident, spec *ast.ValueSpec, value ast.Expr)) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			spec := spec.(*ast.ValueSpec)
			for i, id := range spec.Names {
				var value ast.Expr
				if i < len(spec.Values) {
					value = spec.Values[i]
				}
				yield(id, spec, value)
			}
		}
	}
}
