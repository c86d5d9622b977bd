package devd

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxFiles bounds how many files are read for one configuration.
const maxFiles = 256

// Load reads the file name of root, and the *.conf files of the directories
// that it and they name. A file that others than its owner may write is not
// read: what it says would be done as root. A missing name is no problem: then
// there are no statements.
func Load(root fs.FS, name string) (*Set, []Problem) {
	p := newParser()
	l := loader{root: root, parser: p, seen: map[string]bool{}}
	if _, err := fs.Stat(root, name); !errors.Is(err, fs.ErrNotExist) {
		l.read(name)
	}
	for len(p.directories) > 0 {
		d := p.directories[0]
		p.directories = p.directories[1:]
		l.directory(d)
	}
	return p.finish()
}

type loader struct {
	root   fs.FS
	parser *parser
	seen   map[string]bool
}

// tell reports a problem of a whole file.
func (l loader) tell(name, text string) {
	l.parser.problems = append(l.parser.problems, Problem{"/" + name, 1, 1, text})
}

func (l loader) read(name string) {
	info, err := fs.Stat(l.root, name)
	switch {
	case l.seen[name]:
		return
	case err != nil:
		l.tell(name, err.Error())
		return
	case !info.Mode().IsRegular():
		l.tell(name, "not a regular file: it is not read")
		return
	case info.Mode().Perm()&0o022 != 0:
		l.tell(name, "others than its owner may write it: it is not read; chmod go-w /"+name)
		return
	case len(l.seen) == maxFiles:
		l.tell(name, "too many files: it is not read")
		return
	}
	l.seen[name] = true
	text, err := fs.ReadFile(l.root, name)
	if err != nil {
		l.tell(name, err.Error())
		return
	}
	l.parser.file(File{"/" + name, string(text)})
}

func (l loader) directory(d directory) {
	dir := path.Clean(strings.TrimPrefix(d.path, "/"))
	blame := func(text string) {
		l.parser.problems = append(l.parser.problems, Problem{d.file, d.place.line, d.place.col, text})
	}
	if !strings.HasPrefix(d.path, "/") || !fs.ValidPath(dir) {
		blame("the directory must be an absolute path")
		return
	}
	info, err := fs.Stat(l.root, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // as devd: there is nothing to add
	case err == nil && info.Mode().Perm()&0o022 != 0:
		blame("others than its owner may write into " + d.path + ": it is not read; chmod go-w " + d.path)
		return
	}
	entries, err := fs.ReadDir(l.root, dir)
	if err != nil {
		blame(err.Error())
	}
	for _, e := range slices.SortedFunc(slices.Values(entries), func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }) {
		if strings.HasSuffix(e.Name(), ".conf") {
			l.read(path.Join(dir, e.Name()))
		}
	}
}
