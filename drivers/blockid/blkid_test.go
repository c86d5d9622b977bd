package blockid

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// left are the keys that blkid prints and udev's builtin does not export.
var left = []string{"ID_FS_SEC_TYPE", "ID_FS_LABEL_FATBOOT", "ID_FS_LABEL_FATBOOT_ENC", "ID_FS_LOGUUID", "ID_FS_AMBIVALENT", "ID_FS_SUBSYSTEM", "ID_FS_EXT_JOURNAL"}

// TestImages wants of what the real tools make the properties that blkid finds, and no
// harm when it is damaged in 300 ways.
func TestImages(t *testing.T) {
	for _, i := range images {
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			file := i.create(t)
			equal(t, file)
			corrupt(t, file)
		})
	}
}

func TestSamplesEqualBlkid(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			file := s.write(t)
			if len(probed(t, file)) == 0 {
				t.Error("no prober knows it")
			}
			equal(t, file)
		})
	}
}

// TestSeveralSuperblocks lays samples over each other. Some combinations are one thing (a
// bridge disc, an array's member whatever is inside), others nothing.
func TestSeveralSuperblocks(t *testing.T) {
	for _, names := range []string{
		"ext btrfs", "ext vfat", "ext swap-0", "ext dos", "zfs gpt", "zfs ext", "bcache gpt", "bcache dos",
		"lvm2 ext", "lvm2 bcache", "lvm2 dos", "lvm2 exfat", "lvm2 ntfs", "lvm2 vfat dos", "lvm2 ext dos", "lvm2 luks1",
		"luks2 ext", "luks2 dos", "luks2 vfat dos", "luks1 gpt", "md-1.0 gpt", "md-1.0 dos", "md-0.90 md-1.2", "md-0.90 dos", "md-0.90 dos-whole", "dos-whole md-0.90-big-endian", "md-1.0 dos-whole", "ubi gpt", "md-1.2 ext", "md-1.1 lvm2",
		"isw dos", "isw gpt", "isw md-1.2", "ddf-early lvm2", "ddf-early dos", "verity dos", "verity swap-0", "snapshot swap-0", "ubi swap-0", "cramfs swap-0",
		"udf iso9660", "udf iso9660 ext", "iso9660 ext", "iso9660 dos", "iso9660 gpt",
		"ext btrfs dos", "ext btrfs gpt", "vfat dos", "vfat gpt", "ntfs dos", "ntfs gpt", "exfat dos", "exfat gpt",
		"gpt ext", "gpt vfat-32", "gpt lvm2", "vfat ntfs", "vfat iso9660 dos", "swap-suspended ext",
	} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			equal(t, overlay(strings.Fields(names)).write(t))
		})
	}
}

func overlay(names []string) (all sample) {
	for _, name := range names {
		for _, s := range samples() {
			if s.name == name {
				all.size, all.patches = s.size, append(all.patches, s.patches...)
			}
		}
	}
	return all
}

// TestSession wants what the last session of a disc says, in addresses of the whole disc.
func TestSession(t *testing.T) {
	const session = 1000 * 2048
	for _, name := range []string{"iso9660-joliet", "udf"} {
		s := overlay([]string{name})
		for i, p := range s.patches {
			s.patches[i].offset += session
			if b := sketch(p.bytes); name == "udf" && p.offset >= 256*2048 {
				b.le(12, 4, uint64(s.patches[i].offset/2048)) // where a descriptor says it is
			}
		}
		if name == "udf" {
			sketch(s.patches[3].bytes).le(20, 4, 1257) // from the anchor to the descriptors
			sketch(s.patches[5].bytes).le(436, 4, 1300)
		}
		file := s.write(t)
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := ProbeDisc(f, s.size, session)
		if err != nil {
			t.Fatal(err)
		}
		got := lines(info.Properties())
		slices.Sort(got)
		want := slices.DeleteFunc(blkid(t, file, "-H", fmt.Sprint("session_offset=", session)), func(s string) bool {
			return strings.HasPrefix(s, "ID_FS_BLOCK_SIZE=")
		})
		if !slices.Equal(got, want) || len(got) < 4 {
			t.Errorf("%s: %q\nblkid prints %q", name, got, want)
		}
	}
}

