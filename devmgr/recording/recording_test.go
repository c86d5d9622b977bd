package recording_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"slashdev/devmgr/devtest"
	"slashdev/devmgr/recording"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
)

// machine has a device of each sort that Conceal knows.
func machine() *devtest.Sys {
	s := devtest.NewSys()
	s.Add("/devices/usb1/1-1", "usb", "MAJOR=189", "MINOR=1", "DEVNAME=bus/usb/001/002", "DEVTYPE=usb_device")
	s.Attr("devices/usb1/1-1/serial", "ABC-123456\n")
	s.Attr("devices/usb1/1-1/idVendor", "046d\n")
	s.Attr("devices/usb1/1-1/descriptors", "\x12\x01\x00\x02")
	s.Attr("devices/usb1/1-1/product", "two\nlines \\ and caf\xe9\n")
	s.Attr("devices/usb1/1-1/power/control", "auto\n")
	s.Attr("devices/usb1/1-1/power/wakeup", "no\n")
	s.Add("/devices/usb1/1-1/net/eth0", "net", "INTERFACE=eth0", "IFINDEX=2")
	s.Attr("devices/usb1/1-1/net/eth0/address", "52:54:00:12:34:56\n")
	s.Attr("devices/usb1/1-1/net/eth0/broadcast", "ff:ff:ff:ff:ff:ff\n")
	s.Add("/devices/usb1/1-1/ABC-123456/input0", "input", "UNIQ=52:54:00:12:34:56", "NAME=\"ABC-123456 keys\"")
	s.Add("/devices/pci0/0000:00:1d.0", "pci")
	s.Add("/devices/pci0/0000:00:1d.0/usb2", "usb", "DEVTYPE=usb_device")
	s.Attr("devices/pci0/0000:00:1d.0/usb2/serial", "0000:00:1d.0\n")
	s.Add("/devices/acpi/PNP0C09:00", "acpi")
	s.Attr("devices/acpi/PNP0C09:00/cid", "PNP0C09\n")
	s.Add("/devices/virtual/net/lo", "net", "INTERFACE=lo")
	s.Attr("devices/virtual/net/lo/address", "00:00:00:00:00:00\n")
	return s
}

func capture(t *testing.T, names ...string) *recording.Recording {
	t.Helper()
	r, err := recording.Capture(machine().FS(), names)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := machine()
	r := capture(t)
	s.Add("/devices/virtual/block/ram0", "block", "MAJOR=1", "MINOR=0", "DEVNAME=ram0")
	r.Happened(s.FS(), uevent.Event{Action: uevent.Add, DevPath: "/devices/virtual/block/ram0", Subsystem: "block", Env: "MAJOR=1\x00MINOR=0\x00DEVNAME=ram0\x00SYNTH_UUID=0\x00"})
	r.Happened(s.FS(), uevent.Event{Action: uevent.Remove, DevPath: "/devices/usb1/1-1", Subsystem: "usb", Env: "BUSNUM=001\x00"})
	text := r.String()
	for _, want := range []string{
		"# 7 devices, 2 events\n",
		"P: /devices/usb1/1-1\nN: bus/usb/001/002\nE: SUBSYSTEM=usb\nE: MAJOR=189\n",
		"H: product=74776f0a", "L: subsystem=../../../bus/usb\nH: descriptors=",
		"H: descriptors=12010002\n", "A: power/control=auto\\n\n", "A: serial=ABC-123456\\n\n",
		"# uevent: add /devices/virtual/block/ram0\n# E: SYNTH_UUID=0\n\nP: /devices/virtual/block/ram0\n",
		"# uevent: remove /devices/usb1/1-1\n# E: BUSNUM=001\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "wakeup") {
		t.Errorf("too much:\n%s", text)
	}
	again, err := recording.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.String(); got != text {
		t.Errorf("read and written again:\n%s\nwas:\n%s", got, text)
	}
}

func TestCaptureOfOneDeviceHasItsParents(t *testing.T) {
	var got []string
	for _, d := range capture(t, "/devices/usb1/1-1/net/eth0").Devices {
		got = append(got, d.DevPath)
	}
	if strings.Join(got, " ") != "/devices/usb1/1-1 /devices/usb1/1-1/net/eth0" {
		t.Errorf("got %q", got)
	}
	if _, err := recording.Capture(machine().FS(), []string{"/devices/nosuch"}); err == nil {
		t.Error("a device that is not there is recorded")
	}
}

