package ident

import (
	"fmt"
	"strconv"
	"strings"
)

// KeyCode says which key a scan code means (the ioctl EVIOCSKEYCODE on the
// event node).
type KeyCode struct {
	Scan uint32
	Key  uint16
}

// AxisChange says what to change of an axis (EVIOCGABS, then EVIOCSABS); nil
// leaves a field as it is.
type AxisChange struct {
	Axis                                     uint8
	Minimum, Maximum, Resolution, Fuzz, Flat *int32
}

// KeyboardPlan is what udev's builtin keyboard does to an input device.
type KeyboardPlan struct {
	Keys []KeyCode
	// Release lists scan codes, as text for the attribute force_release of an AT
	// keyboard, of keys that say nothing when they are let go.
	Release string
	Axes    []AxisChange
	// Sensitivity is for the attribute sensitivity of a pointing stick's parent
	// on the bus serio.
	Sensitivity string
}

// Keyboard makes a plan of the properties that hwdb gave a device:
//
//	KEYBOARD_KEY_a1=help    KEYBOARD_KEY_81=!volumedown    KEYBOARD_KEY_82=!
//	EVDEV_ABS_00=::45       POINTINGSTICK_SENSITIVITY=200
//
// Formats: hwdb(7) and the comments in 60-keyboard.hwdb and 60-evdev.hwdb.
// Properties that make no sense are left out and reported.
func Keyboard(all []Property) (plan KeyboardPlan, problems []error) {
	b := keyboardBuilder{plan: &plan}
	for _, p := range all {
		if err := b.take(p); err != nil {
			problems = append(problems, fmt.Errorf("keyboard: %.40q=%.40q: %w", p.Key, p.Value, err))
		}
	}
	plan.Release = strings.Join(b.release, ",")
	return plan, problems
}

type keyboardBuilder struct {
	plan    *KeyboardPlan
	keys    map[string]uint16 // made when the first is asked for
	release []string
}

func (b *keyboardBuilder) take(p Property) error {
	if scan, ok := strings.CutPrefix(p.Key, "KEYBOARD_KEY_"); ok {
		return b.addScan(scan, p.Value)
	}
	if axis, ok := strings.CutPrefix(p.Key, "EVDEV_ABS_"); ok {
		return b.plan.addAxis(axis, p.Value)
	}
	if p.Key != "POINTINGSTICK_SENSITIVITY" {
		return nil
	}
	_, err := strconv.ParseUint(p.Value, 10, 8)
	if err == nil {
		b.plan.Sensitivity = p.Value
	}
	return err
}

func (b *keyboardBuilder) addScan(scan, key string) error {
	number, err := strconv.ParseUint(scan, 16, 32)
	if err != nil {
		return err
	}
	key, released := strings.CutPrefix(key, "!")
	if released {
		b.release = append(b.release, strconv.FormatUint(number, 10))
	}
	if b.keys == nil {
		b.keys = keyCodes()
	}
	return b.plan.addKey(uint32(number), key, b.keys)
}

// addKey adds a key by its name or number. "!" alone names none.
func (plan *KeyboardPlan) addKey(scan uint32, name string, keys map[string]uint16) error {
	if name == "" {
		return nil
	}
	key, ok := keys[strings.TrimPrefix(name, "key_")]
	if !ok {
		number, err := strconv.ParseUint(name, 0, 10) // KEY_MAX is 0x2ff
		if err != nil {
			return fmt.Errorf("no such key")
		}
		key = uint16(number)
	}
	plan.Keys = append(plan.Keys, KeyCode{scan, key})
	return nil
}

func (plan *KeyboardPlan) addAxis(axis, text string) error {
	number, err := strconv.ParseUint(axis, 16, 6)
	if err != nil {
		return err
	}
	c := AxisChange{Axis: uint8(number)}
	fields := strings.Split(text, ":")
	to := []**int32{&c.Minimum, &c.Maximum, &c.Resolution, &c.Fuzz, &c.Flat}
	if len(fields) > len(to) {
		return fmt.Errorf("more than %d fields", len(to))
	}
	for i, f := range fields {
		if f == "" {
			continue
		}
		n, err := strconv.ParseInt(f, 10, 32)
		if err != nil {
			return err
		}
		value := int32(n)
		*to[i] = &value
	}
	plan.Axes = append(plan.Axes, c)
	return nil
}

// keyCodes reads the table of names.
func keyCodes() map[string]uint16 {
	codes := map[string]uint16{}
	next := uint16(0)
	for word := range strings.FieldsSeq(keyNames) {
		if alias, ok := strings.CutPrefix(word, "="); ok {
			codes[alias] = next - 1
			continue
		}
		if number, name, ok := strings.Cut(word, ":"); ok {
			n, _ := strconv.ParseUint(number, 10, 16)
			next, word = uint16(n), name
		}
		codes[word] = next
		next++
	}
	return codes
}
