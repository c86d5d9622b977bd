// Package uevent turns kernel uevent datagrams into events and back.
//
// The kernel announces every change to a device on a netlink socket as
// "ACTION@DEVPATH\0KEY=VALUE\0...". Parse reads one such datagram and refuses
// whatever the kernel would not have sent; Listen opens the socket and
// refuses whatever the kernel did not send. An Event is a hint that something
// changed below /sys: nothing is done with a node on its word alone, because
// its strings come from drivers, hypervisors and the devices themselves.
package uevent

import (
	"iter"
	"strconv"
	"strings"
)

// Action says what happened to a device.
type Action string

// The actions that kernels send today. Unknown ones are passed on.
const (
	Add     Action = "add"
	Remove  Action = "remove"
	Change  Action = "change"
	Move    Action = "move"
	Online  Action = "online"
	Offline Action = "offline"
	Bind    Action = "bind"
	Unbind  Action = "unbind"
)

// Event is one announcement. Events of a coldplug scan are the same values
// with SeqNum 0.
type Event struct {
	Action    Action
	DevPath   string // below /sys, with a leading slash
	Subsystem string
	SeqNum    uint64 // 0: not from the socket
	Env       Env    // all keys but ACTION, DEVPATH, SUBSYSTEM and SEQNUM
}

// Append appends e to dst as the kernel would send it.
func (e Event) Append(dst []byte) []byte {
	dst = append(dst, e.Action...)
	dst = append(append(append(dst, '@'), e.DevPath...), 0)
	dst = appendPair(dst, "ACTION", string(e.Action))
	dst = appendPair(dst, "DEVPATH", e.DevPath)
	if e.Subsystem != "" {
		dst = appendPair(dst, "SUBSYSTEM", e.Subsystem)
	}
	dst = append(dst, e.Env...)
	if e.SeqNum != 0 {
		dst = appendPair(dst, "SEQNUM", strconv.FormatUint(e.SeqNum, 10))
	}
	return dst
}

func appendPair(dst []byte, key, value string) []byte {
	dst = append(append(dst, key...), '=')
	return append(append(dst, value...), 0)
}

// Env holds KEY=VALUE pairs, each ended by a NUL, in one string: thousands of
// devices are kept, and ten short pairs are searched faster than hashed.
type Env string

// Lines makes an Env of the text of a sysfs uevent file. Lines that are not
// KEY=VALUE are left out: a device string that holds a newline must not
// become a key of its own unless it looks like one, see Get.
func Lines(text string) Env {
	env := Env(strings.ReplaceAll(text, "\n", "\x00"))
	if env != "" && env[len(env)-1] != 0 {
		env += "\x00"
	}
	for word := range env.words() {
		if !validPair(word) {
			return env.only(validPair)
		}
	}
	return env
}

// Get returns the value of key, or "". Of several the first counts: the driver
// core writes its own keys before it lets a driver add strings of the device.
func (e Env) Get(key string) string {
	for word := range e.words() {
		if len(word) > len(key) && word[len(key)] == '=' && word[:len(key)] == key {
			return word[len(key)+1:]
		}
	}
	return ""
}

// All yields keys and values in order.
func (e Env) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for word := range e.words() {
			key, value, _ := strings.Cut(word, "=")
			if !yield(key, value) {
				return
			}
		}
	}
}

// Without returns e without the given keys.
func (e Env) Without(keys ...string) Env {
	return e.only(func(word string) bool {
		key, _, _ := strings.Cut(word, "=")
		for _, k := range keys {
			if k == key {
				return false
			}
		}
		return true
	})
}

// With returns e with one more pair at the end.
func (e Env) With(key, value string) Env { return e + Env(key+"="+value+"\x00") }

func (e Env) only(keep func(word string) bool) Env {
	var b strings.Builder
	for word := range e.words() {
		if keep(word) {
			b.WriteString(word)
			b.WriteByte(0)
		}
	}
	return Env(b.String())
}

func (e Env) words() iter.Seq[string] {
	return func(yield func(string) bool) {
		for s := string(e); s != ""; {
			word, rest, _ := strings.Cut(s, "\x00")
			if !yield(word) {
				return
			}
			s = rest
		}
	}
}
