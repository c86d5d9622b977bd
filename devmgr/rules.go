package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/rules/devd"
	"slashdev/devmgr/rules/udev"
)

const rulesHelp = `usage: dev rules check [FILE|DIRECTORY]... [--github] [--json]

Checks files of udev rules, and those called *.conf as FreeBSD's devd.conf; by
default those that the device manager reads. It prints what is wrong as
FILE:LINE:COLUMN: problem: remedy, and needs no device manager. The exit code
is 1 when there is a problem.
  --github  print problems as annotations for GitHub's workflows
  --json    an array of problems: file, line, col, text, hint
`

func (c *command) rules() error {
	if len(c.args) == 0 || c.args[0] != "check" {
		return ctl.Errorf(ctl.Usage, "say: dev rules check [FILE]...")
	}
	files, err := rulesFiles(c.args[1:])
	set, problems := udev.Parse(slices.DeleteFunc(slices.Clone(files), isDevd))
	statements, more := checkDevd(c.args[1:], files)
	problems = append(problems, more...)
	switch {
	case c.has("json"):
		c.problemsJSON(problems)
	case c.has("github"):
		for _, p := range problems {
			c.printf("::error file=%s,line=%d,col=%d::%s\n", annotation(p.File), p.Line, p.Col, annotation(p.Text+": "+p.Hint))
		}
	default:
		for _, p := range problems {
			c.printf("%s\n", printable(p.String()))
		}
	}
	switch n := len(problems); {
	case err != nil:
		return ctl.Errorf(ctl.Failed, "%v", err)
	case n > 0:
		return ctl.Errorf(ctl.Failed, "%s in %s", count(n, "problem"), count(len(files), "file"))
	case !c.has("json"):
		c.printf("%s in %s: no problem\n", count(set.Len()+statements, "rule"), count(len(files), "file"))
	}
	return nil
}

func isDevd(f udev.File) bool { return strings.HasSuffix(f.Name, ".conf") }

// checkDevd checks the files of devd.conf among those that are named, or the
// machine's own and what it includes. Its problems are one sentence each: what
// is wrong, and behind a colon what to do.
func checkDevd(names []string, files []udev.File) (statements int, all []udev.Problem) {
	set, problems := devd.Load(os.DirFS("/"), "etc/devd.conf")
	if len(names) > 0 {
		var confs []devd.File
		for _, f := range files {
			if isDevd(f) {
				confs = append(confs, devd.File(f))
			}
		}
		set, problems = devd.Parse(confs)
	}
	for _, p := range problems {
		text, hint, found := strings.Cut(p.Text, ": ")
		if !found {
			hint = "see docs/actions.md"
		}
		all = append(all, udev.Problem{Position: udev.Position{File: p.File, Line: p.Line, Col: p.Col}, Text: text, Hint: hint})
	}
	return set.Len(), all
}

func count(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

// rulesFiles reads files, and all rules in directories.
func rulesFiles(names []string) ([]udev.File, error) {
	if len(names) == 0 {
		return udev.Load(os.DirFS("/"), udev.Dirs())
	}
	var files []udev.File
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return files, err
		}
		if info.IsDir() {
			inside, err := udev.Load(os.DirFS(name), []string{"."})
			if err != nil {
				return files, err
			}
			for _, f := range inside {
				files = append(files, udev.File{Name: filepath.Join(name, f.Name), Text: f.Text})
			}
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return files, err
		}
		files = append(files, udev.File{Name: name, Text: string(text)})
	}
	return files, nil
}

// annotation escapes what would end a field of an annotation.
func annotation(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

func (c *command) problemsJSON(problems []udev.Problem) {
	c.out.WriteString("[")
	for i, p := range problems {
		if i > 0 {
			c.out.WriteString(",")
		}
		b := appendJSONString([]byte("\n{\"file\": "), p.File)
		b = append(b, fmt.Sprintf(`, "line": %s, "col": %s, "text": `, strconv.Itoa(p.Line), strconv.Itoa(p.Col))...)
		b = append(appendJSONString(b, p.Text), `, "hint": `...)
		c.out.Write(append(appendJSONString(b, p.Hint), '}'))
	}
	c.out.WriteString("\n]\n")
}
