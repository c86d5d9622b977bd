package slashdev

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func checkSleep(tr *tree) (all []finding) {
	for _, s := range tr.source {
		nodes(s.ast, func(sel *ast.SelectorExpr) {
			if pkg, name := selector(sel); pkg == "time" && name == "Sleep" {
				all = append(all, tr.at(sel, "time.Sleep", "wait for the event itself, with a deadline; timers in tests run in a testing/synctest bubble"))
			}
		})
	}
	return all
}

var hollow = regexp.MustCompile(`(?i)\b(failed to|unable to|could not)\b`)

// checkErrorText wants "mount /proc: device busy", not "failed to mount /proc".
func checkErrorText(tr *tree) (all []finding) {
	for _, s := range tr.code() {
		nodes(s.ast, func(c *ast.CallExpr) {
			if text := errorText(c); hollow.MatchString(text) {
				all = append(all, tr.at(c, fmt.Sprintf("the error text says %q", hollow.FindString(text)), "write `verb object: cause`; the word error says that it failed"))
			}
		})
	}
	return all
}

// errorText is the literal in errors.New("...") and fmt.Errorf("...").
func errorText(c *ast.CallExpr) string {
	pkg, name := selector(c.Fun)
	if len(c.Args) == 0 || pkg+name != "errorsNew" && pkg+name != "fmtErrorf" {
		return ""
	}
	return literal(c.Args[0])
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(lit.Value)
	return text
}

// checkErrorCompare finds err.Error() in ==, !=, switch and the searches of package strings.
func checkErrorCompare(tr *tree) (all []finding) {
	blame := func(n ast.Node) {
		all = append(all, tr.at(n, "an error is judged by its text", "use errors.Is or errors.As on a sentinel or type"))
	}
	for _, s := range tr.code() {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (isErrorText(n.X) || isErrorText(n.Y)) {
					blame(n)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && isErrorText(n.Tag) {
					blame(n)
				}
			case *ast.CallExpr:
				if isSearch(n) && slices.ContainsFunc(n.Args, isErrorText) {
					blame(n)
				}
			}
			return true
		})
	}
	return all
}

func isSearch(c *ast.CallExpr) bool {
	pkg, name := selector(c.Fun)
	return pkg == "strings" && slices.Contains([]string{"Contains", "HasPrefix", "HasSuffix", "EqualFold", "Index"}, name)
}

func isErrorText(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	if !ok || len(c.Args) > 0 {
		return false
	}
	_, name := selector(c.Fun)
	return name == "Error"
}

// mayskip lists who may skip a test, and for which reasons. A suite rots by silent skips: as
// root on a machine that `make test` has set up, nothing but the -short ones is left out.
var mayskip = []struct {
	folders string
	reason  *regexp.Regexp
}{
	{"...", regexp.MustCompile(`^needs (root|user namespaces|/dev/fuse|/dev/kvm|QEMU|bin/parts)`)},
	{"...", regexp.MustCompile(`^boots a machine: left out by -short`)},
	{"image/... qemu/...", regexp.MustCompile(`^\S+ is not installed \(\S+\)`)},
	{"devmgr/uevent devmgr/daemon", regexp.MustCompile(`^(no uevent socket here|cannot trigger events here)`)},
}

func checkSkips(tr *tree) (all []finding) {
	for _, s := range tr.source {
		nodes(s.ast, func(c *ast.CallExpr) {
			_, name := selector(c.Fun)
			if !s.test || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name) {
				return
			}
			reason := ""
			if len(c.Args) > 0 {
				reason = literal(c.Args[0])
			}
			for _, m := range mayskip {
				if in(m.folders, s.pkg) && m.reason.MatchString(reason) {
					return
				}
			}
			all = append(all, tr.at(c, fmt.Sprintf("the test skips itself (%q)", reason), "make it run, or add the reason to mayskip"))
		})
	}
	return all
}

// checkTxtar wants every archive in testdata to be named, or covered by a pattern or folder,
// in a string of a test of the package that the testdata belongs to.
func checkTxtar(tr *tree) (all []finding) {
	used := map[string][]string{} // folder -> strings in its tests
	for _, s := range tr.source {
		nodes(s.ast, func(lit *ast.BasicLit) {
			if text := literal(lit); s.test && text != "" {
				used[s.pkg] = append(used[s.pkg], strings.TrimSuffix(text, "/"))
			}
		})
	}
	for _, name := range tr.other {
		if path.Ext(name) != ".txtar" {
			continue
		}
		folder, rest, _ := strings.Cut("/"+name, "/testdata/")
		folder = strings.TrimPrefix(folder, "/")
		if folder == "" {
			folder = "."
		}
		if !slices.ContainsFunc(used[folder], func(s string) bool { return covers(s, "testdata/"+rest) }) {
			all = append(all, finding{name, 1, "no test of " + folder + " uses this archive", "name it, its folder or a pattern in a test there, or remove it"})
		}
	}
	return all
}

// covers reports whether a string in a test names the file, its folder, or a pattern for it;
// "testdata" alone does not, and neither does a format such as "testdata/%s".
func covers(s, name string) bool {
	match, _ := path.Match(s, name)
	return match || s == path.Base(name) || s != "testdata" && strings.HasPrefix(name, s+"/")
}
