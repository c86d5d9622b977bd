package slashdev

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"testing"
)

// untested lists the faults of docs/faults.md that no test can have, and why.
var untested = map[string]string{
	"D-07": "the kernel resolves root=PARTUUID before any program of ours runs; none of our code chooses between two disks of one identity but by the rule of U-11",
	"D-09": "nothing of ours listens to a network: addresses are the affair of gokrazy's dhcp and ntp, programs of their own that PID 1 restarts",
}

// faultGroups are the faults that must have a test: of PID 1, of supervision, of
// what runs out; of uevents, of configuration, of hostile devices.
var faultGroups = map[string]int{"P": 15, "S": 12, "E": 8, "U": 15, "C": 10, "D": 10}

var faultTest = regexp.MustCompile(`^(?:Test)?([PSEUCD])([0-9]{2})_[A-Z]`)

// TestFaultsHaveTests wants a test function, or a row of a table of tests, named
// after each fault.
func TestFaultsHaveTests(t *testing.T) {
	house, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range missingFaults(house) {
		t.Errorf("%s has no test: name one Test%s..., or say in untested why none can be", id, id[:1]+id[2:]+"_")
	}
}

func missingFaults(tr *tree) (missing []string) {
	tested := faultTests(tr)
	for group, n := range faultGroups {
		for i := range n {
			id := fmt.Sprintf("%s-%02d", group, i+1)
			if !tested[id] && untested[id] == "" {
				missing = append(missing, id)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

func faultTests(tr *tree) map[string]bool {
	tested := map[string]bool{}
	note := func(name string) {
		if m := faultTest.FindStringSubmatch(name); m != nil {
			tested[m[1]+"-"+m[2]] = true
		}
	}
	for _, s := range tr.source {
		if !s.test {
			continue
		}
		nodes(s.ast, func(f *ast.FuncDecl) { note(f.Name.Name) })
		nodes(s.ast, func(lit *ast.BasicLit) { note(literal(lit)) })
	}
	return tested
}

func TestFaultsHaveTestsCanFail(t *testing.T) {
	total := 0
	for _, n := range faultGroups {
		total += n
	}
	if n := len(missingFaults(&tree{})); n != total-len(untested) {
		t.Errorf("a tree without tests misses %d faults, want %d", n, total-len(untested))
	}
}
