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
var left = []string{"ID_FS_SEC_TYPE", "ID_FS_LABEL_FATBOOT", "ID_FS_LABEL_FATBOOT_ENC", "ID_FS_LOGUUID", "ID_FS_SUBSYSTEM", "ID_FS_EXT_JOURNAL"}

func TestEqualsBlkid(t *testing.T) {
	for _, i := range images {
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			equal(t, i.create(t))
		})
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
	var lines []string
	for _, p := range info.Properties() {
		lines = append(lines, p.Key+"="+p.Value)
	}
	if info.BlockSize != 0 {
		lines = append(lines, fmt.Sprint("ID_FS_BLOCK_SIZE=", info.BlockSize))
	}
	slices.Sort(lines)
	return lines
}

// blkid lists what util-linux's blkid prints, sorted.
func blkid(t *testing.T, file string) []string {
	t.Helper()
	out, err := exec.Command("/usr/sbin/blkid", "-o", "udev", "-p", file).Output()
	if err != nil && len(out) > 0 {
		t.Fatalf("blkid: %v", err)
	}
	lines := slices.DeleteFunc(strings.Split(string(out), "\n"), func(s string) bool {
		key, _, _ := strings.Cut(s, "=")
		return s == "" || slices.Contains(left, key)
	})
	slices.Sort(lines)
	return lines
}
