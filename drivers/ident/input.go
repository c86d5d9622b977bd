package ident

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Codes of the input protocol (Documentation/input/event-codes).
const (
	evKey, evRel, evAbs = 1, 2, 3
	btnLeft             = 0x110
	btnDigi             = 0x140 // and BTN_TOOL_PEN
	btnTrigger          = 0x120
	btnA                = 0x130
	btnToolFinger       = 0x145
	btnTouch            = 0x14a
	absX, absY          = 0, 1
	relX, relY          = 0, 1
	propDirect          = 1
)

// InputClass says what kind of input device an input, event, mouse or js
// device is, as udev names it in links: kbd, mouse, joystick, or "" for others.
func InputClass(tree fs.FS, devpath string) string {
	dir := strings.TrimPrefix(devpath, "/")
	if !strings.HasPrefix(path.Base(dir), "input") {
		dir = path.Dir(dir)
	}
	has := func(file string) bitmap { return parseBitmap(readAttr(tree, dir+"/"+file)) }
	ev, key := has("capabilities/ev"), has("capabilities/key")
	abs, rel := has("capabilities/abs"), has("capabilities/rel")
	switch {
	case ev.has(evAbs) && abs.has(absX) && abs.has(absY):
		return absoluteClass(key, has("properties"))
	case ev.has(evRel) && rel.has(relX) && rel.has(relY) && key.has(btnLeft):
		return "mouse"
	case ev.has(evKey) && isKeyboard(key):
		return "kbd"
	}
	return ""
}

// absoluteClass tells tablets and touch screens, which have no class in links,
// from touch pads and virtual mice, and from joysticks.
func absoluteClass(key, properties bitmap) string {
	switch {
	case key.has(btnDigi): // a pen
		return ""
	case key.has(btnToolFinger) && !properties.has(propDirect):
		return "mouse" // touch pads are pointers
	case key.has(btnLeft):
		return "mouse"
	case key.has(btnTouch) || properties.has(propDirect):
		return ""
	case key.has(btnTrigger) || key.has(btnA):
		return "joystick"
	}
	return ""
}

// isKeyboard wants all keys of the first rows: a power button has keys too.
func isKeyboard(key bitmap) bool {
	for code := 1; code < 32; code++ {
		if !key.has(code) {
			return false
		}
	}
	return true
}

// bitmap is what an attribute of capabilities holds, lowest word first.
type bitmap []uint64

// parseBitmap reads words of hexadecimal digits, highest first. They are as
// wide as a long of the kernel, which for our machines is 64 bits.
func parseBitmap(text string) bitmap {
	words := strings.Fields(text)
	b := make(bitmap, 0, len(words))
	for i := len(words) - 1; i >= 0; i-- {
		n, err := strconv.ParseUint(words[i], 16, 64)
		if err != nil {
			return nil
		}
		b = append(b, n)
	}
	return b
}

func (b bitmap) has(n int) bool {
	w := n / 64
	return w < len(b) && b[w]>>(n%64)&1 == 1
}
