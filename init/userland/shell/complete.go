package shell

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"

	"slashdev/init/userland/tool"
)

// completer finds what a word may become. It reads directories only.
type completer struct {
	root  fs.FS
	dir   func() string // the shell's directory
	names func() []string
	verbs func(said string) []string
}

// complete is the editor's Completer.
func (c completer) complete(before string) (start int, found []string) {
	start = wordStart(before)
	word := before[start:]
	if strings.ContainsAny(word, `'"$`+"`") {
		return start, nil
	}
	said := commandOf(before[:start])
	switch {
	case said == "" && !strings.Contains(word, "/"):
		return start, withPrefix(c.names(), word)
	case strings.HasPrefix(word, "/") || strings.HasPrefix(word, "."):
		return start, c.paths(word)
	}
	if found = withPrefix(c.verbs(said), word); len(found) == 0 {
		found = c.paths(word)
	}
	return start, found
}

func withPrefix(names []string, prefix string) (found []string) {
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			found = append(found, n+" ")
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// wordStart is where the word that ends the line starts.
func wordStart(s string) int {
	for i := len(s); i > 0; i-- {
		if strings.IndexByte(" \t|&;()<>=", s[i-1]) >= 0 && (i < 2 || s[i-2] != '\\') {
			return i
		}
	}
	return 0
}

// commandOf returns the command that s gives arguments to, with those that are
// there already, or nothing where a command is expected next.
func commandOf(s string) string {
	if i := strings.LastIndexAny(s, "|&;()"); i >= 0 {
		s = s[i+1:]
	}
	words := strings.Fields(s)
	for i, w := range words {
		switch w {
		case "if", "then", "elif", "else", "while", "until", "do", "time", "!", "{", "exec", "command":
			continue
		}
		if i := strings.IndexByte(w, '='); i > 0 {
			continue
		}
		return strings.Join(words[i:], " ")
	}
	return ""
}

// maxLinks bounds how many links are followed to see whether they lead to
// directories: in /dev each would cost a system call.
const maxLinks = 200

// paths returns the paths that start with word.
func (c completer) paths(word string) (found []string) {
	plain := strings.ReplaceAll(word, `\`, "")
	dir, prefix := plain[:strings.LastIndexByte(plain, '/')+1], plain[strings.LastIndexByte(plain, '/')+1:]
	at := dir
	if !strings.HasPrefix(dir, "/") {
		at = c.dir() + "/" + dir
	}
	at = strings.TrimPrefix(path.Clean(at), "/")
	if at == "" {
		at = "."
	}
	entries, _ := fs.ReadDir(c.root, at)
	links := 0
	for _, d := range entries {
		name := d.Name()
		if !strings.HasPrefix(name, prefix) || prefix == "" && name[0] == '.' || tool.Clean(name) != name {
			continue
		}
		isDir := d.IsDir()
		if d.Type()&fs.ModeSymlink != 0 && links < maxLinks {
			links++
			fi, err := fs.Stat(c.root, path.Join(at, name))
			isDir = err == nil && fi.IsDir()
		}
		found = append(found, escape(dir+name)+suffix(isDir))
	}
	return found
}

func suffix(isDir bool) string {
	if isDir {
		return "/"
	}
	return " "
}

// escape quotes what the shell would take for syntax.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:,@%=", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// commandNames are all words that can start a command.
func (s *Shell) commandNames() []string {
	names := append(builtins(), "cd", "echo", "exit", "export", "printf", "pwd", "read", "set", "source", "test", "type", "unset", "wait")
	for n := range s.applets {
		names = append(names, n)
	}
	for n := range s.runner.Funcs {
		names = append(names, n)
	}
	for dir := range strings.SplitSeq(s.runner.Env.Get("PATH").String(), ":") {
		entries, _ := fs.ReadDir(s.cfg.Root, strings.TrimPrefix(dir, "/"))
		for _, d := range entries {
			if tool.Clean(d.Name()) == d.Name() {
				names = append(names, d.Name())
			}
		}
	}
	return names
}
