package slashdev

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// devfsPage has a row for each property of the older device file systems that is due.
const devfsPage = "docs/devfs.md"

// devfsDue are the numbers of the rows by section, single or from-to.
var devfsDue = map[string]string{
	"S0": "1-2 7 9-11",
	"S1": "1 3 7 10 13-15 18-19 21-24 27 32",
	"S2": "1-2 4-14",
	"S3": "1-22 44-57 61-65",
	"S4": "1-16",
}

// devfsStatus says of each status whether it wants a test.
var devfsStatus = map[string]bool{"vm": true, "host": true, "unit": true, "part": true, "kernel": false, "none": false, "open": false}

var (
	devfsRow  = regexp.MustCompile(`^\| (S[0-4]-[0-9]+) \|[^|]*\| *([^|]*?) *\| *([^|]*?) *\|$`)
	namedTest = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)`")
)

// checkDevfs wants every row that is due, with a status, and tests that exist.
func checkDevfs(tr *tree) (all []finding) {
	seen := map[string]bool{}
	exists := testNames(tr)
	for i, row := range strings.Split(tr.read(devfsPage), "\n") {
		blame := func(what, mend string) { all = append(all, finding{devfsPage, i + 1, what, mend}) }
		m := devfsRow.FindStringSubmatch(row)
		if m == nil {
			continue
		}
		id, status, tests := m[1], m[2], namedTest.FindAllStringSubmatch(m[3], -1)
		if seen[id] {
			blame(id+" has two rows", "keep one")
		}
		seen[id] = true
		wants, known := devfsStatus[status]
		switch {
		case !known:
			blame(fmt.Sprintf("%s has the status %q", id, status), "use one of those at the top of the page")
		case wants && len(tests) == 0:
			blame(id+" is "+status+" but names no test", "name it, or say open")
		case !wants && len(tests) > 0:
			blame(id+" has a test but is "+status, "give it the status that the test proves")
		}
		for _, t := range tests {
			if !exists[t[1]] {
				blame(fmt.Sprintf("%s names %s, which does not exist", id, t[1]), "name a test function of this repository")
			}
		}
	}
	for _, section := range []string{"S0", "S1", "S2", "S3", "S4"} {
		if missing := missingRows(section, seen); missing != "" {
			all = append(all, finding{devfsPage, 1, "rows are missing: " + missing, "add them, as open if nothing is built yet"})
		}
	}
	return all
}

func missingRows(section string, seen map[string]bool) string {
	var missing []string
	for word := range strings.FieldsSeq(devfsDue[section]) {
		first, last, isRange := strings.Cut(word, "-")
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		for n := from; n <= to; n++ {
			if id := fmt.Sprintf("%s-%d", section, n); !seen[id] {
				missing = append(missing, id)
			}
		}
	}
	return strings.Join(missing, " ")
}

// testNames are all test functions of the repository.
func testNames(tr *tree) map[string]bool {
	names := map[string]bool{}
	for _, s := range tr.source {
		if !s.test {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllSubmatch(s.text, -1) {
			names[string(m[1])] = true
		}
	}
	return names
}
