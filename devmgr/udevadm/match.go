package udevadm

import (
	"path"
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
)

// matcher says whether a device is wanted: options of one kind are
// alternatives, and each kind that was given must be met.
type matcher struct {
	s *System
	o options
	// only holds the devices of --name-match; parents what --parent-match names.
	only, parents []*device
}

func (s *System) newMatcher(o options) (*matcher, error) {
	m := &matcher{s: s, o: o}
	for _, word := range o.all("name-match") {
		d, err := s.find("/dev/" + strings.TrimPrefix(word, "/dev/"))
		if err != nil {
			return nil, err
		}
		m.only = append(m.only, d)
	}
	for _, word := range o.all("parent-match") {
		d, err := s.find(word)
		if err != nil {
			return nil, err
		}
		m.parents = append(m.parents, d)
	}
	for _, word := range o.all("property-match") {
		if !strings.Contains(word, "=") {
			return nil, ctl.Errorf(ctl.Usage, "--property-match: %q is not KEY=VALUE", word)
		}
	}
	return m, nil
}

func (m *matcher) match(d *device) bool {
	subsystem := func(pattern string) bool { return glob(pattern, d.ev.Subsystem) }
	attr := func(word string) bool { return m.attr(d, word) }
	return m.any("subsystem-match", subsystem) && m.none("subsystem-nomatch", subsystem) &&
		m.all("attr-match", attr) && m.none("attr-nomatch", attr) &&
		m.any("property-match", func(word string) bool { return matchProperty(d, word) }) &&
		m.all("tag-match", func(tag string) bool { return slices.Contains(d.record.Tags, tag) }) &&
		m.any("sysname-match", func(pattern string) bool { return glob(pattern, d.name()) }) &&
		m.below(d) && m.initialized(d)
}

func (m *matcher) any(name string, ok func(string) bool) bool {
	values := m.o.all(name)
	return values == nil || slices.ContainsFunc(values, ok)
}

func (m *matcher) none(name string, ok func(string) bool) bool {
	return !slices.ContainsFunc(m.o.all(name), ok)
}

func (m *matcher) all(name string, ok func(string) bool) bool {
	return !slices.ContainsFunc(m.o.all(name), func(v string) bool { return !ok(v) })
}

func (m *matcher) attr(d *device, word string) bool {
	name, pattern, hasValue := strings.Cut(word, "=")
	value, err := m.s.Sys.Attr(d.ev.DevPath, name)
	return err == nil && (!hasValue || glob(pattern, strings.TrimRight(value, " \t")))
}

func matchProperty(d *device, word string) bool {
	key, pattern, _ := strings.Cut(word, "=")
	for _, p := range d.properties() {
		if glob(key, p.key) && glob(pattern, p.value) {
			return true
		}
	}
	return false
}

func (m *matcher) below(d *device) bool {
	if m.parents == nil {
		return true
	}
	return slices.ContainsFunc(m.parents, func(p *device) bool {
		return d.ev.DevPath == p.ev.DevPath || strings.HasPrefix(d.ev.DevPath, p.ev.DevPath+"/")
	})
}

func (m *matcher) initialized(d *device) bool {
	switch {
	case m.o.has("initialized-match"):
		return d.known
	case m.o.has("initialized-nomatch"):
		return !d.known
	}
	return true
}

// glob matches as the shell does, but "*" matches slashes too.
func glob(pattern, s string) bool {
	if pattern == s {
		return true
	}
	const slash = "\x01" // in no name
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(s, "/", slash))
	return ok
}
