package kmod

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// config is what modprobe.d and the kernel command line say.
type config struct {
	aliases   []configAlias
	options   map[string][]string
	blacklist map[string]string // where it was said
	install   map[string]command
	remove    map[string]command
	soft      map[string]softdep
	problems  []Problem
}

type configAlias struct {
	pattern, module string
	table           aliases // of this pattern alone
}

// command is an install or remove line.
type command struct {
	text, where string
}

// verdict says what a command would do, as far as that is known without a
// shell: "" nothing, for /bin/true; else why the module is not to be loaded.
func (c command) verdict() string {
	switch path.Base(c.text) {
	case "true", ":":
		return ""
	case "false":
		return c.where + " forbids it"
	}
	return c.where + " has a command for it, and commands are not run"
}

type softdep struct{ pre, post []string }

// confFiles returns the *.conf files of a folder that may be in several places,
// in the order of their names; of those of one name the first counts.
func confFiles(root fs.FS, folder string) ([]string, error) {
	byName := map[string]string{}
	var errs []error
	for _, place := range []string{"etc", "run", "usr/local/lib", "usr/lib", "lib"} {
		dir := path.Join(place, folder)
		entries, err := fs.ReadDir(root, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, e := range entries {
			if path.Ext(e.Name()) == ".conf" && byName[e.Name()] == "" {
				byName[e.Name()] = path.Join(dir, e.Name())
			}
		}
	}
	var files []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		files = append(files, byName[name])
	}
	return files, errors.Join(errs...)
}

// Wanted returns the names that modules-load.d(5) lists, which are to be loaded
// at boot whatever devices there are.
func Wanted(root fs.FS) (names []string, err error) {
	files, err := confFiles(root, "modules-load.d")
	errs := []error{err}
	for _, file := range files {
		text, err := readFile(root, file)
		errs = append(errs, err)
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
				names = append(names, line)
			}
		}
	}
	return names, errors.Join(errs...)
}

// read takes in all files in the order of their names, and then the kernel
// command line.
func (c *config) read(root fs.FS) error {
	files, err := confFiles(root, "modprobe.d")
	errs := []error{err}
	p := parser{config: c}
	for _, file := range files {
		text, err := readFile(root, file)
		errs = append(errs, err)
		p.parse("/"+file, text)
	}
	if text, err := fs.ReadFile(root, "proc/cmdline"); err == nil {
		p.cmdline(string(text))
	}
	return errors.Join(errs...)
}

// parser takes lines into a config.
type parser struct {
	*config
	file string
	line int
}

func (p *parser) problemf(format string, args ...any) {
	p.problems = append(p.problems, Problem{p.file, p.line, fmt.Sprintf(format, args...)})
}

func (p *parser) where() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// parse takes in a file. A `\` at the end of a line joins the next one to it.
func (p *parser) parse(file, text string) {
	p.file, p.line = file, 0
	joined, next := "", 0
	for line := range strings.Lines(text) {
		next++
		if joined == "" {
			p.line = next
		}
		line = strings.TrimRight(line, "\r\n")
		if more, ok := strings.CutSuffix(line, `\`); ok {
			joined += more + " "
			continue
		}
		p.statement(joined + line)
		joined = ""
	}
	p.statement(joined)
}

func (p *parser) statement(text string) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0][0] == '#' {
		return
	}
	if strings.ContainsRune(text, 0) {
		p.problemf("a NUL byte: the line is ignored")
		return
	}
	word, args := words[0], words[1:]
	least := map[string]int{"alias": 2, "options": 2, "blacklist": 1, "install": 2, "remove": 2, "softdep": 2}[word]
	switch {
	case least == 0:
		p.problemf("unknown word %q: the line is ignored", word)
	case len(args) < least:
		p.problemf("%s needs more words: the line is ignored", word)
	default:
		p.act(word, normal(args[0]), args[1:])
	}
}

func (p *parser) act(word, name string, rest []string) {
	switch word {
	case "alias":
		p.aliases = append(p.aliases, newAlias(name, rest[0]))
	case "options":
		put(&p.options, name, append(p.options[name], strings.Join(rest, " ")))
	case "blacklist":
		put(&p.blacklist, name, p.where())
	case "softdep":
		if _, known := p.soft[name]; !known { // the first counts
			put(&p.soft, name, newSoftdep(rest))
		}
	case "install":
		p.command(&p.install, name, rest)
	case "remove":
		p.command(&p.remove, name, rest)
	}
}

func (p *parser) command(commands *map[string]command, name string, words []string) {
	c := command{strings.Join(words, " "), p.where()}
	if _, known := (*commands)[name]; known { // the first counts
		return
	}
	put(commands, name, c)
	if base := path.Base(c.text); base != "true" && base != "false" && base != ":" {
		p.problemf("commands are not run: %s stays as it is; only /bin/true and /bin/false act here", name)
	}
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

func newAlias(pattern, module string) configAlias {
	list := &aliasList{}
	list.add(pattern, module)
	return configAlias{pattern, normal(module), list.table()}
}

// newSoftdep reads `pre: NAME... post: NAME...`. What is behind neither is
// ignored, as modprobe does.
func newSoftdep(words []string) softdep {
	var s softdep
	var into *[]string
	for _, w := range words {
		switch {
		case w == "pre:":
			into = &s.pre
		case w == "post:":
			into = &s.post
		case into != nil:
			*into = append(*into, w)
		}
	}
	return s
}

// cmdline takes in modprobe.blacklist=NAME,... and MODULE.PARAMETER=VALUE.
// What is built in has taken its parameters itself.
func (p *parser) cmdline(text string) {
	p.file, p.line = "/proc/cmdline", 1
	for _, word := range kernelWords(text) {
		key, value, _ := strings.Cut(word, "=")
		module, param, ok := strings.Cut(key, ".")
		switch {
		case word == "--":
			return
		case !ok || module == "" || param == "":
		case key == "modprobe.blacklist":
			for name := range strings.SplitSeq(strings.Trim(value, `"`), ",") {
				put(&p.blacklist, normal(name), p.file)
			}
		default:
			name := normal(module)
			put(&p.options, name, append(p.options[name], word[len(module)+1:]))
		}
	}
}

// kernelWords splits a command line as the kernel does: quotes hold blanks
// together, and stay.
func kernelWords(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
}
