package ask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"slashdev/drivers/ident"
)

// device answers what a test makes it answer, and notes what it is asked.
type device struct {
	asked  []string
	ioctls map[uint32]string // the answer to a request; "" leaves the buffer alone
	result int
	scsi   map[string]string // by the command's first bytes
}

var errRefused = errors.New("refused")

func (d *device) Ioctl(request uint32, buf []byte) (int, error) {
	d.asked = append(d.asked, fmt.Sprintf("%x %v", request, numbers(buf)))
	text, ok := d.ioctls[request]
	if !ok {
		return 0, errRefused
	}
	copy(buf, text)
	return d.result, nil
}

func (d *device) SCSI(command, answer []byte) (int, error) {
	for start, text := range d.scsi {
		if strings.HasPrefix(string(command), start) {
			return copy(answer, text), nil
		}
	}
	return 0, errRefused
}

func words(numbers ...uint32) string {
	var b []byte
	for _, n := range numbers {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return string(b)
}

// numbers is the start of a buffer.
func numbers(b []byte) (all []uint32) {
	for ; len(b) >= 4 && len(all) < 8; b = b[4:] {
		all = append(all, binary.NativeEndian.Uint32(b))
	}
	return all
}

func TestAxis(t *testing.T) {
	d := &device{ioctls: map[uint32]string{0x80184541: words(5, 0xfffffff6, 1000, 0, 0, 10)}}
	if a, err := Axis(d, 1); err != nil || a != (ident.Axis{Minimum: -10, Maximum: 1000, Resolution: 10}) {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := Axis(d, 0); !errors.Is(err, errRefused) || err.Error() != "ask for axis 0: refused" {
		t.Error(err)
	}
}

func TestKeyboardSetsWhatThePlanSays(t *testing.T) {
	plan, _ := ident.Keyboard([]ident.Property{{Key: "KEYBOARD_KEY_a1", Value: "help"}, {Key: "EVDEV_ABS_35", Value: "::45"}, {Key: "EVDEV_ABS_36", Value: "1:2:3:4:5"}})
	d := &device{ioctls: map[uint32]string{0x40084504: "", 0x80184575: words(1, 2, 3, 4, 5, 6), 0x401845f5: ""}}
	err := Keyboard(d, plan)
	if want := "set axis 54: refused"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	want := "40084504 [161 138]|80184575 [0 0 0 0 0 0]|401845f5 [1 2 3 4 5 45]|80184576 [0 0 0 0 0 0]"
	if got := strings.Join(d.asked, "|"); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
}

func TestBtrfsReady(t *testing.T) {
	d := &device{ioctls: map[uint32]string{0x90009427: ""}}
	if ready, err := BtrfsReady(d, "/devices/sda"); !ready || err != nil || d.asked[0] != "90009427 "+fmt.Sprint(numbers([]byte("\x00\x00\x00\x00\x00\x00\x00\x00/devices/sda"+strings.Repeat("\x00", 12)))) {
		t.Errorf("%v, %v, %s", ready, err, d.asked)
	}
	d.result = 1
	if ready, err := BtrfsReady(d, "/devices/sda"); ready || err != nil {
		t.Errorf("a disk is missing: %v, %v", ready, err)
	}
	if _, err := BtrfsReady(d, strings.Repeat("x", 5000)); err == nil {
		t.Error("a path that does not fit is taken")
	}
}

func TestVideoAndEject(t *testing.T) {
	d := &device{ioctls: map[uint32]string{0x80685600: "uvcvideo", 0x5309: ""}}
	c, err := Video(d)
	if err != nil || !strings.HasPrefix(string(c[:]), "uvcvideo") || Eject(d) != nil {
		t.Errorf("%q, %v", c, err)
	}
	d.ioctls = nil
	if _, err := Video(d); err == nil || Eject(d) == nil {
		t.Error("no error")
	}
}

func TestSmartMedia(t *testing.T) {
	const signature = "\x01\x03\xd9\x01\xff\x18\x02\xdf\x01\x20"
	chip := func(kind byte, size, erase uint32) *device {
		return &device{ioctls: map[uint32]string{0x80204d01: words(uint32(kind), 0, size, erase)}}
	}
	disk := func(at int) *strings.Reader {
		return strings.NewReader(strings.Repeat("\xff", at) + signature + strings.Repeat("\xff", 65536-at))
	}
	tests := []struct {
		d    *device
		disk *strings.Reader
		want bool
	}{
		{chip(4, 65536, 16384), disk(0), true},
		{chip(4, 65536, 16384), disk(16384 + 256), true},
		{chip(4, 65536, 16384), disk(100), false},
		{chip(4, 16384, 16384), disk(16384), false}, // it ends there
		{chip(3, 65536, 16384), disk(0), false},     // NOR
		{chip(4, 65536, 0), disk(0), false},
	}
	for i, tt := range tests {
		if got, err := SmartMedia(tt.d, tt.disk); got != tt.want || err != nil {
			t.Errorf("%d: %v, %v", i, got, err)
		}
	}
	if _, err := SmartMedia(&device{}, disk(0)); err == nil {
		t.Error("no error")
	}
}

func TestSCSIAnswers(t *testing.T) {
	identity := strings.Repeat("x", 511) + "y"
	d := &device{ioctls: map[uint32]string{0x5331: ""}, result: 0x188000, scsi: map[string]string{
		"\x12\x01\x83": "\x05\x83\x00\x02ab", "\x12\x01\x80": "\x05\x83\x00\x02ab",
		"\x46": "\x00\x00\x00\x04\x00\x00\x00\x08more", "\x51": "\x00\x03\x0e\x01\x01left over", "\x43": "\x00",
		"\x85\x08\x0e": identity,
	}}
	if got := string(Inquiry(d, 0x83)); got != "\x05\x83\x00\x02ab" {
		t.Errorf("page 83: %q", got)
	}
	if got := Inquiry(d, 0x80); got != nil {
		t.Errorf("another page was taken for page 80: %q", got)
	}
	a := Cdrom(d)
	if a.Capability != 0x188000 || string(a.Configuration) != "\x00\x00\x00\x04\x00\x00\x00\x08" || string(a.Disc) != "\x00\x03\x0e\x01\x01" || a.Contents != nil {
		t.Errorf("%+v", a)
	}
	if got, err := Identify(d, true); err != nil || string(got[:]) != identity {
		t.Errorf("%q, %v", got, err)
	}
	for name, answer := range map[string]string{"short": "x", "one byte": strings.Repeat("x", 512), "wrong sum": strings.Repeat("x", 510) + "\xa5\x01"} {
		d.scsi["\x85\x08\x0e"] = answer
		if _, err := Identify(d, false); !errors.Is(err, errNotATA) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a := Cdrom(&device{}); a.Capability != 0 || a.Configuration != nil {
		t.Errorf("a drive that refuses all: %+v", a)
	}
	if _, err := Identify(&device{}, false); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

func FuzzSCSI(f *testing.F) {
	f.Add([]byte("\x00\x20\x0e\x01\x01\x01\x01\x00\x00\x00"))
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &device{scsi: map[string]string{"": string(b)}}
		ident.Cdrom(Cdrom(d))
		if got := Inquiry(d, 0x80); len(got) > len(b) {
			t.Errorf("%q is more than %q", got, b)
		}
	})
}

// The kernel is asked for what it has: the number of a terminal, and no answer
// of SCSI from what is no disk.
func TestNode(t *testing.T) {
	if size := unsafe.Sizeof(header{}); size != 88 {
		t.Errorf("sg_io_hdr has 88 bytes, not %d", size)
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	const number = 0x80045430 // TIOCGPTN
	buf := []byte{0xff, 0xff, 0xff, 0xff}
	if _, err := (Node{tty}).Ioctl(number, buf); err != nil || binary.NativeEndian.Uint32(buf) > 1<<20 {
		t.Errorf("% x, %v", buf, err)
	}
	if _, err := (Node{tty}).Ioctl(0x5331, nil); err == nil {
		t.Error("a terminal says that it is a CD drive")
	}
	if _, err := (Node{tty}).SCSI([]byte{0x12, 0, 0, 0, 36, 0}, make([]byte, 36)); err == nil {
		t.Error("a terminal speaks SCSI")
	}
	if _, err := Driver("nosuch0"); err == nil || !strings.HasPrefix(err.Error(), "ask for the driver of nosuch0: ") {
		t.Error(err)
	}
}
