// Package hwdb knows properties of hardware by patterns of its modalias, as
// hwdb(7) describes: brands and models by their numbers, keys of keyboards,
// resolutions of mice.
//
// Compile reads the text files, some ten megabytes of them, and makes an index,
// which can be kept in a file: the builder puts that into an image instead of
// the text. Open takes an index as it is and reads a twentieth of it, so that it
// may be a mapped file of which only few pages are ever in memory; a Lookup
// takes microseconds. An index that is damaged leads to properties that
// are wrong or missing, never out of bounds.
//
// udev's hwdb.bin has no specification and is not read.
package hwdb

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"slashdev/drivers/glob"
)

// File is where an image keeps its index.
const File = "usr/lib/udev/hwdb.slashdev"

// Property is one fact about a device.
type Property struct{ Key, Value string }

// DB is an opened index. It may be used by several goroutines.
type DB struct {
	patterns glob.Table
	index    [sections][]byte
}

// The sections of an index, behind a line that says what it is and the length
// of each. Numbers have 4 bytes, little endian.
const (
	patternText = iota // see glob.Table
	patternEnds
	refEnds    // by pattern: where its records end in refs
	refs       // numbers of records
	recordEnds // by record: where its properties end in properties
	properties // key and value: places in pool
	pool       // texts, each behind its length
	sections
)

const magic = "slashdev hwdb 1\n"

var errDamaged = errors.New("open hardware database: it is damaged, or of another version")

// Open takes an index, which must not change as long as the DB is used.
func Open(index []byte) (*DB, error) {
	rest, ok := strings.CutPrefix(string(index[:min(len(index), len(magic))]), magic)
	if !ok || rest != "" || len(index) < len(magic)+4*sections {
		return nil, errDamaged
	}
	db := &DB{}
	at := len(magic) + 4*sections
	for i := range db.index {
		n := int(binary.LittleEndian.Uint32(index[len(magic)+4*i:]))
		if n > len(index)-at {
			return nil, errDamaged
		}
		db.index[i] = index[at : at+n : at+n]
		at += n
	}
	var err error
	db.patterns, err = glob.Open(db.index[patternText], db.index[patternEnds])
	if err != nil || at != len(index) {
		return nil, errDamaged
	}
	return db, nil
}

// maxLookup is more than the longest modalias.
const maxLookup = 4096

// Lookup returns what is known of a modalias, sorted by key. Where several
// records say the same key the last one counts.
func (db *DB) Lookup(modalias string) []Property {
	if len(modalias) > maxLookup {
		return nil
	}
	var records []int
	for _, p := range db.patterns.Find(modalias) {
		from, to := db.span(refEnds, p)
		for i := from; i < to; i++ {
			records = append(records, db.number(refs, i))
		}
	}
	slices.Sort(records)
	var found []Property
	for _, r := range records {
		from, to := db.span(recordEnds, r)
		for i := from; i < to; i++ {
			found = put(found, Property{db.text(db.number(properties, 2*i)), db.text(db.number(properties, 2*i+1))})
		}
	}
	slices.SortFunc(found, func(a, b Property) int { return cmp.Compare(a.Key, b.Key) })
	return found
}

func put(all []Property, p Property) []Property {
	i := slices.IndexFunc(all, func(old Property) bool { return old.Key == p.Key })
	if i < 0 {
		return append(all, p)
	}
	all[i] = p
	return all
}

// number returns the i-th number of a section, 0 behind its end.
func (db *DB) number(section, i int) int {
	if i < 0 || i >= len(db.index[section])/4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(db.index[section][4*i:]))
}

// span returns what belongs to the i-th of a section of ends. It is never long
// in an index that was compiled.
func (db *DB) span(section, i int) (from, to int) {
	const longest = 1 << 16
	if i > 0 {
		from = db.number(section, i-1)
	}
	to = db.number(section, i)
	return from, min(to, from+longest)
}

func (db *DB) text(at int) string {
	all := db.index[pool]
	if at >= len(all) {
		return ""
	}
	n, used := binary.Uvarint(all[at:])
	if start := at + used; used > 0 && n <= uint64(len(all)-start) {
		return string(all[start : start+int(n)])
	}
	return ""
}
