package ident

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// scsiTree is a disk with pages of vital product data.
func scsiTree(page80, page83 string) fstest.MapFS {
	tree := fstest.MapFS{
		"devices/a/0:0:0:0/subsystem": {Data: []byte("../../../bus/scsi"), Mode: fs.ModeSymlink},
		"devices/a/0:0:0:0/uevent":    {Data: []byte("DEVTYPE=scsi_device\n")},
		"devices/a/0:0:0:0/vendor":    {Data: []byte("AC ME   \n")},
		"devices/a/0:0:0:0/model":     {Data: []byte("Pro\"d           \n")},
		"devices/a/0:0:0:0/rev":       {Data: []byte("1   \n")},
		"devices/a/0:0:0:0/type":      {Data: []byte("0\n")},
	}
	for name, text := range map[string]string{"80": page80, "83": page83} {
		if text != "" {
			head := string([]byte{0, byte(0x80 + name[1] - '0'), 0, byte(len(text))})
			tree["devices/a/0:0:0:0/vpd_pg"+name] = &fstest.MapFile{Data: []byte(head + text)}
		}
	}
	return tree
}

func TestSCSINames(t *testing.T) {
	designator := func(set, kind byte, text string) string {
		return string([]byte{set, kind, 0, byte(len(text))}) + text
	}
	const wide = "\x60\x05\x07\x68\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"
	const narrow = "\x50\x00\xc5\x00\x15\xea\x71\xaa"
	tests := []struct{ page80, page83, want string }{
		{"", "", ""},
		{"s 1 ", "", "ID_SERIAL=SAC_ME_Pro_d_s_1 ID_SERIAL_SHORT=s_1 ID_SCSI_SERIAL=s 1"},
		{"", designator(2, 0, "dl"), "ID_SERIAL=0AC_ME_Pro_d_dl ID_SERIAL_SHORT=dl"},
		{"", designator(2, 0, "dl") + designator(1, 3, narrow), "ID_SERIAL=35000c50015ea71aa ID_SERIAL_SHORT=5000c50015ea71aa ID_WWN=0x5000c50015ea71aa ID_WWN_WITH_EXTENSION=0x5000c50015ea71aa"},
		{"", designator(1, 3, narrow) + designator(1, 3, wide), "ID_SERIAL=3600507680102030405060708090a0b0c ID_SERIAL_SHORT=600507680102030405060708090a0b0c ID_WWN=0x6005076801020304 ID_WWN_VENDOR_EXTENSION=0x05060708090a0b0c ID_WWN_WITH_EXTENSION=0x600507680102030405060708090a0b0c"},
		{"", designator(2, 1, "ATA     X  1") + designator(1, 2, "\x00\x01\x02\x03\x04\x05\x06\x07"), "ID_SERIAL=20001020304050607 ID_SERIAL_SHORT=0001020304050607"},
		{"", designator(2, 1, "ATA     X  1"), "ID_SERIAL=1ATA_X_1 ID_SERIAL_SHORT=ATA_X_1"},
		{"", designator(1, 0x13, narrow) + designator(1, 0x15, "\x00\x00\x0d\x00") + designator(2, 0, "dl"), "ID_SERIAL=0AC_ME_Pro_d_dl ID_SERIAL_SHORT=dl ID_TARGET_PORT=d00"},
		{"a\"b\n../x\x1b\xff", "", "ID_SERIAL=SAC_ME_Pro_d_a_b_.._x__ ID_SERIAL_SHORT=a_b_.._x__ ID_SCSI_SERIAL=a_b_.._x__"},
		{"", "\x02\x00\x00\xffshort", ""},
	}
	for _, tt := range tests {
		all, err := SCSI(scsiTree(tt.page80, tt.page83), "/devices/a/0:0:0:0/block/sda", nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range all[7:] { // behind ID_TYPE
			got = append(got, p.Key+"="+p.Value)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q %q:\n got %q\nwant %q", tt.page80, tt.page83, got, tt.want)
		}
	}
}

// Pages that the kernel has not asked for are asked for now.
func TestSCSIAsks(t *testing.T) {
	var asked []byte
	all, err := SCSI(scsiTree("", ""), "/devices/a/0:0:0:0/block/sr0", func(page byte) []byte {
		asked = append(asked, page)
		return map[byte][]byte{0x80: []byte("\x05\x80\x00\x03s 1"), 0x83: []byte("\x05")}[page]
	})
	if err != nil || string(asked) != "\x80\x83" || !slices.Contains(all, Property{"ID_SERIAL", "SAC_ME_Pro_d_s_1"}) {
		t.Errorf("%v, %v, asked % x", all, err, asked)
	}
}

// QEMU's disks have few features: these words are made up as ACS-3 describes them.
func TestIdentifyFeatures(t *testing.T) {
	var answer [identifySize]byte
	set := func(word int, value uint16) { answer[2*word], answer[2*word+1] = byte(value), byte(value>>8) }
	for word, value := range map[int]uint16{76: 6, 82: 0x042b, 83: 0x0229, 85: 0x0001, 86: 0x0008, 87: 0x4100, 89: 60, 90: 61, 91: 0x80fe, 94: 0xd0fe, 108: 0x5000, 109: 0xc500, 110: 1, 111: 2, 128: 8, 217: 7200} {
		set(word, value)
	}
	copy(answer[54:94], "TS83x\"") // pairs are swapped
	all := Identify(answer)
	for _, want := range []string{"ID_TYPE=disk", "ID_MODEL=ST38_x", "ID_ATA_FEATURE_SET_APM_CURRENT_VALUE=254", "ID_ATA_FEATURE_SET_AAM_ENABLED=0",
		"ID_ATA_FEATURE_SET_AAM_VENDOR_RECOMMENDED_VALUE=208", "ID_ATA_FEATURE_SET_SECURITY_ERASE_UNIT_MIN=120", "ID_ATA_FEATURE_SET_SECURITY_FROZEN=1",
		"ID_ATA_SATA_SIGNAL_RATE_GEN2=1", "ID_ATA_ROTATION_RATE_RPM=7200", "ID_WWN=0x5000c50000010002", "ID_ATA_DOWNLOAD_MICROCODE=1"} {
		key, value, _ := strings.Cut(want, "=")
		if !slices.Contains(all, Property{key, value}) {
			t.Errorf("no %s in %v", want, all)
		}
	}
}

func TestATAErrors(t *testing.T) {
	tree := scsiTree("", "")
	if _, err := ATA(tree, "/devices/a/0:0:0:0/block/sda"); err == nil || err.Error() != `ata_id: /devices/a/0:0:0:0: the vendor is "AC ME   ", not ATA` {
		t.Error(err)
	}
	tree["devices/a/0:0:0:0/vendor"] = &fstest.MapFile{Data: []byte("ATA     \n")}
	if _, err := ATA(tree, "/devices/a/0:0:0:0/block/sda"); err == nil || err.Error() != "ata_id: /devices/a/0:0:0:0: no attribute vpd_pg89: file does not exist" {
		t.Error(err)
	}
	tree["devices/a/0:0:0:0/vpd_pg89"] = &fstest.MapFile{Data: []byte("\x00\x89\x02\x38short")}
	if _, err := ATA(tree, "/devices/a/0:0:0:0/block/sda"); err == nil || err.Error() != "ata_id: /devices/a/0:0:0:0: vpd_pg89: cut short" {
		t.Error(err)
	}
}

func FuzzDisk(f *testing.F) {
	f.Add("s 1", "\x02\x00\x00\x02dl", []byte("QEMU"))
	f.Fuzz(func(t *testing.T, page80, page83 string, identify []byte) {
		var answer [identifySize]byte
		copy(answer[:], identify)
		all, err := SCSI(scsiTree(page80, page83), "/devices/a/0:0:0:0/block/sda", nil)
		if err != nil {
			t.Error(err)
		}
		for _, p := range append(all, Identify(answer)...) {
			if p.Key == "ID_SCSI_SERIAL" {
				p.Value = strings.ReplaceAll(p.Value, " ", "")
			}
			checkHarmless(t, page80+page83, p.Value)
		}
	})
}
