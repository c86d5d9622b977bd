package naming

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Numbers counts the devices of a class. A device gets the lowest number that
// is free; a number that its place had before is its own again if nobody took
// it meanwhile. One goroutine owns it.
type Numbers struct {
	stable  bool
	changed bool // since Changed was called
	classes map[string]*class
	held    map[string]held // by owner
}

type held struct{ class, place string }

type class struct {
	places map[string]int // numbers given out or kept, by place
	used   map[int]bool
	kept   map[string]bool // places whose device is not there
	low    int             // below it no number is free
}

// maxKept bounds the places of a class that are remembered without a device.
const maxKept = 1024

// Take returns the number of owner in a class; it is kept until Drop.
func (n *Numbers) Take(name, place, owner string) int {
	if h, ok := n.held[owner]; ok && h.class == name {
		return n.classes[name].places[h.place]
	}
	n.Drop(owner)
	c := n.class(name)
	if _, there := c.places[place]; there && !c.kept[place] {
		place = owner // two devices at one place
	}
	if n.held == nil {
		n.held = map[string]held{}
	}
	n.held[owner], n.changed = held{name, place}, true
	return c.take(place, nil, 0)
}

// reserve returns a number that is never given back: one of first if one is
// free, else the lowest from floor.
func (n *Numbers) reserve(name, place string, first []int, floor int) int {
	c := n.class(name)
	if _, known := c.places[place]; !known {
		n.changed = true
	}
	return c.take(place, first, floor)
}

// Drop gives the number of owner back. A stable one waits for its place.
func (n *Numbers) Drop(owner string) {
	h, ok := n.held[owner]
	if !ok {
		return
	}
	delete(n.held, owner)
	n.changed = true
	c := n.classes[h.class]
	if n.stable && h.place != owner && len(c.kept) < maxKept {
		c.kept[h.place] = true
		return
	}
	c.free(h.place)
}

// Changed says whether the text has changed since it was called last.
func (n *Numbers) Changed() bool {
	was := n.changed
	n.changed = false
	return was
}

// Settle forgets the places that nobody came back to, after a start; stable
// ones are kept.
func (n *Numbers) Settle() {
	for _, c := range n.classes {
		for place := range c.kept {
			if !n.stable {
				c.free(place)
				n.changed = true
			}
		}
	}
}

func (n *Numbers) class(name string) *class {
	if n.classes == nil {
		n.classes = map[string]*class{}
	}
	c := n.classes[name]
	if c == nil {
		c = &class{places: map[string]int{}, used: map[int]bool{}, kept: map[string]bool{}}
		n.classes[name] = c
	}
	return c
}

func (c *class) take(place string, first []int, floor int) int {
	delete(c.kept, place)
	if i, ok := c.places[place]; ok {
		return i
	}
	at := slices.IndexFunc(first, func(i int) bool { return !c.used[i] })
	i := max(floor, c.low)
	if at >= 0 {
		i = first[at]
	}
	for c.used[i] {
		i++
	}
	if floor == 0 && at < 0 {
		c.low = i + 1
	}
	c.places[place], c.used[i] = i, true
	return i
}

func (c *class) free(place string) {
	i := c.places[place]
	delete(c.places, place)
	delete(c.kept, place)
	delete(c.used, i)
	c.low = min(c.low, i)
}

const numbersHead = "slashdev-numbers 1\n"

// String returns the numbers as text that ParseNumbers reads.
func (n *Numbers) String() string {
	var rows []string
	for name, c := range n.classes {
		for place, i := range c.places {
			rows = append(rows, fmt.Sprintf("%s %d %s\n", name, i, strconv.QuoteToASCII(place)))
		}
	}
	slices.Sort(rows)
	return numbersHead + strings.Join(rows, "")
}

// maxNumbers bounds the text of ParseNumbers.
const maxNumbers = 1 << 20

// ParseNumbers reads what String wrote. No device holds a number yet: each is
// kept for its place until Settle. A text that is wrong anywhere is refused.
func ParseNumbers(text string) (*Numbers, error) {
	rest, ok := strings.CutPrefix(text, numbersHead)
	if !ok || len(text) > maxNumbers {
		return nil, fmt.Errorf("numbers: the first line is not %q", strings.TrimSpace(numbersHead))
	}
	n := &Numbers{}
	for row := range strings.Lines(rest) {
		words := strings.SplitN(strings.TrimSuffix(row, "\n"), " ", 3)
		if len(words) != 3 || clean(words[0]) != words[0] || words[0] == "" || !isNumber(words[1]) {
			return nil, fmt.Errorf("numbers: %q is not CLASS NUMBER \"PLACE\"", row)
		}
		i, err := strconv.ParseUint(words[1], 10, 20)
		if err != nil {
			return nil, fmt.Errorf("numbers: %w", err)
		}
		place, err := strconv.Unquote(words[2])
		if err != nil {
			return nil, fmt.Errorf("numbers: %q: %w", words[2], err)
		}
		c := n.class(words[0])
		if _, twice := c.places[place]; twice || c.used[int(i)] {
			return nil, fmt.Errorf("numbers: %q is there twice", row)
		}
		c.places[place], c.used[int(i)], c.kept[place] = int(i), true, true
	}
	return n, nil
}
