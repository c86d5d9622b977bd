package blockid

import (
	"os"
	"strings"
	"testing"
)

// entries are what udev's builtin blkid printed for these partitions.
var entries = []struct {
	image string
	place Place
	want  string
}{
	{"dos", Place{1, 2048, 2048, "7:0"}, "SCHEME=dos UUID=12345678-01 TYPE=0xc FLAGS=0x80 NUMBER=1 OFFSET=2048 SIZE=2048 DISK=7:0"},
	{"dos", Place{3, 6144, 2, "7:0"}, "SCHEME=dos UUID=12345678-03 TYPE=0x5 NUMBER=3 OFFSET=6144 SIZE=40960 DISK=7:0"},
	{"dos", Place{4, 47104, 2048, "7:0"}, "SCHEME=dos UUID=12345678-04 TYPE=0x7 NUMBER=4 OFFSET=47104 SIZE=2048 DISK=7:0"},
	{"dos", Place{5, 8192, 4096, "7:0"}, "SCHEME=dos UUID=12345678-05 TYPE=0x82 NUMBER=5 OFFSET=8192 SIZE=4096 DISK=7:0"},
	{"dos", Place{7, 18432, 6144, "7:0"}, "SCHEME=dos UUID=12345678-07 TYPE=0xfd NUMBER=7 OFFSET=18432 SIZE=6144 DISK=7:0"},
	{"dos", Place{7, 18432, 6145, "7:0"}, ""},
	{"dos", Place{2, 4095, 2048, "7:0"}, ""},
	{"gpt", Place{1, 2048, 2048, "7:0"}, `SCHEME=gpt NAME=boot\x20part UUID=22222222-2222-3333-4444-555555555555 TYPE=c12a7328-f81f-11d2-ba4b-00a0c93ec93b NUMBER=1 OFFSET=2048 SIZE=2048 DISK=7:0`},
	{"gpt", Place{2, 4096, 2048, "7:0"}, `SCHEME=gpt NAME=..\x2fa\x1b\x25n\x20ö UUID=33333333-2222-3333-4444-555555555555 TYPE=0fc63daf-8483-4772-8e79-3d69d8477de4 FLAGS=0x4 NUMBER=2 OFFSET=4096 SIZE=2048 DISK=7:0`},
	{"ext2", Place{1, 2048, 2048, "7:0"}, ""},
}

func TestEntry(t *testing.T) {
	files := map[string]string{}
	for _, e := range entries {
		if files[e.image] == "" {
			files[e.image] = imageNamed(e.image).create(t)
		}
		wantEntry(t, files[e.image], e.place, e.want)
	}
}

// TestBackupTable wants the partitions of a disk that lost its first table.
func TestBackupTable(t *testing.T) {
	i := imageNamed("gpt")
	i.make += "; dd if=/dev/zero of=$f bs=512 seek=1 count=10 conv=notrunc"
	file := i.create(t)
	equal(t, file)
	wantEntry(t, file, entries[7].place, entries[7].want)
}

func wantEntry(t *testing.T, file string, place Place, want string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Entry(f, st.Size(), place)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(strings.Join(lines(got), " "), "ID_PART_ENTRY_", ""); text != want {
		t.Errorf("partition %d of %s:\n  %s\nwant:\n  %s", place.Number, file, text, want)
	}
}
