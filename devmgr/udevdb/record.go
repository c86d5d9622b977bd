// Package udevdb keeps what programs that use libudev read below /run/udev.
//
// A Record is what is known about one device beyond what the kernel says: the
// links that it claims, properties and tags that rules gave it, and since when
// it has been known. Dir writes records as files, tags and link claims, in
// one step each, so that a reader sees the old or the new state. Read and
// Parse take any text: what makes no sense in it is passed over. Properties
// and names come from devices; what would break the format is encoded or left
// out.
package udevdb

import (
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/uevent"
)

// Record is the entry of one device.
type Record struct {
	ID          string     // see ID
	DevName     string     // its node below /dev, "" if it has none
	Links       []string   // below /dev, those that others won too
	Priority    int        // of its claims to the links
	Initialized uint64     // when it was first known: microseconds of CLOCK_MONOTONIC
	Properties  uevent.Env // that rules and probes set, none of the kernel's
	Tags        []string   // that were ever set
	CurrentTags []string   // that the latest event set
	Persist     bool       // survives "udevadm info --cleanup-db"
}

// Append appends the text of the record's file. A record that says nothing has
// an empty file.
func (r *Record) Append(dst []byte) []byte {
	if r.empty() {
		return dst
	}
	for _, l := range r.Links {
		dst = appendLine(dst, 'S', l)
	}
	if r.Priority != 0 {
		dst = appendLine(dst, 'L', strconv.Itoa(r.Priority))
	}
	if r.Initialized != 0 {
		dst = appendLine(dst, 'I', strconv.FormatUint(r.Initialized, 10))
	}
	for key, value := range r.Properties.All() {
		if storable(key) {
			dst = appendLine(dst, 'E', key+"="+value)
		}
	}
	for _, t := range r.Tags {
		dst = appendLine(dst, 'G', t)
	}
	for _, t := range r.CurrentTags {
		dst = appendLine(dst, 'Q', t)
	}
	return append(dst, "V:1\n"...)
}

// empty goes by what rules can set; being known for some time is no news.
func (r *Record) empty() bool {
	return len(r.Links) == 0 && r.Priority == 0 && len(r.Tags) == 0 && len(r.CurrentTags) == 0 && !r.hasProperties()
}

func (r *Record) hasProperties() bool {
	for key := range r.Properties.All() {
		if storable(key) {
			return true
		}
	}
	return false
}

// storable is false for what rules keep to themselves.
func storable(key string) bool { return key != "" && key[0] != '.' }

// appendLine keeps a line break in a string of a device from beginning a line.
func appendLine(dst []byte, letter byte, value string) []byte {
	dst = append(dst, letter, ':')
	if strings.IndexByte(value, '\n') >= 0 {
		value = strings.ReplaceAll(value, "\n", `\x0a`)
	}
	return append(append(dst, value...), '\n')
}

// Parse reads the text of a record's file. Letters that it does not know and
// lines that make no sense are passed over.
func Parse(text string) Record {
	var r Record
	var env strings.Builder
	versioned := false
	for line := range strings.Lines(text) {
		letter, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !ok || value == "" || strings.IndexByte(value, 0) >= 0 {
			continue
		}
		switch letter {
		case "E":
			if key, _, ok := strings.Cut(value, "="); ok && storable(key) {
				env.WriteString(value + "\x00")
			}
		case "V":
			versioned = true
		default:
			r.parseLine(letter, value)
		}
	}
	r.Properties = uevent.Env(env.String())
	if !versioned && len(r.CurrentTags) == 0 { // written before there was a difference
		r.CurrentTags = slices.Clone(r.Tags)
	}
	return r
}

func (r *Record) parseLine(letter, value string) {
	switch letter {
	case "S":
		if uevent.CheckName(value) == nil {
			r.Links = append(r.Links, value)
		}
	case "L":
		if n, err := strconv.ParseInt(value, 10, 32); err == nil {
			r.Priority = int(n)
		}
	case "I":
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			r.Initialized = n
		}
	case "G":
		r.Tags = appendTag(r.Tags, value)
	case "Q":
		r.CurrentTags = appendTag(r.CurrentTags, value)
	}
}

// appendTag leaves out what cannot be the name of a directory, and what is
// there already.
func appendTag(tags []string, tag string) []string {
	if !fileName(tag) || strings.IndexByte(tag, ':') >= 0 || slices.Contains(tags, tag) {
		return tags
	}
	return append(tags, tag)
}

// fileName says whether s can be the name of a file of the database. Names
// with a dot in front are those of files that are being written.
func fileName(s string) bool {
	return s != "" && s[0] != '.' && len(s) <= maxName && strings.IndexByte(s, '/') < 0 && strings.IndexByte(s, 0) < 0 &&
		strings.IndexByte(s, '\n') < 0
}

// maxName leaves room for the dot of a file on its way.
const maxName = 254
