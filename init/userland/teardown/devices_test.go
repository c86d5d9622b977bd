package teardown

import (
	"encoding/binary"
	"strings"
	"testing"
)

// The layout is that of struct dm_ioctl in <linux/dm-ioctl.h>.
func TestRequestNamesTheDevice(t *testing.T) {
	b := request("secret")
	if len(b) != 312 || binary.NativeEndian.Uint32(b) != 4 || binary.NativeEndian.Uint32(b[12:]) != 312 || !strings.HasPrefix(string(b[48:]), "secret\x00") {
		t.Errorf("% x", b[:64])
	}
	if b := request(strings.Repeat("x", 500)); b[175] != 0 || len(b) != 312 {
		t.Error("a name without an end")
	}
}

func TestErrorsNameWhatAndWhich(t *testing.T) {
	var d System
	for want, err := range map[string]error{
		"losetup -d nosuch: no such file or directory":   d.Detach(Loop, "nosuch"),
		"mdadm --stop nosuch: no such file or directory": d.Detach(Array, "nosuch"),
		"explode nosuch: invalid argument":               d.Detach("explode", "nosuch"),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if d.Swapoff("/nosuch") == nil {
		t.Error("swapoff of a file that is not there")
	}
}
