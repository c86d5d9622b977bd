// Package slashdev holds no code, only the tests of the house rules: what may import what,
// how long a function may be, what PID 1 may link. They need no root and no network.
//
// Each rule is a function from a source tree to findings. TestHouse applies the rules to this
// repository; TestRulesCanFail applies each to small bad trees in testdata/house, so that a
// rule which has stopped working is noticed.
package slashdev

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the dependency lists and the expected findings")

// finding is one broken rule: where, what is wrong, how to mend it.
type finding struct {
	file string
	line int
	what string
	mend string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.file, f.line, f.what, f.mend)
}

type rule struct {
	name  string
	check func(*tree) []finding
}

var rules = []rule{
	{"layers", checkLayers},
	{"order", checkOrder},
	{"seams", checkSeams},
	{"banned", checkBannedModules},
	{"pid1", checkPID1},
	{"documented", checkDocumented},
	{"functions", checkFunctions},
	{"nesting", checkNesting},
	{"spread", checkSpread},
	{"files", checkFiles},
	{"spine", checkSpine},
	{"scripts", checkScripts},
	{"packagedoc", checkPackageDoc},
	{"names", checkNames},
	{"globals", checkGlobals},
	{"funcinit", checkFuncInit},
	{"gofmt", checkGofmt},
	{"sleep", checkSleep},
	{"errortext", checkErrorText},
	{"errorcompare", checkErrorCompare},
	{"skips", checkSkips},
	{"txtar", checkTxtar},
	{"commands", checkCommands},
	{"links", checkLinks},
	{"changelog", checkChangelog},
	{"devfs", checkDevfs},
}

func TestHouse(t *testing.T) {
	house, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range r.check(house) {
				t.Error(f)
			}
		})
	}
}

// A fixture testdata/house/RULE[-VARIANT].txtar is a tree and, in its file "want", all that
// the rule has to say about it.
func TestRulesCanFail(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			fixtures, _ := filepath.Glob("testdata/house/" + r.name + ".txtar")
			variants, _ := filepath.Glob("testdata/house/" + r.name + "-*.txtar")
			fixtures = append(fixtures, variants...)
			if len(fixtures) == 0 {
				t.Fatalf("no testdata/house/%s.txtar: write a tree that breaks the rule", r.name)
			}
			for _, name := range fixtures {
				tryFixture(t, r, name)
			}
		})
	}
}

func tryFixture(t *testing.T, r rule, name string) {
	t.Helper()
	ar, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := load(unpack(t, ar))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var got strings.Builder
	for _, f := range r.check(bad) {
		fmt.Fprintln(&got, f)
	}
	if got.Len() == 0 {
		t.Errorf("%s: the rule finds nothing wrong in a tree that breaks it", name)
	}
	want := &ar.Files[len(ar.Files)-1]
	if *update && got.String() != string(want.Data) {
		want.Data = []byte(got.String())
		if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != string(want.Data) {
		t.Errorf("%s:\ngot:\n%swant:\n%s", name, got.String(), want.Data)
	}
}

// unpack writes all files but the last, "want", into a new folder.
func unpack(t *testing.T, ar *txtar.Archive) string {
	t.Helper()
	last := len(ar.Files) - 1
	if last < 1 || ar.Files[last].Name != "want" {
		t.Fatal("fixture: the last file must be named want")
	}
	dir := t.TempDir()
	if err := txtar.Write(&txtar.Archive{Files: ar.Files[:last]}, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
