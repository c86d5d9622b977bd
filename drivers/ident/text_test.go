package ident

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// What udev 252 was seen to make of strings of USB devices.
func TestTextAsObserved(t *testing.T) {
	tests := []struct{ raw, plain, encoded string }{
		{"", "", ""},
		{"  A  b ", "A_b", `\x20\x20A\x20\x20b\x20`},
		{"\t \v ", "", `\x09\x20\x0b\x20`},
		{"a\tb\vc\rd", "a_b_c_d", `a\x09b\x0bc\x0dd`},
		{`a\x20b\x2fc\xzz`, `a\x20b\x2fc\xzz`, `a\x5cx20b\x5cx2fc\x5cxzz`},
		{"a/b,c $d%e?f", "a_b_c__d_e_f", `a\x2fb\x2cc\x20\x24d\x25e\x3ff`},
		{"\"'*;<>[]^`{|}~\x7f!&()", strings.Repeat("_", 19), `\x22\x27\x2a\x3b\x3c\x3e\x5b\x5d\x5e\x60\x7b\x7c\x7d\x7e\x7f\x21\x26\x28\x29`},
		{"#+-.:=@_09AZaz", "#+-.:=@_09AZaz", "#+-.:=@_09AZaz"},
		{`x\`, "x_", `x\x5c`},
		{"\nx", "x", `\x0ax`},
		{"aéb€c𝄞", "aéb€c𝄞", "aéb€c𝄞"},
		{"\xc3(\xe2\x82", "____", `\xc3\x28\xe2\x82`},
		{"\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80", "_________", `\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80`},
		{"a\ufdd0\uffffb\U0002fffe\ufeff", "a______b____\ufeff", `a\xef\xb7\x90\xef\xbf\xbfb\xf0\xaf\xbf\xbe` + "\ufeff"},
		{strings.Repeat("a", 62) + " b", strings.Repeat("a", 62), strings.Repeat("a", 62) + `\x20b`},
		{strings.Repeat(" ", 62) + "ab", "a", strings.Repeat(`\x20`, 62) + "ab"},
		{strings.Repeat("é", 40), strings.Repeat("é", 31) + "_", strings.Repeat("é", 40)},
	}
	for _, tt := range tests {
		if got := plain(tt.raw, maxPlain); got != tt.plain {
			t.Errorf("plain(%q): got %q, want %q", tt.raw, got, tt.plain)
		}
		if len(tt.encoded) > maxEncoded {
			tt.encoded = tt.encoded[:maxEncoded-3]
		}
		if got := encoded(tt.raw); got != tt.encoded {
			t.Errorf("encoded(%q): got %q, want %q", tt.raw, got, tt.encoded)
		}
	}
}

func TestTagAsObserved(t *testing.T) {
	for path, want := range map[string]string{
		"platform-a__b": "platform-a_b", "platform-__x": "platform-_x", "platform-x__": "platform-x",
		"platform-a.-.b": "platform-a_-_b", "platform-a-_-b": "platform-a-_-b", "platform-é.x": "platform-_x", "": "",
	} {
		if got := tag(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "QEMU  ", "\x1b[31m\"\n../x\xff%n", `\x2f\`, "é\u009b\u202e", strings.Repeat("\xff", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, got := range []string{plain(raw, maxPlain), plain(raw, maxSerial), encoded(raw), tag(raw)} {
			checkHarmless(t, raw, got)
		}
		if got := decoded(encoded(raw)); len(raw) <= maxEncoded/4 && got != raw {
			t.Errorf("%q became %q, which means %q", raw, encoded(raw), got)
		}
	})
}

// checkHarmless wants what may be shown on a terminal and used in a name.
func checkHarmless(t *testing.T, raw, got string) {
	t.Helper()
	bad := func(r rune) bool {
		return r < 0x21 || r >= 0x7f && r < 0xa0 || strings.ContainsRune("/\"'`$%;&|<>()?*", r)
	}
	if len(got) > maxSerial && len(got) > len(raw) || !utf8.ValidString(got) || strings.ContainsFunc(got, bad) {
		t.Errorf("%q became %q", raw, got)
	}
}

func decoded(text string) string {
	var b []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			b = append(b, byte(strings.IndexByte(hexDigits, text[i+2])<<4|strings.IndexByte(hexDigits, text[i+3])))
			i += 3
			continue
		}
		b = append(b, text[i])
	}
	return string(b)
}