func TestSerialNumbersAreConcealed(t *testing.T) {
	r := capture(t)
	r.Happened(machine().FS(), uevent.Event{Action: uevent.Change, DevPath: "/devices/usb1/1-1", Subsystem: "usb", Env: "SERIAL=ABC-123456\x00"})
	r.Conceal()
	text := r.String()
	for _, secret := range []string{"ABC-123456", "12:34:56"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in\n%s", secret, text)
		}
	}
	for _, form := range []string{`A: serial=[A-Z]{3}-[0-9]{6}\\n\n`, `A: address=52:54:00:..:..:..\\n\n`, `A: address=00:00:00:00:00:00\\n`, "A: idVendor=046d",
		"P: /devices/pci0/0000:00:1d.0/usb2\n", "A: serial=0000:00:1d.0", "A: cid=PNP0C09"} {
		if !regexp.MustCompile(form).MatchString(text) {
			t.Errorf("no %s in\n%s", form, text)
		}
	}
	find := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return "nothing"
	}
	if a, b := find("A: address=(52[0-9a-f:]*)"), find("E: UNIQ=(.*)"); a != b {
		t.Errorf("one address became two: %s and %s", a, b)
	}
	if a, b := find(`A: serial=([A-Z].*)\\n`), find("P: /devices/usb1/1-1/(.*)/input0"); a != b {
		t.Errorf("one serial number became two: %s and %s", a, b)
	}
	if _, err := recording.Parse(text); err != nil {
		t.Error(err)
	}
	other := capture(t)
	other.Conceal()
	if other.String() == text {
		t.Error("two recordings are concealed by one key")
	}
}

// hung is a sysfs in which one attribute does not answer.
type hung struct {
	fs.FS
	name    string
	release chan struct{}
}

func (h hung) Open(name string) (fs.File, error) {
	if name == h.name {
		<-h.release
	}
	return h.FS.Open(name)
}

func (h hung) ReadLink(name string) (string, error)   { return fs.ReadLink(h.FS, name) }
func (h hung) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(h.FS, name) }

func TestU08_AttributeThatHangsIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree := hung{machine().Tree(), "devices/usb1/1-1/idVendor", make(chan struct{})}
		defer close(tree.release)
		r, err := recording.Capture(sysfs.New(tree), nil)
		if err != nil {
			t.Fatal(err)
		}
		text := r.String()
		if strings.Contains(text, "idVendor") || strings.Contains(text, "A: serial=ABC") {
			t.Errorf("after an attribute that hangs:\n%s", text)
		}
		if !strings.Contains(text, "P: /devices/usb1/1-1\n") || !strings.Contains(text, "A: address=") {
			t.Errorf("the others are missing:\n%s", text)
		}
	})
}

// A file of umockdev-record has what udev found out, which is not the kernel's.
func TestParseUmockdev(t *testing.T) {
	r, err := recording.Parse(`# a comment
P: /devices/pci0/usb1/1-1
N: bus/usb/001/011=1201
S: some/link
E: DEVNAME=/dev/bus/usb/001/011
E: DEVTYPE=usb_device
E: ID_VENDOR=x
E: MAJOR=189
E: MINOR=10
E: SUBSYSTEM=usb
A: idVendor=0bda\n
H: descriptors=1201
L: driver=../../../bus/usb/drivers/usb
X: unknown

P: /devices/pci0/usb1
E: SUBSYSTEM=usb`)
	if err != nil {
		t.Fatal(err)
	}
	d := r.Devices[0]
	if len(r.Devices) != 2 || d.Env != "MAJOR=189\x00MINOR=10\x00DEVNAME=bus/usb/001/011\x00DEVTYPE=usb_device\x00" || d.Attrs[0].Value != "0bda\n" {
		t.Errorf("got %+v", r)
	}
	sys := devtest.NewSys()
	sys.Put(&d)
	if ev, err := sys.FS().Read(d.DevPath); err != nil || ev.Env.Get("MAJOR") != "189" {
		t.Errorf("sysfs: %+v, %v", ev, err)
	}
}

func TestParseRefusesWhatLeadsOut(t *testing.T) {
	for text, want := range map[string]string{
		"P: /devices/../../etc": "line 1: ",
		"P: /etc":               "line 1: ",
		"A: x=y":                "line 1: \"A: x=y\" stands before any P: line",
		"P: /devices/a\nE: SUBSYSTEM=x\nA: ../../x=y":                 "line 3: ",
		"P: /devices/a\nE: SUBSYSTEM=x\nL: l=/etc/passwd":             "line 3: ",
		"P: /devices/a\nE: SUBSYSTEM=x\nN: ../x":                      "line 3: ",
		"P: /devices/a\nE: SUBSYSTEM=x\nH: h=1g":                      "line 3: h is not hex",
		"P: /devices/a\n\n":                                           "line 2: /devices/a has no E: SUBSYSTEM",
		"# uevent: frob@ /devices/a":                                  "line 1: malformed uevent",
		"# uevent: add /devices/a\nP: /devices/b\nE: SUBSYSTEM=x\n\n": "line 4: the block of /devices/b stands behind an event of /devices/a",
	} {
		if _, err := recording.Parse(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	r, err := recording.Capture(machine().FS(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.String())
	f.Add("# uevent: add /devices/a\n# E: A=\\n\n\nP: /devices/a\nN: a\nL: subsystem=../bus/x\nA: a=\\001\\\\\nH: b=00ff\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := recording.Parse(text)
		if err != nil {
			return
		}
		once := r.String()
		again, err := recording.Parse(once)
		if err != nil {
			t.Fatalf("its own text is refused: %v\n%q", err, once)
		}
		if twice := again.String(); twice != once {
			t.Errorf("%q became %q", once, twice)
		}
		sys := devtest.NewSys()
		for i := range again.Devices {
			sys.Put(&again.Devices[i])
		}
		again.Conceal()
	})
}
