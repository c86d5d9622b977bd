package plan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errUnknown = errors.New("unknown key")

// set reads the values of one line about the program.
func (p *Program) set(key string, v []string) error {
	for _, w := range v {
		if err := Valid(key, w); err != nil {
			return err
		}
	}
	for _, f := range p.fields() {
		if f.key == key {
			return f.set(v)
		}
	}
	return p.setMore(key, v)
}

func (f field) set(v []string) error {
	need := 1
	switch x := f.value.(type) {
	case *bool:
		*x, need = true, 0
	case *string:
		*x = strings.Join(v, " ")
	case *time.Duration:
		return duration(x, strings.Join(v, " "))
	case *[]string:
		*x, need = append(append([]string{}, *x...), v...), len(v) // not nil: an empty list says something
	}
	if len(v) != need {
		return fmt.Errorf("has %d values, needs %d", len(v), need)
	}
	return nil
}

// setMore reads the lines that are like no other.
func (p *Program) setMore(key string, v []string) error {
	switch key {
	case "user":
		return p.setUser(v)
	case "capabilities":
		p.HasCapabilities, p.Capabilities = true, append(p.Capabilities, v...)
		return nil
	case "limit":
		return p.setLimit(v)
	case "cgroup":
		if len(v) != 2 || !ValidName(v[0]) || v[1] == "" {
			return errors.New("needs FILE VALUE")
		}
		p.Cgroup = append(p.Cgroup, Setting{v[0], v[1]})
		return nil
	case "health":
		return p.setHealth(v)
	case "score":
		n, err := strconv.Atoi(strings.Join(v, " "))
		if err != nil || n < -1000 || n > 1000 {
			return errors.New("needs a number from -1000 to 1000")
		}
		p.Score = n
		return nil
	}
	return errUnknown
}

// Valid says what is wrong with a word on the line of a key, in words that end
// in the remedy.
func Valid(key, word string) error {
	kind, rest, _ := strings.Cut(word, ":")
	ok, use := true, ""
	switch key {
	case "env":
		name, _, found := strings.Cut(word, "=")
		ok, use = found && name != "" && !strings.ContainsRune(word, 0), "write KEY=VALUE"
	case "restart":
		ok, use = slices.Contains([]string{"always", "on-failure", "gokrazy", "never"}, word), "use always, on-failure, gokrazy or never"
	case "after":
		ok, use = ValidName(word), "use the name of a program"
	case "wait":
		ok = slices.Contains([]string{"settled", "clock", "net"}, word) || kind == "dev" && isPath(rest) || kind == "program" && ValidName(rest)
		use = "use settled, clock, net, dev:NAME or program:NAME"
	case "ready":
		ok = word == "notify" || kind == "fd" && isDescriptor(rest) || kind == "dev" && isPath(rest) || isSocket(kind, rest, "tcp", "unix")
		use = "use notify, fd:N (3 to 1023), dev:NAME, tcp:ADDR or unix:PATH (of 107 bytes at most)"
	case "listen":
		ok, use = isSocket(kind, rest, "tcp", "udp", "unix"), "use tcp:HOST:PORT, udp:HOST:PORT or unix:PATH (of 107 bytes at most)"
	case "dir":
		ok, use = isAbsolute(word), "use an absolute path"
	case "capabilities":
		ok, use = strings.HasPrefix(word, "cap_") && ValidName(word), "write it as in capabilities(7): cap_net_raw"
	}
	if !ok {
		return fmt.Errorf("%q: %s", word, use)
	}
	return nil
}

func isAbsolute(s string) bool { return strings.HasPrefix(s, "/") && !strings.ContainsRune(s, 0) }

// isPath accepts names below /dev: no way out of it.
func isPath(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) // no control character
}

func isDescriptor(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n >= 3 && n < 1024 // PID 1 may have 4096
}

func isSocket(kind, rest string, kinds ...string) bool {
	if kind == "unix" {
		return isAbsolute(rest) && len(rest) < 108 && slices.Contains(kinds, kind) // sun_path of unix(7)
	}
	colon := strings.LastIndexByte(rest, ':')
	port, err := strconv.ParseUint(rest[colon+1:], 10, 16)
	return slices.Contains(kinds, kind) && colon >= 0 && err == nil && port > 0
}

// ValidName says whether s can name a program: it becomes a cgroup folder, a
// log tag and a home folder.
func ValidName(s string) bool {
	const rest = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return s != "" && len(s) <= 64 && s[0] != '.' && s[0] != '-' && strings.Trim(s, rest) == ""
}

func duration(dst *time.Duration, s string) error {
	ms, err := strconv.ParseUint(s, 10, 40) // at most 34 years
	if err != nil || ms == 0 {
		return fmt.Errorf("%q is not a number of milliseconds", s)
	}
	*dst = time.Duration(ms) * time.Millisecond
	return nil
}

func (p *Program) setUser(v []string) error {
	if len(v) < 2 {
		return errors.New("needs UID GID [GID...]")
	}
	var ids []uint32
	for _, w := range v {
		id, err := strconv.ParseUint(w, 10, 32)
		if err != nil || id == 1<<32-1 { // -1 would leave it root
			return fmt.Errorf("%q is not an id", w)
		}
		ids = append(ids, uint32(id))
	}
	p.HasUser, p.UID, p.GID, p.Groups = true, ids[0], ids[1], append([]uint32(nil), ids[2:]...)
	return nil
}

func (p *Program) setLimit(v []string) error {
	if len(v) != 3 || !ValidName(v[0]) {
		return errors.New("needs RESOURCE SOFT HARD")
	}
	soft, err := parseLimit(v[1])
	hard, err2 := parseLimit(v[2])
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if soft > hard {
		return fmt.Errorf("%s: soft limit above the hard one", v[0])
	}
	p.Limits = append(p.Limits, Limit{v[0], soft, hard})
	return nil
}

func parseLimit(s string) (uint64, error) {
	if s == "unlimited" {
		return Unlimited, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor unlimited", s)
	}
	return n, nil
}

func (p *Program) setHealth(v []string) error {
	const use = "needs INTERVAL TIMEOUT FAILURES PATH [ARG...]"
	if len(v) < 4 || !isAbsolute(v[3]) {
		return errors.New(use)
	}
	h := &Health{Command: append([]string(nil), v[3:]...)}
	failures, err := strconv.ParseUint(v[2], 10, 16)
	if err != nil || failures == 0 {
		return errors.New(use)
	}
	h.Failures = int(failures)
	if err := errors.Join(duration(&h.Interval, v[0]), duration(&h.Timeout, v[1])); err != nil {
		return err
	}
	p.Health = h
	return nil
}