// A USB disk may call itself anything.
func TestHostileUSB(t *testing.T) {
	for _, name := range []string{"a\"b", "a\nb", "../x", "\x1b[31m", "\xff\xfe", "%n$(reboot)`id`", "null", "sda", "é\u009b2J\u202e", strings.Repeat("/", 1000), ", "} {
		tree := fstest.MapFS{}
		for file, text := range map[string]string{"idVendor": "46f4\n", "idProduct": "0001\n", "manufacturer": name + "\n", "product": name + "\n",
			"serial": name + "\n", "bcdDevice": name + "\n", "uevent": "DEVTYPE=usb_device\n"} {
			tree["devices/a/usb1/1-1/"+file] = &fstest.MapFile{Data: []byte(text)}
		}
		tree["devices/a/usb1/1-1/subsystem"] = &fstest.MapFile{Data: []byte("../../../../bus/usb"), Mode: fs.ModeSymlink}
		all, err := USB(tree, "/devices/a/usb1/1-1")
		if err != nil || len(all) < 15 {
			t.Errorf("%q: %v %v", name, all, err)
		}
		for _, p := range all {
			checkHarmless(t, name, p.Value)
		}
	}
}

func TestErrorsNameWhatIsMissing(t *testing.T) {
	m := machine(pc)
	for _, tt := range []struct{ device, want string }{
		{"sdb", "usb_id: /devices/pci0000:00/0000:00:04.0/usb1/1-1/1-1.3/1-1.3:1.0/host7/target7:0:0/7:0:0:0/block/sdb: no parent usb usb_interface: file does not exist"},
		{"loop0", "usb_id: /devices/virtual/block/loop0: no parent usb usb_interface: file does not exist"},
	} {
		if _, err := USB(m, find(t, pc, tt.device)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v", tt.device, err)
		}
	}
	_, err := Path(m, "/devices/virtual/block/loop0")
	if err == nil || err.Error() != "path_id: /devices/virtual/block/loop0: no bus with stable addresses: file does not exist" {
		t.Error(err)
	}
}

// Of storage that speaks of itself as ATAPI, the SCSI device gives the names;
// the last interface counts only if something follows it.
func TestUSBDetails(t *testing.T) {
	const usb = "a/usb1/1-1 usb uevent:DEVTYPE=usb_device idVendor:0951 idProduct:1666\n" +
		"a/usb1/1-1/1-1:1.0 usb uevent:DEVTYPE=usb_interface bInterfaceClass:08 bInterfaceSubClass:02\n" +
		"a/usb1/1-1/1-1:1.0/host1/2:0:0:3 scsi uevent:DEVTYPE=scsi_device vendor:Ven model:Mo type:5 rev:r\n"
	all, err := USB(machine(usb), "/devices/a/usb1/1-1/1-1:1.0/host1/2:0:0:3/block/sr0")
	if err != nil || valueOf(all, "ID_SERIAL") != "Ven_Mo-0:3" || valueOf(all, "ID_TYPE") != "cd" || valueOf(all, "ID_USB_VENDOR_ID") != "0951" {
		t.Errorf("%v %v", all, err)
	}
	storage, keys := "\x09\x04\x00\x00\x02\x08\x06\x50\x00", "\x09\x04\x01\x00\x02\x03\x01\x01\x00"
	for descriptors, want := range map[string]string{
		storage: "", storage + keys: ":080650:", storage + keys + storage + "\x02": ":080650:030101:", "\x00" + storage: "",
	} {
		if got := interfaces([]byte(descriptors)); got != want {
			t.Errorf("%x: got %q, want %q", descriptors, got, want)
		}
	}
}
