package ident

import (
	"fmt"
	"io/fs"
	"math/bits"
	"path"
	"strconv"
	"strings"
)

// Codes of the input protocol (Documentation/input/event-codes).
const (
	evKey, evRel, evSw = 1, 2, 5

	btnMisc        = 0x100 // the first of what is not on a keyboard, BTN_0
	btnMouse       = 0x110 // up to btnJoystick
	btnJoystick    = 0x120 // up to btnDigi
	btnDigi        = 0x140 // and BTN_TOOL_PEN
	btnToolFinger  = 0x145
	btnTouch       = 0x14a
	btnStylus      = 0x14b
	keyOK          = 0x160 // up to btnDpadUp: keys of remote controls and telephones
	btnDpadUp      = 0x220
	btnDpadEnd     = 0x224
	keyALSToggle   = 0x230 // up to btnHappy
	btnHappy       = 0x2c0
	btnHappyEnd    = 0x2e8
	absX, absY     = 0x00, 0x01
	absZ, absRX    = 0x02, 0x03
	absPressure    = 0x18
	absMTSlotLess1 = 0x2e // a device with this and ABS_MT_SLOT just has all codes
	absMTSlot      = 0x2f
	absMTX, absMTY = 0x35, 0x36
	relX, relY     = 0, 1
	relHWheel      = 6
	relWheel       = 8

	propDirect        = 1
	propPointingStick = 5
	propAccelerometer = 6

	busI2C = 0x18
)

// typingKeys lists keys of which no joystick has four: Ctrl, Caps Lock, Num Lock,
// Insert, Mute, Calculator, File, Mail, Play, Brightness.
const typingKeys = "\x1d\x3a\x45\x6e\x71\x8c\x90\x9b\xa4\xe0"

// input is what an input device can do.
type input struct {
	ev, key, abs, rel, properties bitmap
	bus                           uint64

	accelerometer, stick, mouse, touchpad, touchscreen, joystick, tablet, pad bool
}

// Input says what udev's input_id says of an input device or of its node
// (event3, mouse0, js0): ID_INPUT=1, and for what it seems to be one or more of
//
//	ID_INPUT_ACCELEROMETER  ID_INPUT_POINTINGSTICK  ID_INPUT_MOUSE
//	ID_INPUT_TOUCHPAD       ID_INPUT_TOUCHSCREEN    ID_INPUT_JOYSTICK
//	ID_INPUT_TABLET         ID_INPUT_TABLET_PAD
//	ID_INPUT_KEY            ID_INPUT_KEYBOARD       ID_INPUT_SWITCH
//
// each with the value 1. The sources are the bitmaps in capabilities/ and
// properties. How big a tablet is, the node must be asked: see [InputSize].
func Input(tree fs.FS, devpath string) ([]Property, error) {
	d := at(tree, devpath)
	in, err := readInput(d)
	if err != nil {
		if path.Base(d.dir) == "mice" { // the sum of all mice: udev is silent
			return nil, nil
		}
		return nil, fmt.Errorf("input_id: %w", err)
	}
	in.point()
	all := make(properties, 0, 4)
	set := func(is bool, name string) {
		if is {
			all.add("ID_INPUT"+name, "1")
		}
	}
	set(true, "")
	set(in.accelerometer, "_ACCELEROMETER")
	set(in.stick, "_POINTINGSTICK")
	set(in.mouse, "_MOUSE")
	set(in.touchpad, "_TOUCHPAD")
	set(in.touchscreen, "_TOUCHSCREEN")
	set(in.joystick, "_JOYSTICK")
	set(in.tablet, "_TABLET")
	set(in.pad, "_TABLET_PAD")
	set(in.hasKeys(len(all) > 1), "_KEY")
	set(in.isKeyboard(), "_KEYBOARD")
	set(in.ev.has(evSw), "_SWITCH")
	return all, nil
}

// Axis is what the ioctl EVIOCGABS tells of an axis; Resolution counts units
// per millimetre.
type Axis struct{ Minimum, Maximum, Resolution int32 }

// InputSize returns ID_INPUT_WIDTH_MM and ID_INPUT_HEIGHT_MM, which input_id
// adds to the event node of a device that has a size. x and y are its axes
// ABS_X and ABS_Y.
func InputSize(x, y Axis) []Property {
	if x.Resolution <= 0 || y.Resolution <= 0 {
		return nil
	}
	size := func(a Axis) string {
		return strconv.FormatInt((int64(a.Maximum)-int64(a.Minimum))/int64(a.Resolution), 10)
	}
	return properties{{"ID_INPUT_WIDTH_MM", size(x)}, {"ID_INPUT_HEIGHT_MM", size(y)}}
}

// InputClass says what kind of input device an input, event, mouse or js
// device is, as the stock rules name it in links: kbd, mouse, joystick, spkr,
// or "" for others. Of those, ok says that one place holds no more than one.
func InputClass(tree fs.FS, devpath string) (class string, ok bool) {
	d := at(tree, devpath)
	for _, bus := range []string{"usb", "platform", "i2c"} {
		up, err := d.parent(bus, "")
		ok = ok || err == nil
		if err == nil && up.driver() == "pcspkr" {
			return "spkr", true
		}
	}
	in, err := readInput(d)
	if err != nil {
		return "", ok
	}
	in.point()
	switch {
	case in.joystick:
		return "joystick", true
	case in.mouse || in.touchpad || in.tablet:
		return "mouse", true
	case in.isKeyboard():
		return "kbd", true
	}
	return "", ok
}

