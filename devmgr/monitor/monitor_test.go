package monitor

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/uevent"
)

// The values that libudev's receivers compute.
func TestHash(t *testing.T) {
	for s, want := range map[string]uint32{"": 0, "block": 0xf0031db7, "disk": 0x7bcbc5ee, "partition": 0xcb234489, "net": 0xa74d3cc8,
		"input": 0xc1a28470, "usb": 0x0577c5e5, "usb_device": 0x27f8f50c, "tty": 0x8afa90c8, "drm": 0x16664179} {
		if got := hash(s); got != want {
			t.Errorf("%s: %08x, want %08x", s, got, want)
		}
	}
	for s, want := range map[string]uint64{"systemd": 0x0200040010800000, "uaccess": 0x0000200800001008, "seat": 0x0208000000400001} {
		if got := bloom([]string{s}); got != want {
			t.Errorf("%s: %016x, want %016x", s, got, want)
		}
	}
	if got := bloom([]string{"systemd", "seat"}); got != 0x0200040010800000|0x0208000000400001 {
		t.Errorf("two tags: %016x", got)
	}
}

var event = uevent.Event{Action: "add", DevPath: "/devices/x/block/sda", Subsystem: "block", SeqNum: 7,
	Env: "SYNTH_UUID=0\x00DEVNAME=sda\x00DEVTYPE=disk\x00MAJOR=8\x00MINOR=0\x00"}

func TestAnnounce(t *testing.T) {
	env := Announce(event, Found{Initialized: 5, Properties: "ID_X=1\x00.P=1\x00", Links: []string{"disk/a", "b"},
		Tags: []string{"systemd", "seat"}, CurrentTags: []string{"seat"}})
	want := "UDEV_DATABASE_VERSION=1 ACTION=add DEVPATH=/devices/x/block/sda SUBSYSTEM=block SYNTH_UUID=0 DEVNAME=/dev/sda DEVTYPE=disk " +
		"MAJOR=8 MINOR=0 SEQNUM=7 USEC_INITIALIZED=5 ID_X=1 DEVLINKS=/dev/disk/a|/dev/b TAGS=:systemd:seat: CURRENT_TAGS=:seat: "
	if got := strings.NewReplacer(" ", "|", "\x00", " ").Replace(string(env)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	b := Append(nil, env, []string{"seat"})
	if len(b) != 40+len(env) || binary.BigEndian.Uint32(b[8:]) != magic || binary.BigEndian.Uint32(b[24:]) != 0xf0031db7 ||
		binary.BigEndian.Uint32(b[28:]) != 0x7bcbc5ee || binary.BigEndian.Uint64(b[32:]) != 0x0208000000400001 {
		t.Errorf("header %x", b[:40])
	}
	if got, err := Parse(b); err != nil || got != env {
		t.Errorf("Parse: %q, %v", got, err)
	}
	bare := Announce(uevent.Event{Action: "add", DevPath: "/module/x", Subsystem: "module"}, Found{})
	if bare != "UDEV_DATABASE_VERSION=1\x00ACTION=add\x00DEVPATH=/module/x\x00SUBSYSTEM=module\x00SEQNUM=1\x00" {
		t.Errorf("got %q", bare)
	}
}

func TestMalformed(t *testing.T) {
	good := Append(nil, "A=1\x00", nil)
	change := func(at int, b byte) []byte {
		c := append([]byte{}, good...)
		c[at] = b
		return c
	}
	for i, b := range [][]byte{nil, good[:39], good[:40], good[:43], change(0, 'x'), change(8, 0), change(16, 39), change(16, 41),
		change(20, 0), change(20, 5), change(23, 0xff), change(len(good)-1, 'x')} {
		if env, err := Parse(b); err == nil {
			t.Errorf("%d: got %q", i, env)
		}
	}
}

// FuzzParse: no message makes it panic, and what was read can be sent again.
func FuzzParse(f *testing.F) {
	f.Add(Append(nil, Announce(event, Found{Tags: []string{"a"}}), []string{"a"}))
	f.Add(Append(nil, "A=1\x00", nil))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe"))
	f.Fuzz(func(t *testing.T, b []byte) {
		env, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(Append(nil, env, nil))
		if err != nil || again != env {
			t.Fatalf("%q is read again as %q, %v", env, again, err)
		}
	})
}

// What a receiver of libudev gets over the kernel's socket.
func TestSendAndHear(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root is heard")
	}
	s, err := NewSender()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := Listen(Kernel | Udev)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := unix.Sendto(s.fd, []byte("libudev\x00junk"), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: Udev}); err != nil {
		t.Fatal(err)
	}
	// A kernel's event that the kernel did not send.
	if err := unix.Sendto(s.fd, event.Append(nil), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: Kernel}); err != nil {
		t.Fatal(err)
	}
	env := Announce(event, Found{}).With("TEST_PID", t.Name())
	if err := s.Send(env, nil); err != nil {
		t.Fatal(err)
	}
	for { // the machine may have events of its own
		got, group, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got.Get("DEVPATH") == event.DevPath && group == Kernel {
			t.Fatal("a forged event was taken")
		}
		if group == Udev && got.Get("TEST_PID") == t.Name() {
			if got != env {
				t.Errorf("got %q", got)
			}
			return
		}
	}
}

// Credentials and groups decide who is heard.
func TestU01_ForgedMessagesAreNotHeard(t *testing.T) {
	message := Append(nil, "A=1\x00", nil)
	cred := func(uid uint32) []byte { return unix.UnixCredentials(&unix.Ucred{Pid: 1, Uid: uid}) }
	kernel := event.Append(nil)
	tests := []struct {
		message []byte
		from    unix.Sockaddr
		oob     []byte
		want    bool
	}{
		{message, &unix.SockaddrNetlink{Groups: Udev, Pid: 9}, cred(0), true},
		{message, &unix.SockaddrNetlink{Groups: Udev, Pid: 9}, cred(1000), false},
		{message, &unix.SockaddrNetlink{Groups: Udev, Pid: 9}, nil, false},
		{message, &unix.SockaddrNetlink{Groups: 0, Pid: 9}, cred(0), false},
		{message, &unix.SockaddrNetlink{Groups: Kernel, Pid: 0}, cred(0), false}, // no event of the kernel
		{message, &unix.SockaddrUnix{}, cred(0), false},
		{kernel, &unix.SockaddrNetlink{Groups: Kernel}, unix.UnixCredentials(&unix.Ucred{}), true},
		{kernel, &unix.SockaddrNetlink{Groups: Kernel}, cred(0), false}, // root sent it to the kernel, which sent it on
		{kernel, &unix.SockaddrNetlink{Groups: Kernel, Pid: 9}, unix.UnixCredentials(&unix.Ucred{}), false},
	}
	for i, tt := range tests {
		if _, _, ok := accept(tt.message, tt.from, tt.oob); ok != tt.want {
			t.Errorf("%d: %v", i, ok)
		}
	}
}
