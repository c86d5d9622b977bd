package slashdev

import (
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// programs are the device binaries; beside each lies the committed list of all it links.
var programs = []string{"init", "init/userland", "devmgr"}

// TestDependencyLists compares the committed lists with what is linked, so that a new
// dependency shows in review. `make deps` rewrites them.
func TestDependencyLists(t *testing.T) {
	linked, err := goListDeps(".")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		for folder, list := range linked {
			if err := os.WriteFile(filepath.FromSlash(folder)+"/deps.txt", []byte(list), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	house, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range compareDeps(house, linked) {
		t.Error(f)
	}
}

func TestDependencyListsCanFail(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module slashdev\n\ngo 1.26.0\n",
		"init/main.go":       "package main\n\nimport _ \"os\"\n\nfunc main() {}\n",
		"init/deps.txt":      "errors\nnet\n",
		"devmgr/main.go":     "package main\n\nfunc main() {}\n",
		"devmgr/deps.txt":    "slashdev/devmgr\n",
		"init/userland/m.go": "package main\n\nfunc main() {}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	linked, err := goListDeps(dir)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(compareDeps(bad, linked))
	for _, want := range []string{
		"init/deps.txt:1: init links os, which the list lacks",
		"init/deps.txt:2: the list has net, which init does not link",
		"init/userland/deps.txt:1: init/userland links slashdev/init/userland, which the list lacks",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

// goListDeps returns for each program the packages it links on either architecture, one a
// line; the standard library's internal ones are its own affair.
func goListDeps(dir string) (map[string]string, error) {
	sets := map[string][]string{}
	for _, arch := range []string{"amd64", "arm64"} {
		args := []string{"list", "-f", `{{.ImportPath}} {{.ImportPath}} {{join .Deps " "}}`}
		for _, p := range programs {
			args = append(args, "./"+p)
		}
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); ok {
			return nil, fmt.Errorf("go list: %s", exit.Stderr)
		}
		if err != nil {
			return nil, err
		}
		for row := range strings.Lines(string(out)) {
			words := strings.Fields(row)
			folder := strings.TrimPrefix(words[0], module+"/")
			sets[folder] = append(sets[folder], words[1:]...)
		}
	}
	lists := map[string]string{}
	for folder, words := range sets {
		words = slices.DeleteFunc(words, func(p string) bool {
			return in("internal/... vendor/...", p) || strings.Contains(p, "/internal/") && isStd(p)
		})
		slices.Sort(words)
		lists[folder] = strings.Join(slices.Compact(words), "\n") + "\n"
	}
	return lists, nil
}

func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != module && !strings.Contains(first, ".")
}

// compareDeps leaves the standard library out when the go command is not of the version in
// go.mod: what std packages import changes from release to release.
func compareDeps(tr *tree, linked map[string]string) (all []finding) {
	same := version.Lang(runtime.Version()) == version.Lang("go"+goModField(tr, "go"))
	for _, folder := range programs {
		name := folder + "/deps.txt"
		have, want := strings.Fields(tr.read(name)), strings.Fields(linked[folder])
		for i, p := range have {
			if !slices.Contains(want, p) && (same || !isStd(p)) {
				all = append(all, finding{name, i + 1, fmt.Sprintf("the list has %s, which %s does not link", p, folder), "make deps, and review the diff"})
			}
		}
		for _, p := range want {
			if !slices.Contains(have, p) && (same || !isStd(p)) {
				all = append(all, finding{name, 1, fmt.Sprintf("%s links %s, which the list lacks", folder, p), "avoid it, or make deps and say why in the commit"})
			}
		}
	}
	return all
}

func goModField(tr *tree, key string) string {
	m := regexp.MustCompile(`(?m)^` + key + ` (\S+)$`).FindStringSubmatch(tr.read("go.mod"))
	if m == nil {
		return ""
	}
	return m[1]
}

// linkedInto returns our folders in a dependency list.
func linkedInto(tr *tree, name string) (folders []string) {
	for word := range strings.FieldsSeq(tr.read(name)) {
		if folder, ours := strings.CutPrefix(word, module+"/"); ours {
			folders = append(folders, folder)
		}
	}
	return folders
}

// pid1Bans are standard packages that PID 1 must not link, and why.
var pid1Bans = []struct{ set, why string }{
	{"os/exec", "its Wait races the reaper; start children with init/linux"},
	{"net/... -net/netip", "PID 1's sockets are raw system calls in init/ipc"},
	// x/sys/unix itself links encoding/binary.
	{"encoding/... -encoding -encoding/binary", "reflection and big tables; the plan and the protocol are lines of words (init/line)"},
	{"crypto/...", "self-tests run before main; check signatures in userland"},
	{"text/template/... html/... testing/... go/... database/... log/... plugin", "nothing that PID 1 does needs it"},
}

// checkPID1 judges the committed list; TestDependencyLists proves that list true.
func checkPID1(tr *tree) (all []finding) {
	const name = "init/deps.txt"
	for i, p := range strings.Fields(tr.read(name)) {
		blame := func(why string) { all = append(all, finding{name, i + 1, "PID 1 links " + p, why}) }
		for _, ban := range pid1Bans {
			if isStd(p) && in(ban.set, p) {
				blame(ban.why)
			}
		}
		if !isStd(p) && !in("golang.org/x/sys/... slashdev/init/... -slashdev/init/userland/...", p) {
			blame("it may link the standard library, golang.org/x/sys and packages below init")
		}
	}
	return all
}

// TestPID1BansExist keeps the bans from going stale when a package is renamed.
func TestPID1BansExist(t *testing.T) {
	args := []string{"list"}
	for _, ban := range pid1Bans {
		for word := range strings.FieldsSeq(ban.set) {
			args = append(args, strings.TrimPrefix(word, "-"))
		}
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "matched no packages") {
		t.Errorf("a ban names a package that does not exist: %v\n%s", err, out)
	}
}

// TestTidy keeps go.mod exact. Data modules and programs of the default appliance are held by
// image/pin.go and the tool lines.
func TestTidy(t *testing.T) {
	if out, err := exec.Command("go", "mod", "tidy", "-diff").CombinedOutput(); err != nil {
		t.Errorf("go.mod: %v: run go mod tidy\n%s", err, out)
	}
}

var tableRow = regexp.MustCompile("^\\| `?([^` |]+\\.[^` |]+/[^` |]+)`? \\|")

// checkDocumented wants a row in docs/dependencies.md for each module that we require
// ourselves, and no other.
func checkDocumented(tr *tree) (all []finding) {
	const doc = "docs/dependencies.md"
	rows := map[string]int{}
	for i, row := range strings.Split(tr.read(doc), "\n") {
		if m := tableRow.FindStringSubmatch(row); m != nil {
			rows[m[1]] = i + 1
		}
	}
	direct := directModules(tr.read("go.mod"))
	for name, line := range direct {
		if rows[name] == 0 {
			all = append(all, finding{"go.mod", line, name + " is not in " + doc, "add a row that says why we need it"})
		}
	}
	for name, line := range rows {
		if direct[name] == 0 {
			all = append(all, finding{doc, line, name + " is no direct requirement in go.mod", "remove the row"})
		}
	}
	slices.SortFunc(all, func(a, b finding) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// directModules returns the lines of go.mod with the modules that we import or name in a tool
// line; the go command marks the latter as indirect.
func directModules(gomod string) map[string]int {
	tools := regexp.MustCompile(`(?m)^(?:tool |\t)([^\s/]+\.[^\s/]+/\S+)$`).FindAllStringSubmatch(gomod, -1)
	direct := map[string]int{}
	for i, row := range strings.Split(gomod, "\n") {
		words := strings.Fields(strings.TrimPrefix(row, "require "))
		if len(words) < 2 || !strings.HasPrefix(words[1], "v") {
			continue
		}
		isTool := slices.ContainsFunc(tools, func(m []string) bool { return strings.HasPrefix(m[1], words[0]+"/") })
		if len(words) == 2 || isTool {
			direct[words[0]] = i + 1
		}
	}
	return direct
}