// readInput reads the bitmaps of d, or of the device that d is a node of.
func readInput(d device) (*input, error) {
	if _, ok := d.attr("capabilities/ev"); !ok {
		d.dir = path.Dir(d.dir)
	}
	ev, err := d.need("capabilities/ev")
	if err != nil {
		return nil, err
	}
	in := &input{ev: parseBitmap(ev)}
	in.key, in.abs = parseBitmap(d.text("capabilities/key")), parseBitmap(d.text("capabilities/abs"))
	in.rel, in.properties = parseBitmap(d.text("capabilities/rel")), parseBitmap(d.text("properties"))
	in.bus, _ = strconv.ParseUint(d.text("id/bustype"), 16, 16)
	return in, nil
}

// point finds out what kind of pointer the device is, if it is one.
func (in *input) point() {
	plane := in.abs.has(absX) && in.abs.has(absY)
	if in.properties.has(propAccelerometer) || !in.ev.has(evKey) && plane && in.abs.has(absZ) {
		in.accelerometer = true
		return
	}
	in.stick = in.properties.has(propPointingStick)
	clicks := in.key.count(btnMouse, btnJoystick) > 0
	controls := in.controls()
	joystick := controls > 0
	if plane {
		surface := in.surface(clicks)
		in.mouse = clicks && !in.tablet && !in.touchpad
		joystick = joystick && !surface && !in.mouse
	}
	if in.abs.has(absMTX) && in.abs.has(absMTY) && !(in.abs.has(absMTSlotLess1) && in.abs.has(absMTSlot)) {
		in.surface(false)
	}
	in.pad = in.tablet && in.key.has(btnStylus) && !in.key.has(btnDigi) && in.key.has(btnMisc)
	if moves := in.ev.has(evRel) && in.rel.has(relX) && in.rel.has(relY); moves || !plane {
		in.mouse = in.mouse || clicks && !in.tablet && !in.touchpad && !joystick
		in.stick = in.stick || in.mouse && in.bus == busI2C
	}
	in.joystick = joystick && controls >= 2 && !in.types()
}

// surface looks for something that is touched, and says whether it is found. A
// device with buttons of a mouse is no touch screen.
func (in *input) surface(clicks bool) bool {
	pen := in.key.has(btnDigi)
	direct := in.properties.has(propDirect)
	switch {
	case pen || in.key.has(btnStylus):
		in.tablet = true
	case in.key.has(btnToolFinger) && !direct:
		in.touchpad = true
	case !clicks && (in.key.has(btnTouch) || direct):
		in.touchscreen = true
	default:
		return false
	}
	return true
}

// controls counts what only joysticks and game pads have.
func (in *input) controls() int {
	n := in.abs.count(absRX, absPressure)
	if !in.key.has(btnJoystick - 1) {
		n += in.key.count(btnJoystick, btnDigi) + in.key.count(btnDpadUp, btnDpadEnd) + in.key.count(btnHappy, btnHappyEnd)
	}
	return n
}

// types says whether one can write text on the device.
func (in *input) types() bool {
	n := 0
	for i := range len(typingKeys) {
		if in.key.has(int(typingKeys[i])) {
			n++
		}
	}
	return in.ev.has(evKey) && n >= 4
}

// hasKeys says whether there are keys other than buttons. Something that can do
// nothing but scroll counts too.
func (in *input) hasKeys(pointer bool) bool {
	if in.ev.has(evKey) && in.key.count(0, btnMisc)+in.key.count(keyOK, btnDpadUp)+in.key.count(keyALSToggle, btnHappy) > 0 {
		return true
	}
	return in.ev.has(evRel) && !pointer && (in.rel.has(relHWheel) || in.rel.has(relWheel))
}

// isKeyboard wants all keys of the first rows: a power button has keys too.
func (in *input) isKeyboard() bool {
	return in.ev.has(evKey) && in.key.count(1, 32) == 31
}

// bitmap holds the bits up to KEY_MAX.
type bitmap [12]uint64

// parseBitmap reads words of hexadecimal digits, highest first. They are as
// wide as a long of the kernel, which for our machines is 64 bits. What is no
// bitmap has no bits.
func parseBitmap(text string) (b bitmap) {
	for i := 0; text != "" && i < len(b); i++ {
		cut := strings.LastIndexByte(text, ' ')
		n, err := strconv.ParseUint(text[cut+1:], 16, 64)
		if err != nil {
			return bitmap{}
		}
		b[i] = n
		text = strings.TrimRight(text[:max(cut, 0)], " ")
	}
	return b
}

func (b *bitmap) has(n int) bool { return b[n/64]>>(n%64)&1 == 1 }

// count counts the bits from first up to, but without, end.
func (b *bitmap) count(first, end int) (n int) {
	for i := range b {
		low, high := max(first-i*64, 0), min(end-i*64, 64)
		if low < high {
			n += bits.OnesCount64(b[i] >> low << (64 - (high - low)))
		}
	}
	return n
}
