package gobuild

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with a program, a library and a program that does not
// compile, and returns its folder.
func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         "module example.com/m\n\ngo 1.26\n",
		"hello/main.go":  "package main\n\nfunc main() { println(\"hello\") }\n",
		"lib/lib.go":     "package lib\n",
		"broken/main.go": "package main\n\nfunc main() { nonsense }\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func build(t *testing.T, dir string, packages ...string) ([]Binary, error) {
	t.Helper()
	var list []Program
	for _, p := range packages {
		list = append(list, Program{Package: p, Dir: dir, Where: "config.json:3:9"})
	}
	return Build(t.Context(), Config{Arch: "amd64", Cache: t.TempDir()}, list)
}

func TestSameSourceElsewhereSameBytes(t *testing.T) {
	a, err := build(t, module(t), "example.com/m/hello")
	if err != nil {
		t.Fatal(err)
	}
	b, err := build(t, module(t), "example.com/m/hello")
	if err != nil {
		t.Fatal(err)
	}
	if len(a[0].Data) == 0 || !bytes.Equal(a[0].Data, b[0].Data) {
		t.Errorf("two folders, two binaries (%d and %d bytes)", len(a[0].Data), len(b[0].Data))
	}
	if filepath.Base(a[0].Source) != "hello" {
		t.Errorf("source folder: %s", a[0].Source)
	}
}

func TestErrorsNameCauseAndNextStep(t *testing.T) {
	dir := module(t)
	for pkg, want := range map[string]string{
		"example.com/other/x":  "config.json:3:9: unknown program example.com/other/x: run `go get example.com/other/x` in " + dir,
		"example.com/m/nosuch": "config.json:3:9: unknown program example.com/m/nosuch",
		"example.com/m/lib":    "is a library (package lib)",
		"example.com/m/broken": "undefined: nonsense",
	} {
		_, err := build(t, dir, pkg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v\nwant %s", pkg, err, want)
		}
		if unknown := errors.Is(err, ErrUnknown); unknown != (pkg != "example.com/m/broken") {
			t.Errorf("%s: ErrUnknown is %v", pkg, unknown)
		}
	}
}

func TestModuleDirFollowsGokrazy(t *testing.T) {
	dir := module(t)
	nested := filepath.Join(dir, "instances", "pi")
	own := filepath.Join(nested, "builddir", "example.com", "x")
	for _, d := range []string{own, filepath.Join(nested, "builddir", "y")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(own, "go.mod"), []byte("module x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for pkg, want := range map[string]string{"example.com/x/cmd/a": own, "y": dir, "../../../etc": dir} {
		got, err := ModuleDir(nested, pkg)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", pkg, got, err, want)
		}
	}
	if _, err := ModuleDir("/", "x"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "go mod init") {
		t.Errorf("no module: got %v", err)
	}
}
