package main

import (
	"os"
	"testing"

	"slashdev/drivers/hwdb"
)

func TestHwdbVerb(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(root+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"etc/udev/hwdb.d", "usr/lib/udev"} {
		if err := os.MkdirAll(root+"/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, code int, want string, args ...string) {
		t.Helper()
		got, out, tells := call(append([]string{"dev", "hwdb", "--root=" + root}, args...)...)
		if got != code || out != want {
			t.Errorf("%s: %d, %q, %q", when, got, out, tells)
		}
	}
	expect("without a database", 3, "", "a")
	put("etc/udev/hwdb.d/a.hwdb", "a*\n K=\x1b[2J\n L=2\n")
	expect("text", 0, "K=\\x1b[2J\nL=2\n", "a1")
	expect("JSON", 0, "{\"K\": \"\\u001b[2J\", \"L\": \"2\"}\n", "a1", "--json")
	expect("unknown", 0, "", "b")
	index, _, err := hwdb.Compile(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	put("etc/udev/hwdb.d/a.hwdb", "")
	put(hwdb.File, string(index))
	expect("index", 0, "K=\\x1b[2J\nL=2\n", "a1")
	put(hwdb.File, "damaged")
	expect("damaged", 1, "", "a1")
}
