package udev

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	quoted    = regexp.MustCompile("`([^`]+)`")
	operators = regexp.MustCompile("^(`(=|\\+=|-=|:=)` ?)+")
)

// section returns a part of the documentation of rules.
func section(t *testing.T, title string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/udev.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, ok := strings.Cut(string(text), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("docs/udev.md has no section %q", title)
	}
	text2, _, _ = strings.Cut(text2, "\n## ")
	return text2
}

func quotedIn(text string) (words []string) {
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		words = append(words, m[1])
	}
	return words
}

// The table of what acts names each word of the language, with the operators
// that it takes.
func TestDocumentedKeys(t *testing.T) {
	named := map[string]bool{}
	for row := range strings.Lines(section(t, "What acts")) {
		cells := strings.Split(strings.TrimSpace(row), "|")
		if len(cells) != 5 {
			continue
		}
		tests := strings.TrimSpace(cells[2]) != ""
		sets := quotedIn(operators.FindString(strings.TrimSpace(cells[3])))
		for _, word := range quotedIn(cells[1]) {
			name, attr, _ := strings.Cut(strings.TrimSuffix(word, "}"), "{")
			named[name] = true
			for a := range strings.SplitSeq(attr, ",") {
				for _, op := range []string{"==", "!=", "=", "+=", "-=", ":="} {
					want := tests && op[1:] == "=" && op[0] != '+' && op[0] != '-' && op[0] != ':' || slices.Contains(sets, op)
					if got := takes(name, a, op); got != want {
						t.Errorf("%s{%s}%s: %v, the table says %v", name, a, op, got, want)
					}
				}
			}
		}
	}
	for name := range keys {
		if !named[name] {
			t.Errorf("the table has no %s", name)
		}
	}
}

// takes says whether a rule may have the word with the operator.
func takes(name, attr, op string) bool {
	value := map[string]string{"MODE": "0660", "OPTIONS": "watch", "CONST": "x86-64", "RUN": "kmod load"}[name]
	switch {
	case name == "IMPORT" && attr == "builtin":
		value = "hwdb"
	case value == "":
		value = "l"
	}
	if key := keys[name]; attr == "" && key.attr == attrNeeded {
		attr = "a"
	}
	if attr != "" && attr != "mode" {
		name += "{" + attr + "}"
	}
	rule := name + op + `"` + value + `"`
	if name != "LABEL" {
		rule += `, TAG+="t"` + "\n" + `LABEL="l"`
	}
	_, problems := Parse([]File{{"f", rule}})
	return len(problems) == 0
}

// The options, builtins and old words are named too, and do what is said of them.
func TestDocumentedWords(t *testing.T) {
	acts, ignored := section(t, "What acts"), section(t, "What is accepted and ignored")
	_, options, _ := strings.Cut(acts, "| `OPTIONS` |")
	options, _, _ = strings.Cut(options, "\n")
	_, problems := Parse([]File{{"f", `OPTIONS="?"`}})
	for _, name := range append(quotedIn(options)[3:], "log_level=") {
		value := map[string]string{"link_priority=": "1", "string_escape=": "none"}[name]
		if strings.HasSuffix(name, "=") && value == "" {
			value = "x"
		}
		if _, p := Parse([]File{{"f", `OPTIONS="` + name + value + `"`}}); len(p) > 0 || !strings.Contains(problems[0].Hint, name) {
			t.Errorf("OPTIONS=%s: %v, hint %s", name, p, problems[0].Hint)
		}
	}
	for _, name := range strings.FieldsFunc(problems[0].Hint, func(r rune) bool { return r == ' ' || r == ',' }) {
		if strings.Contains(name, "_") && !strings.Contains(options+ignored, "`"+name) && !strings.Contains(ignored, name) {
			t.Errorf("the table has no option %s", name)
		}
	}
	for _, name := range oldOptions {
		if !slices.Contains(quotedIn(ignored), name) {
			t.Errorf("what is ignored leaves out the option %s", name)
		}
	}
	words := strings.Join(quotedIn(section(t, "Builtins and programs")+ignored), " ") + " "
	for _, name := range builtins {
		if !strings.Contains(words, name+" ") {
			t.Errorf("the builtin %s is not documented", name)
		}
	}
}
