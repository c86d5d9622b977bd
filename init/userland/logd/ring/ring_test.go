package ring

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, name string, size int64) *Ring {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, err := Open(f, size, func() time.Duration { return 1500 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// add adds records named p with numbered texts, and marks as long.
func add(t *testing.T, r *Ring, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := r.Add(Record{Level: 6, Name: "p", Mark: int64(i), Text: fmt.Sprintf("line %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
}

func texts(r *Ring) (all []string) {
	for rec := range r.Now {
		all = append(all, rec.Text)
	}
	return all
}

func TestRecordsAreLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ring")
	r := open(t, name, 1<<20)
	if err := r.Add(Record{Level: 3, Name: "hello", Mark: 7, Text: "a b"}, Record{When: time.Minute + 20*time.Microsecond, Name: "x"}); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(name)
	if want := "1 1.500000 3 hello 7 a b\n2 60.000020 0 x 0 \n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The oldest go, in good time, and their memory with them.
func TestRingKeepsTheNewest(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ring")
	r := open(t, name, 64<<10)
	if err := r.Add(Record{Name: "quiet", Mark: 42, Text: "once"}); err != nil {
		t.Fatal(err)
	}
	add(t, r, 1, 20000)
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil || st.Size < 400_000 || st.Blocks*512 > 100<<10 {
		t.Errorf("%d bytes hold %d on the disk: %v", st.Size, st.Blocks*512, err)
	}
	all := texts(r)
	if n := len(all); n < 1000 || all[n-1] != "line 20000" {
		t.Errorf("%d lines kept", n)
	}
	again := open(t, name, 64<<10)
	if got := texts(again); strings.Join(got, "") != strings.Join(all, "") {
		t.Errorf("opened again it has %d lines, not %d", len(got), len(all))
	}
	if again.Mark("quiet") != 42 || again.Mark("p") != 20000 || again.seq != r.seq {
		t.Errorf("forgot how far the sources were: %v, %d", again.marks, again.seq)
	}
	add(t, again, 20001, 20001)
	if got := texts(again); got[len(got)-1] != "line 20001" || got[len(got)-2] != "line 20000" {
		t.Errorf("goes on with %q", got[len(got)-2:])
	}
}

// Whatever a killed logger left of its last write, the whole records count, and
// the sources' places with them.
func TestS05_TornEndIsCutOff(t *testing.T) {
	dir := t.TempDir()
	add(t, open(t, dir+"/ring", 1<<20), 1, 12)
	whole, err := os.ReadFile(dir + "/ring")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) + 1 {
		name := fmt.Sprintf("%s/torn%d", dir, n)
		if err := os.WriteFile(name, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(whole[:n]), "\n")
		r := open(t, name, 1<<20)
		if r.Mark("p") != int64(lines) || len(texts(r)) != lines {
			t.Fatalf("of %d bytes: %d lines, mark %d, want %d", n, len(texts(r)), r.Mark("p"), lines)
		}
		add(t, r, lines+1, 12)
		if got, _ := os.ReadFile(name); string(got) != string(whole) {
			t.Fatalf("of %d bytes: went on to %q", n, got)
		}
	}
}

func TestSlowReaderIsToldWhatItLost(t *testing.T) {
	for name, early := range map[string]int{"read before": 10, "never read": 0} {
		t.Run(name, func(t *testing.T) { slowReader(t, early) })
	}
}

// slowReader looks when there are this many records, and then not until most
// of the rest is gone.
func slowReader(t *testing.T, early int) {
	r := open(t, filepath.Join(t.TempDir(), "ring"), 64<<10)
	add(t, r, 1, early)
	rd := r.Reader(Cursor{})
	seen := 0
	read := func() {
		list, lost, err := rd.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		seen += len(list) + lost
	}
	if early > 0 {
		read()
	}
	add(t, r, early+1, 20000)
	for last := uint64(0); last < 20000; last = rd.Cursor().Seq {
		read()
	}
	if seen != 20000 {
		t.Errorf("%d lines seen or told of, not 20000", seen)
	}
	kept := r.Reader(rd.Cursor())
	add(t, r, 20001, 20001)
	if list, lost, err := kept.Next(context.Background()); err != nil || lost != 0 || len(list) != 1 || list[0].Text != "line 20001" {
		t.Errorf("from the cursor: %v, %d lost, %v", list, lost, err)
	}
}

func TestReaderWaitsForMoreAndForTheEnd(t *testing.T) {
	r := open(t, filepath.Join(t.TempDir(), "ring"), 1<<20)
	rd := r.Reader(Cursor{})
	got := make(chan string)
	go func() {
		defer close(got)
		for {
			list, _, err := rd.Next(context.Background())
			if err != nil {
				got <- err.Error()
				return
			}
			for _, rec := range list {
				got <- rec.Text
			}
		}
	}()
	for i := range 5 {
		add(t, r, i, i)
		if text := <-got; text != fmt.Sprintf("line %d", i) {
			t.Errorf("got %q", text)
		}
	}
	r.Close()
	if text := <-got; text != io.EOF.Error() {
		t.Errorf("got %q", text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := open(t, filepath.Join(t.TempDir(), "ring"), 1<<20).Reader(Cursor{9, 9}).Next(ctx); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

// A full /run costs the oldest lines first.
func TestE04_FullRun(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a tmpfs")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("needs root to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	r := open(t, dir+"/ring", 1<<20)
	add(t, r, 1, 4000)
	fill(t, dir)
	add(t, r, 4001, 8000)
	if all := texts(r); len(all) < 2000 || all[len(all)-1] != "line 8000" {
		t.Errorf("%d lines kept", len(all))
	}
	again := open(t, dir+"/ring", 1<<20)
	if again.Mark("p") != 8000 {
		t.Errorf("marks %v", again.marks)
	}
}

// fill writes to a file system until nothing goes in any more.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(dir + "/hog")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1 1.500000 3 hello 7 a b", "2 60.000020 0 x 0 ", "3 0.0 0 x 0 y", "1 1.500000 3 - 7 hello=3 x=9 ", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rec, err := Parse(s)
		if err != nil {
			return
		}
		line := string(rec.Append(nil))
		if again, err := Parse(strings.TrimSuffix(line, "\n")); err != nil || again != rec {
			t.Fatalf("%q became %q: %v", s, line, err)
		}
	})
}
