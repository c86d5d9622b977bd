package slashdev

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// pages are the documents we keep true.
func (tr *tree) pages() []string {
	return slices.DeleteFunc(slices.Clone(tr.other), func(name string) bool {
		return path.Ext(name) != ".md" || inTestdata(name)
	})
}

// A command in a page: at the start of an indented code line or of a code span.
var commands = regexp.MustCompile("(?:^(?:    |\t)(?:\\$ )?|`)(?:bin/)?(make|slashdev) ([a-z][a-z-]*)")

// checkCommands wants every `make X` and `slashdev X` in the pages to exist.
func checkCommands(tr *tree) (all []finding) {
	known := map[string]map[string]bool{"make": makeTargets(tr), "slashdev": subcommands(tr)}
	for _, page := range tr.pages() {
		for i, row := range indentFences(strings.Split(tr.read(page), "\n")) {
			for _, m := range commands.FindAllStringSubmatch(row, -1) {
				if !known[m[1]][m[2]] {
					what := fmt.Sprintf("there is no command `%s %s`", m[1], m[2])
					all = append(all, finding{page, i + 1, what, "write only what exists"})
				}
			}
		}
	}
	return all
}

// indentFences turns fenced code into indented code.
func indentFences(rows []string) []string {
	fenced := false
	for i, row := range rows {
		switch {
		case strings.HasPrefix(row, "```"):
			fenced = !fenced
		case fenced:
			rows[i] = "    " + row
		}
	}
	return rows
}

func makeTargets(tr *tree) map[string]bool {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(tr.read("Makefile"), -1) {
		targets[m[1]] = true
	}
	return targets
}

// subcommands are the host tool's, read from the Use fields of its cobra commands.
func subcommands(tr *tree) map[string]bool {
	use := regexp.MustCompile(`Use:\s*"([a-z-]+)`)
	names := map[string]bool{}
	for _, s := range tr.code() {
		if s.pkg != "image/slashdev" {
			continue
		}
		for _, m := range use.FindAllStringSubmatch(string(s.text), -1) {
			names[m[1]] = true
		}
	}
	return names
}

var link = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

func checkLinks(tr *tree) (all []finding) {
	for _, page := range tr.pages() {
		for i, row := range strings.Split(tr.read(page), "\n") {
			for _, m := range link.FindAllStringSubmatch(row, -1) {
				target := path.Join(path.Dir(page), m[1])
				_, err := os.Stat(filepath.Join(tr.dir, filepath.FromSlash(target)))
				if !strings.Contains(m[1], "://") && err != nil {
					all = append(all, finding{page, i + 1, "the link to " + m[1] + " leads nowhere", "name a file in the repository"})
				}
			}
		}
	}
	return all
}

// checkChangelog wants a section for what is not released yet, with entries of known kinds.
func checkChangelog(tr *tree) (all []finding) {
	const name = "CHANGELOG.md"
	text := tr.read(name)
	if !strings.Contains(text, "\n## [Unreleased]\n") {
		all = append(all, finding{name, 1, "no section [Unreleased]", "add it above the last release"})
	}
	for i, row := range strings.Split(text, "\n") {
		if strings.HasPrefix(row, "- ") && !regexp.MustCompile(`^- \[(New|Fix|Change)\] `).MatchString(row) {
			all = append(all, finding{name, i + 1, "an entry of no kind", "begin it with [New], [Fix] or [Change]"})
		}
	}
	return all
}
