package ident

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestKeyboard(t *testing.T) {
	all := []Property{{"KEYBOARD_KEY_a1", "help"}, {"KEYBOARD_KEY_81", "!volumedown"}, {"KEYBOARD_KEY_82", "!"}, {"KEYBOARD_KEY_c00f1", "reserved"},
		{"KEYBOARD_KEY_d", "key_prog1"}, {"KEYBOARD_KEY_e", "btn_left"}, {"KEYBOARD_KEY_f", "240"}, {"ID_INPUT", "1"},
		{"EVDEV_ABS_00", "::45"}, {"EVDEV_ABS_35", "-10:20:3:4:5"}, {"POINTINGSTICK_SENSITIVITY", "200"}}
	plan, problems := Keyboard(all)
	if problems != nil {
		t.Error(problems)
	}
	want := []KeyCode{{0xa1, 138}, {0x81, 114}, {0xc00f1, 0}, {0xd, 148}, {0xe, 0x110}, {0xf, 240}}
	if !slices.Equal(plan.Keys, want) || plan.Release != "129,130" || plan.Sensitivity != "200" {
		t.Errorf("%+v", plan)
	}
	x, y := plan.Axes[0], plan.Axes[1]
	if x.Axis != 0 || x.Minimum != nil || *x.Resolution != 45 || x.Fuzz != nil || y.Axis != 0x35 || *y.Minimum != -10 || *y.Flat != 5 {
		t.Errorf("%+v", plan.Axes)
	}
}

func TestKeyboardProblems(t *testing.T) {
	all := []Property{{"KEYBOARD_KEY_xx", "help"}, {"KEYBOARD_KEY_1", "nosuch"}, {"KEYBOARD_KEY_1", "5000"}, {"EVDEV_ABS_40", "1"},
		{"EVDEV_ABS_00", "1:2:3:4:5:6"}, {"EVDEV_ABS_00", "x"}, {"POINTINGSTICK_SENSITIVITY", "../x\n"}}
	plan, problems := Keyboard(all)
	if len(problems) != len(all) || len(plan.Keys)+len(plan.Axes) > 0 || plan.Release+plan.Sensitivity != "" {
		t.Errorf("%+v\n%v", plan, problems)
	}
	if want := `keyboard: "KEYBOARD_KEY_1"="nosuch": no such key`; problems[1].Error() != want {
		t.Errorf("%v", problems[1])
	}
}

// Keys of all parts of the table stand where the kernel has them.
func TestKeyNames(t *testing.T) {
	codes := keyCodes()
	for name, want := range map[string]uint16{"reserved": 0, "esc": 1, "f24": 194, "micmute": 248, "btn_0": 0x100, "btn_left": 0x110, "btn_mouse": 0x110,
		"btn_gamepad": 0x130, "btn_a": 0x130, "btn_tool_pen": 0x140, "ok": 0x160, "touchpad_toggle": 0x212, "btn_dpad_up": 0x220, "als_toggle": 0x230,
		"kbdinputassist_cancel": 0x265, "btn_trigger_happy40": 0x2e7, "screenlock": 152, "coffee": 152, "brightness_cycle": 243} {
		if got, ok := codes[name]; !ok || got != want {
			t.Errorf("%s: %#x, want %#x", name, got, want)
		}
	}
}

func FuzzKeyboard(f *testing.F) {
	f.Add("KEYBOARD_KEY_a1", "!help")
	f.Add("EVDEV_ABS_00", "1:2::4")
	f.Fuzz(func(t *testing.T, key, value string) {
		plan, _ := Keyboard([]Property{{key, value}})
		if strings.Trim(plan.Release+plan.Sensitivity, "0123456789") != "" || len(plan.Keys)+len(plan.Axes) > 1 {
			t.Errorf("%+v", plan)
		}
	})
}

func TestFIDO(t *testing.T) {
	const token = "\x06\xd0\xf1\x09\x01\xa1\x01\x09\x20\x15\x00\x26\xff\x00\x75\x08\x95\x40\x81\x02\xc0"
	const mouse = "\x05\x01\x09\x02\xa1\x01\x09\x01\xa1\x00\xc0\xc0"
	tests := []struct{ descriptor, want string }{
		{token, "[{ID_FIDO_TOKEN 1} {ID_SECURITY_TOKEN 1}] <nil>"},
		{mouse, "[] <nil>"},
		{"\xfe\x02\x00ab" + token, "[{ID_FIDO_TOKEN 1} {ID_SECURITY_TOKEN 1}] <nil>"},
		{"\x0b\x01\x00\xd0\xf1", "[{ID_FIDO_TOKEN 1} {ID_SECURITY_TOKEN 1}] <nil>"},
		{"", "[] <nil>"},
		{"\x06\xd0", "[] fido_id: /devices/usb1/0003:1: report_descriptor: cut short"},
	}
	for _, tt := range tests {
		tree := fstest.MapFS{
			"devices/usb1/0003:1/subsystem":         {Data: []byte("../../../bus/hid"), Mode: fs.ModeSymlink},
			"devices/usb1/0003:1/report_descriptor": {Data: []byte(tt.descriptor)},
		}
		all, err := FIDO(tree, "/devices/usb1/0003:1/hidraw/hidraw0")
		if got := fmt.Sprint(all, err); got != tt.want {
			t.Errorf("%x: %s", tt.descriptor, got)
		}
	}
}

func FuzzReportDescriptor(f *testing.F) {
	f.Add([]byte("\x06\xd0\xf1\x09\x01\xa1\x01"))
	f.Add([]byte("\xfe\xff\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if token, err := isToken(b); token && (err != nil || len(b) < 5) {
			t.Errorf("%x: %v", b, err)
		}
	})
}

func TestV4L(t *testing.T) {
	var c V4LCapability
	copy(c[:], "uvcvideo")
	copy(c[16:], "HD Web\x1b\"cam\x00left over")
	copy(c[84:], "\x01\x00\x20\x84\x01\x00\x20\x04")
	want := []Property{{"ID_V4L_VERSION", "2"}, {"ID_V4L_PRODUCT", "HD Web__cam"}, {"ID_V4L_CAPABILITIES", ":capture:"}}
	if got := V4L(c); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	copy(c[84:], "\x07\x00\x07\x00\xff\xff\xff\xff") // without those of the node
	if got := V4L(c)[2].Value; got != ":capture:video_output:video_overlay:audio:tuner:radio:" {
		t.Error(got)
	}
}
