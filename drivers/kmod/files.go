package kmod

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"slashdev/drivers/glob"
)

// normal is how names are compared: `-` and `_` are one, but in a set.
func normal(name string) string {
	if strings.IndexByte(name, '-') < 0 {
		return name
	}
	b := []byte(name)
	inSet := false
	for i, c := range b {
		switch {
		case c == '[':
			inSet = true
		case c == ']':
			inSet = false
		case c == '-' && !inSet:
			b[i] = '_'
		}
	}
	return string(b)
}

// moduleName is the name of the module in a file.
func moduleName(file string) string {
	base := path.Base(file)
	if i := strings.Index(base, ".ko"); i > 0 {
		base = base[:i]
	}
	return strings.ReplaceAll(base, "-", "_")
}

// parseDep takes in modules.dep: `FILE: FILE...`, what the first one needs.
func (x *Index) parseDep(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if file, _, ok := strings.Cut(line, ":"); ok && file != "" {
			x.deps[moduleName(file)] = line
		}
	}
}

func (x *Index) parseBuiltin(text string) {
	for line := range strings.Lines(text) {
		if file := strings.TrimSpace(line); file != "" {
			x.builtin[moduleName(file)] = true
		}
	}
}

// parseOrder takes in modules.order: the kernel's build wants modules that serve
// the same device loaded in this order.
func (x *Index) parseOrder(text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		x.order[moduleName(strings.TrimSpace(line))] = n
	}
}

// file is where a module lies below the root. A path that leads out of the
// kernel's folder is none.
func (x *Index) file(name string) string {
	if strings.HasPrefix(name, "/") {
		return strings.TrimPrefix(path.Clean(name), "/")
	}
	if !fs.ValidPath(name) {
		return ""
	}
	return path.Join(x.dir, name)
}

// Nodes returns what modules.devname lists, `MODULE NAME c10:235`: devices that
// exist in name before their module is loaded.
func Nodes(root fs.FS, release string) (nodes []Node, err error) {
	text, err := readFile(root, path.Join("lib/modules", release, "modules.devname"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0][0] == '#' || !fs.ValidPath(words[1]) {
			continue
		}
		kind, numbers := words[2][0], words[2][1:]
		major, minor, _ := strings.Cut(numbers, ":")
		ma, err1 := strconv.ParseUint(major, 10, 12)
		mi, err2 := strconv.ParseUint(minor, 10, 20)
		if err1 == nil && err2 == nil && (kind == 'c' || kind == 'b') {
			nodes = append(nodes, Node{normal(words[0]), words[1], kind == 'b', uint32(ma), uint32(mi)})
		}
	}
	return nodes, err
}

// aliases are patterns and the modules that they mean.
type aliases struct {
	patterns glob.Table
	modules  [][]string
}

// find returns the modules whose aliases match a name.
func (a aliases) find(name string) []string {
	var found []string
	for _, i := range a.patterns.Find(name) {
		for _, m := range a.modules[i] {
			if !slices.Contains(found, m) {
				found = append(found, m)
			}
		}
	}
	return found
}

// aliasList collects aliases in the order of the files.
type aliasList []alias

type alias struct {
	pattern, module string
	line            int
}

func (l *aliasList) add(pattern, module string) {
	*l = append(*l, alias{normal(pattern), normal(module), len(*l)})
}

// parse takes in modules.alias and modules.symbols: `alias PATTERN MODULE`.
func (l *aliasList) parse(text string) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "alias ")
		pattern, module, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if ok && pattern != "" && module != "" {
			l.add(pattern, module)
		}
	}
}

// parseModinfo takes in modules.builtin.modinfo: `MODULE.alias=PATTERN` and
// others, each behind the other with a NUL.
func (l *aliasList) parseModinfo(text string) {
	for field := range strings.SplitSeq(text, "\x00") {
		key, pattern, _ := strings.Cut(field, "=")
		module, what, ok := strings.Cut(key, ".")
		if ok && what == "alias" {
			l.add(pattern, module)
		}
	}
}

func (l *aliasList) table() aliases {
	slices.SortFunc(*l, func(a, b alias) int {
		return cmp.Or(cmp.Compare(a.pattern, b.pattern), cmp.Compare(a.line, b.line))
	})
	var patterns []string
	var a aliases
	for _, e := range *l {
		last := len(patterns) - 1
		if last < 0 || patterns[last] != e.pattern {
			patterns, a.modules, last = append(patterns, e.pattern), append(a.modules, nil), last+1
		}
		a.modules[last] = append(a.modules[last], e.module)
	}
	a.patterns, _ = glob.New(patterns) // they are sorted
	return a
}
