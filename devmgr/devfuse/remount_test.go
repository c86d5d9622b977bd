package devfuse

import (
	"strings"
	"testing"
)

func TestReadOnlyInTheTableOfMounts(t *testing.T) {
	table := `22 1 0:20 / /proc ro - proc proc rw
30 1 0:50 / /a\040b rw,nosuid shared:1 - fuse.slashdev slashdev rw,user_id=0
31 1 0:51 / /b ro,nosuid - fuse.slashdev slashdev rw
32 1 0:52 / /c rw,nosuid - fuse.slashdev slashdev ro,user_id=0
33 1 0:53 / /errors=ro rw - ext4 /dev/sda ro

- fuse.slashdev x
34 - fuse.slashdev
` + strings.Repeat("x", 1<<17) + "\n"
	got := readOnly(strings.NewReader(table))
	if len(got) != 3 || got["0:50"] || !got["0:51"] || !got["0:52"] {
		t.Errorf("got %v", got)
	}
}

func FuzzTableOfMounts(f *testing.F) {
	f.Add("30 1 0:50 / /a rw - fuse.slashdev slashdev ro\n")
	f.Add(" - fuse.slashdev  - fuse.slashdev ")
	f.Fuzz(func(t *testing.T, table string) {
		for number := range readOnly(strings.NewReader(table)) {
			if !strings.Contains(table, number) {
				t.Errorf("%q is not in %q", number, table)
			}
		}
	})
}
