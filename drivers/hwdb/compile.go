package hwdb

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"slashdev/drivers/glob"
)

// Problem is a line that does not act.
type Problem struct {
	File string
	Line int
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// Source is a text file.
type Source struct{ Name, Text string }

// Dirs are the folders of *.hwdb files below the root; of files of one name the
// first counts.
func Dirs() []string {
	return []string{"etc/udev/hwdb.d", "run/udev/hwdb.d", "usr/lib/udev/hwdb.d", "lib/udev/hwdb.d"}
}

// Compile makes an index of all files below root. Without files it is nil.
func Compile(root fs.FS) (index []byte, problems []Problem, err error) {
	sources, err := find(root)
	if err != nil || len(sources) == 0 {
		return nil, nil, err
	}
	return Build(sources)
}

// Build makes an index of files. Of those of one name in several folders the
// first counts; the names without folders say the order.
func Build(sources []Source) (index []byte, problems []Problem, err error) {
	byName := func(a, b Source) int { return cmp.Compare(path.Base(a.Name), path.Base(b.Name)) }
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, byName)
	sources = slices.CompactFunc(sources, func(a, b Source) bool { return byName(a, b) == 0 })
	c := &compiler{pooled: map[string]uint32{}}
	for _, s := range sources {
		c.parse(s.Name, s.Text)
	}
	index, err = c.index()
	return index, c.problems, err
}

func find(root fs.FS) (sources []Source, err error) {
	for _, dir := range Dirs() {
		entries, err := fs.ReadDir(root, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("compile hardware database: %w", err)
		}
		for _, e := range entries {
			if path.Ext(e.Name()) != ".hwdb" {
				continue
			}
			text, err := fs.ReadFile(root, path.Join(dir, e.Name()))
			if err != nil {
				return nil, fmt.Errorf("compile hardware database: %w", err)
			}
			sources = append(sources, Source{"/" + path.Join(dir, e.Name()), string(text)})
		}
	}
	return sources, nil
}

// compiler collects records. A record's number is its priority.
type compiler struct {
	matches    []match
	recordEnds []uint32
	properties []uint32
	pool       []byte
	pooled     map[string]uint32
	problems   []Problem

	file  string
	line  int
	state int
	open  []string // patterns of the record that is being read
}

type match struct {
	pattern string
	record  uint32
}

// What may come next.
const (
	outside  = iota // a pattern
	patterns        // another pattern, or a property
	values          // another property, or an empty line
	broken          // nothing, until an empty line
)

func (c *compiler) parse(file, text string) {
	c.file, c.line = file, 0
	for line := range strings.Lines(text) {
		c.line++
		if line[0] == '#' {
			continue
		}
		line, _, _ = strings.Cut(line, "#")
		c.take(strings.TrimRight(line, " \t\r\n\v\f"))
	}
	c.take("")
}

func (c *compiler) problem(text string) {
	c.problems = append(c.problems, Problem{c.file, c.line, text})
}

func (c *compiler) take(line string) {
	indented := line != "" && line[0] == ' '
	switch {
	case line == "":
		if c.state == patterns {
			c.problem("a record without properties")
		}
		c.end()
	case c.state == broken:
	case indented && c.state == outside:
		c.problem("a property that belongs to no pattern")
	case indented:
		c.property(strings.TrimLeft(line, " "))
	case c.state == values:
		c.problem("a pattern behind properties: an empty line is missing, and the rest of the record is ignored")
		c.end()
		c.state = broken
	default:
		c.open = append(c.open, literal(line))
		c.state = patterns
	}
}

// literal keeps a backslash what it is here: a character like others.
func literal(pattern string) string { return strings.ReplaceAll(pattern, `\`, `\\`) }

func (c *compiler) property(text string) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		c.problem("not KEY=VALUE: the line is ignored")
		return
	}
	c.state = values
	c.properties = append(c.properties, c.intern(key), c.intern(value))
}

// intern puts a text into the pool once.
func (c *compiler) intern(text string) uint32 {
	at, ok := c.pooled[text]
	if !ok {
		at = uint32(len(c.pool))
		c.pooled[text] = at
		c.pool = append(binary.AppendUvarint(c.pool, uint64(len(text))), text...)
	}
	return at
}

// end closes the record that is being read, if it has any properties.
func (c *compiler) end() {
	if c.state == values {
		for _, p := range c.open {
			c.matches = append(c.matches, match{p, uint32(len(c.recordEnds))})
		}
		c.recordEnds = append(c.recordEnds, uint32(len(c.properties)/2))
	}
	c.open, c.state = c.open[:0], outside
}

// index writes everything down.
func (c *compiler) index() ([]byte, error) {
	slices.SortStableFunc(c.matches, func(a, b match) int { return cmp.Compare(a.pattern, b.pattern) })
	var sorted []string
	var ends, records []uint32
	for _, m := range c.matches {
		if n := len(sorted); n == 0 || sorted[n-1] != m.pattern {
			sorted, ends = append(sorted, m.pattern), append(ends, 0)
		}
		records = append(records, m.record)
		ends[len(ends)-1] = uint32(len(records))
	}
	table, err := glob.New(sorted)
	if err != nil {
		return nil, fmt.Errorf("compile hardware database: %w", err)
	}
	var all [sections][]byte
	all[patternText], all[patternEnds] = table.Bytes()
	all[refEnds], all[refs] = numbers(ends), numbers(records)
	all[recordEnds], all[properties], all[pool] = numbers(c.recordEnds), numbers(c.properties), c.pool
	index := []byte(magic)
	for _, s := range all {
		if len(s) > math.MaxInt32 {
			return nil, errors.New("compile hardware database: it is too large")
		}
		index = binary.LittleEndian.AppendUint32(index, uint32(len(s)))
	}
	for _, s := range all {
		index = append(index, s...)
	}
	return index, nil
}

func numbers(all []uint32) []byte {
	b := make([]byte, 0, 4*len(all))
	for _, n := range all {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}
