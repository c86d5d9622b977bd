package hwdb

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stock compiles the database of Debian's udev.
func stock(t testing.TB) (db *DB, modules string) {
	t.Helper()
	modules, err := filepath.Abs("../../bin/parts/modules")
	if err != nil {
		t.Fatal(err)
	}
	index, problems, err := Compile(os.DirFS(modules + "/root"))
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v, %v", err, problems)
	}
	if index == nil {
		t.Skip("needs bin/parts: run make setup")
	}
	if db, err = Open(index); err != nil {
		t.Fatal(err)
	}
	return db, modules
}

// TestAnswersAreSystemds asks systemd-hwdb and us for strings that patterns of
// udev's own database match, half of them from what matches more than one.
func TestAnswersAreSystemds(t *testing.T) {
	db, modules := stock(t)
	r := rand.New(rand.NewPCG(4, 5))
	several := 0
	for asked := 0; asked < 300; {
		pattern := db.patterns.At(r.IntN(db.patterns.Len()))
		if strings.HasPrefix(pattern, "OUI:") && r.IntN(50) > 0 { // a third of all
			continue
		}
		star := []string{"", "x", "00001", "Trackball", "input:b0003v046DpC52B"}[r.IntN(5)]
		asked++
		modalias := strings.NewReplacer("*", star, "?", "7", "[", "", "]", "", `\\`, `\`).Replace(pattern)
		got := strings.Fields(strings.ReplaceAll(show(db, modalias), "\n", " "))
		want := strings.Fields(query(t, modules, modalias))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", modalias, got, want)
		}
		if len(db.Lookup(modalias)) > 1 {
			several++
		}
	}
	if several < 100 {
		t.Errorf("only %d answers have more than one property", several)
	}
}

func query(t *testing.T, modules, modalias string) string {
	cmd := exec.CommandContext(t.Context(), modules+"/systemd-hwdb", "-r", modules+"/root", "query", modalias)
	cmd.Env = []string{"LD_LIBRARY_PATH=" + modules + "/lib"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func BenchmarkCompile(b *testing.B) {
	_, modules := stock(b)
	for b.Loop() {
		if _, _, err := Compile(os.DirFS(modules + "/root")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	db, _ := stock(b)
	for _, modalias := range []string{
		"usb:v0BDAp5401d0000dc00", "pci:v00008086d00001234sv00001af4sd00001100bc02sc00i00",
		"evdev:atkbd:dmi:bvnAcer:bvr1:bd08/05/2010:svnAcer:pnX123:", "mouse:usb:v046dp4041:name:Logitech MX Master:",
	} {
		b.Run(strings.Split(modalias, ":")[0], func(b *testing.B) {
			for b.Loop() {
				db.Lookup(modalias)
			}
		})
	}
}