// TestD03_HostileLabels writes labels that a bad disk may have. The plain value is what blkid
// has, except for control characters.
func TestD03_HostileLabels(t *testing.T) {
	for _, c := range []struct{ label, plain, encoded string }{
		{"../../etc/passwd", "../../etc/passwd", `..\x2f..\x2fetc\x2fpasswd`},
		{"a\nE:b\x00", "a_E:b", `a\x0aE:b`},
		{" a  b\t ", "a_b", `\x20a\x20\x20b`},
		{"%n$env{x}`id`", "%n$env{x}`id`", `\x25n\x24env\x7bx\x7d\x60id\x60`},
		{"\"'\\x2f", "\"'\\x2f", `\x22\x27\x5cx2f`},
		{"\xff\xc3\xa9\xc3", "_é_", `\xffé\xc3`},
		{"\xed\xa0\x80\xef\xbf\xbf\xef\xb7\x90", "_________", `\xed\xa0\x80\xef\xbf\xbf\xef\xb7\x90`},
		{"\ufffd\U0001f600", "\ufffd\U0001f600", "\ufffd\U0001f600"},
		{"   ", "", ""},
	} {
		s := sample{size: 1 << 20, patches: []patch{{1024, draw(512).le(0x38, 2, 0xef53).str(0x78, c.label)}}}
		file := s.write(t)
		equal(t, file)
		wantLabel(t, probed(t, file), c.plain, c.encoded)
	}
	info := Info{Label: "a\x1b[31m\x7f"}
	wantLabel(t, lines(info.Properties()), "a_[31m_", `a\x1b\x5b31m\x7f`)
	info = Info{Version: "1\nE:A=b\x1b"} // firmware's is text, too
	if got := lines(info.Properties())[0]; got != "ID_FS_VERSION=1_E:A=b_" {
		t.Errorf("a hostile version gives %q", got)
	}
}

func wantLabel(t *testing.T, got []string, plain, encoded string) {
	t.Helper()
	var want []string
	if plain != "" {
		want = []string{"ID_FS_LABEL=" + plain, "ID_FS_LABEL_ENC=" + encoded}
	}
	got = slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.HasPrefix(s, "ID_FS_LABEL") })
	if !slices.Equal(got, want) {
		t.Errorf("labels %q, want %q", got, want)
	}
}

// TestLongValue cuts where udev does, but never inside of a character.
func TestLongValue(t *testing.T) {
	if got, want := Encode(strings.Repeat("/", 100)), strings.Repeat(`\x2f`, 63); got != want {
		t.Errorf("100 slashes are %q", got)
	}
	if got, want := Encode(strings.Repeat("é", 200)), strings.Repeat("é", 127); got != want {
		t.Errorf("200 wide characters are %q", got)
	}
}

// equal wants of an image what blkid prints.
func equal(t *testing.T, file string) {
	t.Helper()
	if got, want := probed(t, file), blkid(t, file); !slices.Equal(got, want) {
		t.Errorf("properties:\n  %s\nblkid prints:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// probed lists what Probe finds, sorted, with the block size as blkid spells it.
func probed(t *testing.T, file string) []string {
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
	device := &counter{device: f, size: st.Size()}
	info, err := Probe(device, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	device.check(t)
	all := lines(info.Properties())
	if info.BlockSize != 0 {
		all = append(all, fmt.Sprint("ID_FS_BLOCK_SIZE=", info.BlockSize))
	}
	slices.Sort(all)
	return all
}

func lines(properties []Property) (all []string) {
	for _, p := range properties {
		all = append(all, p.Key+"="+p.Value)
	}
	return all
}

// blkid lists what util-linux's blkid prints, sorted.
func blkid(t *testing.T, file string, options ...string) []string {
	t.Helper()
	out, _ := exec.Command("/usr/sbin/blkid", append([]string{"-o", "udev", "-p", file}, options...)...).Output()  // it exits with 2 where nothing is
	text := strings.NewReplacer(`=LVM2\x20001`, "=LVM2 001", `=Joliet\x20Ext`, "=Joliet Ext").Replace(string(out)) // as the builtin has it
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(s string) bool {
		key, _, _ := strings.Cut(s, "=")
		return s == "" || slices.Contains(left, key)
	})
	slices.Sort(lines)
	return lines
}
