package tree

import (
	"io/fs"
	"strings"
	"testing"
)

func entries(t *testing.T, list ...Entry) []Entry {
	t.Helper()
	var tr Tree
	for _, e := range list {
		if err := tr.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	all, err := tr.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEntriesAreSortedWithTheirDirectories(t *testing.T) {
	var got []string
	for _, e := range entries(t, Bytes("/a-b", 0o644, nil), Bytes("/a/c/d", 0o644, nil), Link("/a/b", "c")) {
		got = append(got, e.Path)
	}
	if s := strings.Join(got, " "); s != "/ /a /a/b /a/c /a/c/d /a-b" {
		t.Errorf("order: %s", s)
	}
}

func TestAddRefuses(t *testing.T) {
	for name, list := range map[string][]Entry{
		"twice":          {Bytes("/a", 0o644, nil), Bytes("/a", 0o644, nil)},
		"relative":       {Bytes("a", 0o644, nil)},
		"leads out":      {Bytes("/../a", 0o644, nil)},
		"below a file":   {Bytes("/a", 0o644, nil), Bytes("/a/b", 0o644, nil)},
		"file on folder": {Dir("/a", 0o755), Bytes("/a", 0o644, nil)},
	} {
		var tr Tree
		var err error
		for _, e := range list {
			if err == nil {
				err = tr.Add(e)
			}
		}
		if err == nil {
			_, err = tr.Entries()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func root() []Entry {
	list := []Entry{Bytes("/sbin/init", 0o755, []byte("x")), Link("/init", "sbin/init"), Char("/dev/console", 0o600, 5, 1), Char("/dev/null", 0o666, 1, 3)}
	for _, dir := range MountPoints() {
		list = append(list, Dir(dir, 0o755))
	}
	return list
}

// Faults G1 and P-01: an image that would die without a word is refused.
func TestG1_LintWantsNodesAndMountPoints(t *testing.T) {
	if err := Lint(entries(t, root()...), true); err != nil {
		t.Errorf("a whole root: %v", err)
	}
	for i, missing := range root() {
		list := root()
		list = append(list[:i:i], list[i+1:]...)
		err := Lint(entries(t, list...), true)
		if missing.Path == "/dev" { // its nodes imply it
			continue
		}
		if err == nil || !strings.Contains(err.Error(), missing.Path) {
			t.Errorf("without %s: got %v", missing.Path, err)
		}
	}
}

func TestP01_LintWantsRealNodes(t *testing.T) {
	list := root()
	list[3] = Bytes("/dev/null", 0o666, nil)
	if Lint(entries(t, list...), true) == nil {
		t.Error("a plain file /dev/null: no error")
	}
	list[3] = Char("/dev/null", 0o666, 1, 5)
	if Lint(entries(t, list...), true) == nil {
		t.Error("/dev/null is /dev/zero: no error")
	}
	var squash []Entry
	for _, e := range root() {
		if e.Mode&fs.ModeDevice == 0 && e.Path != "/dev" {
			squash = append(squash, e)
		}
	}
	if err := Lint(entries(t, squash...), false); err == nil || !strings.Contains(err.Error(), "/dev") {
		t.Errorf("squashfs without /dev: got %v", err)
	}
}
