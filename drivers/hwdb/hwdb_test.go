package hwdb

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// compile makes a database of files: pairs of name and text.
func compile(t testing.TB, files ...string) (*DB, []Problem) {
	t.Helper()
	root := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		root[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	index, problems, err := Compile(root)
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(index)
	if err != nil {
		t.Fatal(err)
	}
	return db, problems
}

func show(db *DB, modalias string) string {
	var words []string
	for _, p := range db.Lookup(modalias) {
		words = append(words, p.Key+"="+p.Value)
	}
	return strings.Join(words, " ")
}

// What these texts mean was seen with systemd-hwdb 252.
const sample = `# a comment
a:b*
 K1=v1
 K2 = v 2
 K3=
 =novalue
 noequals
# a comment inside
 K4=v4 # trailing
a:bc
 LOST=1

x:1
x:2
# between patterns
x:3
 P=1

 LATE=1

c:[^a]*
 P=caret

e:\*
 P=backslash

v:[a
 P=open

cr:1` + "\r\n P=1\r\n\r\n" + `cr:2
 P=2

lonely:1

m:a#b
 #M=1
 N=1

d:1
 P=first
 P=second

t:*
 A=1

t:*b*
 A=2

t:ab
 A=3`

func TestLookup(t *testing.T) {
	db, problems := compile(t, "lib/udev/hwdb.d/50-a.hwdb", sample)
	for modalias, want := range map[string]string{
		"a:b": "K1=v1 K2 = v 2 K3= K4=v4", "a:bc": "K1=v1 K2 = v 2 K3= K4=v4",
		"x:1": "P=1", "x:3": "P=1", "c:b": "P=caret", "c:a": "", `e:\x`: "P=backslash", "e:*": "",
		"v:[a": "P=open", "v:a": "", "cr:1": "P=1", "cr:2": "P=2", "m:a": "", "d:1": "P=second",
		"t:ab": "A=3", "t:b": "A=2", "t:c": "A=1", "*": "", "": "", "lonely:1": "", strings.Repeat("a:b", 5000): "",
	} {
		if got := show(db, modalias); got != want {
			t.Errorf("%.20q: %q, want %q", modalias, got, want)
		}
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprint(p.Line))
	}
	if text := strings.Join(got, " "); text != "6 7 10 19 37 39 40" || problems[0].String() != "/lib/udev/hwdb.d/50-a.hwdb:6: not KEY=VALUE: the line is ignored" {
		t.Errorf("problems in lines %s: %v", text, problems)
	}
}

func TestFiles(t *testing.T) {
	db, _ := compile(t,
		"usr/lib/udev/hwdb.d/60-keyboard.hwdb", "k:*\n A=1\n B=1\n C=1\n",
		"etc/udev/hwdb.d/70-local.hwdb", "k:a\n B=2\n",
		"usr/lib/udev/hwdb.d/80-off.hwdb", "k:a\n C=8\n",
		"etc/udev/hwdb.d/80-off.hwdb", "", // stands for a link to /dev/null
		"usr/lib/udev/hwdb.d/90-other.txt", "k:a\n A=9\n")
	if got := show(db, "k:a"); got != "A=1 B=2 C=1" {
		t.Errorf("%q", got)
	}
	if index, _, err := Compile(fstest.MapFS{}); index != nil || err != nil {
		t.Errorf("without files: %d bytes, %v", len(index), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	index, _, err := Compile(fstest.MapFS{"etc/udev/hwdb.d/a.hwdb": {Data: []byte(sample)}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(index) {
		if _, err := Open(index[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken", n, len(index))
		}
	}
	if _, err := Open(append(index, 0)); err == nil {
		t.Error("one byte too many is taken")
	}
}

func TestMap(t *testing.T) {
	index, _, err := Compile(fstest.MapFS{"etc/udev/hwdb.d/a.hwdb": {Data: []byte(sample)}})
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/index"
	if err := os.WriteFile(file, index, 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := Map(file)
	if err != nil || show(db, "x:2") != "P=1" {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "nonsense", string(index[:len(index)-1])} {
		if err := os.WriteFile(file+"2", []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Map(file + "2"); err == nil {
			t.Errorf("%d bytes of an index are taken", len(bad))
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(sample, "a:bc")
	f.Add("a\n B=1", "a")
	f.Fuzz(func(t *testing.T, text, modalias string) {
		db, problems := compile(t, "etc/udev/hwdb.d/a.hwdb", text)
		for _, p := range problems {
			if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 {
				t.Errorf("line %d of %q", p.Line, text)
			}
		}
		for _, p := range db.Lookup(modalias) {
			if !strings.Contains(text, p.Key+"="+p.Value) {
				t.Errorf("%q is not in %q", p, text)
			}
		}
	})
}

// FuzzOpen changes an index: it may be refused or say nonsense, but not panic.
func FuzzOpen(f *testing.F) {
	index, _, _ := Compile(fstest.MapFS{"etc/udev/hwdb.d/a.hwdb": {Data: []byte(sample)}})
	f.Add(uint(20), byte(1), "a:b")
	f.Add(uint(len(magic)), byte(255), "t:ab")
	f.Fuzz(func(t *testing.T, at uint, value byte, modalias string) {
		damaged := append([]byte(nil), index...)
		damaged[at%uint(len(damaged))] = value
		if at > uint(len(damaged)) {
			binary.LittleEndian.PutUint32(damaged[at%uint(len(damaged)-4):], uint32(at))
		}
		if db, err := Open(damaged); err == nil {
			db.Lookup(modalias)
		}
	})
}
