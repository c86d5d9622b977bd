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
	{"dos", Place{Number: 1, Start: 2048, Size: 2048, Disk: "7:0"}, "SCHEME=dos UUID=12345678-01 TYPE=0xc FLAGS=0x80 NUMBER=1 OFFSET=2048 SIZE=2048 DISK=7:0"},
	{"dos", Place{Number: 3, Start: 6144, Size: 2, Disk: "7:0"}, "SCHEME=dos UUID=12345678-03 TYPE=0x5 NUMBER=3 OFFSET=6144 SIZE=40960 DISK=7:0"},
	{"dos", Place{Number: 4, Start: 47104, Size: 2048, Disk: "7:0"}, "SCHEME=dos UUID=12345678-04 TYPE=0x7 NUMBER=4 OFFSET=47104 SIZE=2048 DISK=7:0"},
	{"dos", Place{Number: 5, Start: 8192, Size: 4096, Disk: "7:0"}, "SCHEME=dos UUID=12345678-05 TYPE=0x82 NUMBER=5 OFFSET=8192 SIZE=4096 DISK=7:0"},
	{"dos", Place{Number: 7, Start: 18432, Size: 6144, Disk: "7:0"}, "SCHEME=dos UUID=12345678-07 TYPE=0xfd NUMBER=7 OFFSET=18432 SIZE=6144 DISK=7:0"},
	{"dos", Place{Number: 7, Start: 18432, Size: 6145, Disk: "7:0"}, ""},
	{"dos", Place{Number: 2, Start: 4095, Size: 2048, Disk: "7:0"}, ""},
	{"gpt", Place{Number: 1, Start: 2048, Size: 2048, Disk: "7:0"}, `SCHEME=gpt NAME=boot\x20part UUID=22222222-2222-3333-4444-555555555555 TYPE=c12a7328-f81f-11d2-ba4b-00a0c93ec93b NUMBER=1 OFFSET=2048 SIZE=2048 DISK=7:0`},
	{"gpt", Place{Number: 2, Start: 4096, Size: 2048, Disk: "7:0"}, `SCHEME=gpt NAME=..\x2fa\x1b\x25n\x20ö UUID=33333333-2222-3333-4444-555555555555 TYPE=0fc63daf-8483-4772-8e79-3d69d8477de4 FLAGS=0x4 NUMBER=2 OFFSET=4096 SIZE=2048 DISK=7:0`},
	{"ext2", Place{Number: 1, Start: 2048, Size: 2048, Disk: "7:0"}, ""},
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

// TestLargeSectors wants the places on a disk with sectors of 4096 bytes; the values are
// what udev's builtin printed for the same disk.
func TestLargeSectors(t *testing.T) {
	const sector = 4096
	row := func(s sketch, at int, kind, start uint64) sketch {
		return s.le(at+4, 1, kind).le(at+8, 4, start).le(at+12, 4, 64).le(510, 2, 0xaa55)
	}
	disk := sample{size: 64 << 20, patches: []patch{
		{0, row(row(draw(512).le(440, 4, 0x1234), 446, 0x83, 256), 462, 5, 512)},
		{512 * sector, row(row(draw(512), 446, 0x82, 16), 462, 5, 256)},
		{768 * sector, row(draw(512), 446, 0x83, 16)},
	}}
	file := disk.write(t)
	equal(t, file)
	for number, want := range map[int]string{
		1: "SCHEME=dos UUID=00001234-01 TYPE=0x83 NUMBER=1 OFFSET=2048 SIZE=512 DISK=7:0",
		2: "SCHEME=dos UUID=00001234-02 TYPE=0x5 NUMBER=2 OFFSET=4096 SIZE=512 DISK=7:0",
		5: "SCHEME=dos UUID=00001234-05 TYPE=0x82 NUMBER=5 OFFSET=4224 SIZE=512 DISK=7:0",
		6: "SCHEME=dos UUID=00001234-06 TYPE=0x83 NUMBER=6 OFFSET=6272 SIZE=512 DISK=7:0",
	} {
		start := map[int]uint64{1: 2048, 2: 4096, 5: 4224, 6: 6272}[number]
		wantEntry(t, file, Place{Number: number, Start: start, Size: 512, Disk: "7:0", Sector: sector}, want)
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
