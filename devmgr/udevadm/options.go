package udevadm

import (
	"fmt"
	"slices"
	"strings"
)

// option is one that a verb takes. A value may stand in the same word or in
// the next one; one that may be left out only in the same word.
type option struct {
	long  string
	short byte
	value byte // 0: none, '!': must be there, '?': may be
}

type given struct{ name, value string }

// options are those of one call, in order, and the other words.
type options struct {
	given []given
	args  []string
}

func (o *options) has(name string) bool {
	return slices.ContainsFunc(o.given, func(g given) bool { return g.name == name })
}

// last returns the value that counts when an option is there several times.
func (o *options) last(name string) string {
	for _, g := range slices.Backward(o.given) {
		if g.name == name {
			return g.value
		}
	}
	return ""
}

func (o *options) all(name string) (values []string) {
	for _, g := range o.given {
		if g.name == name {
			values = append(values, g.value)
		}
	}
	return values
}

// parse reads words as getopt_long does. With plain set, what follows the
// first word that is no option is left alone: it is another command.
func parse(known []option, words []string, plain bool) (options, error) {
	var o options
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "--":
			o.args = append(o.args, words[i+1:]...)
			return o, nil
		case len(w) < 2 || w[0] != '-':
			if plain {
				o.args = append(o.args, words[i:]...)
				return o, nil
			}
			o.args = append(o.args, w)
			continue
		}
		next, more := "", i+1 < len(words)
		if more {
			next = words[i+1]
		}
		var used bool
		var err error
		if strings.HasPrefix(w, "--") {
			used, err = o.takeLong(known, w[2:], next, more)
		} else {
			used, err = o.takeShort(known, w[1:], next, more)
		}
		if err != nil {
			return o, err
		}
		if used {
			i++
		}
	}
	return o, nil
}

// takeLong takes --name or --name=value; a beginning that only one name has
// will do.
func (o *options) takeLong(known []option, word, next string, more bool) (usedNext bool, err error) {
	name, value, has := strings.Cut(word, "=")
	opt, err := findLong(known, name)
	if err != nil {
		return false, err
	}
	switch {
	case opt.value == 0 && has:
		return false, fmt.Errorf("option --%s takes no value", opt.long)
	case opt.value == '!' && !has && !more:
		return false, fmt.Errorf("option --%s needs a value", opt.long)
	case opt.value == '!' && !has:
		o.given = append(o.given, given{opt.long, next})
		return true, nil
	}
	o.given = append(o.given, given{opt.long, value})
	return false, nil
}

func findLong(known []option, name string) (option, error) {
	var found []option
	for _, k := range known {
		if k.long == name {
			return k, nil
		}
		if strings.HasPrefix(k.long, name) {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		return option{}, fmt.Errorf("unrecognized option --%s", name)
	}
	return found[0], nil
}

// takeShort takes -x, -xVALUE, -x VALUE and several letters in one word.
func (o *options) takeShort(known []option, letters, next string, more bool) (usedNext bool, err error) {
	for i := 0; i < len(letters); i++ {
		at := slices.IndexFunc(known, func(k option) bool { return k.short == letters[i] })
		if at < 0 {
			return false, fmt.Errorf("unrecognized option -%c", letters[i])
		}
		opt, rest := known[at], letters[i+1:]
		switch {
		case opt.value == 0:
			o.given = append(o.given, given{opt.long, ""})
			continue
		case rest == "" && opt.value == '!' && !more:
			return false, fmt.Errorf("option -%c needs a value", letters[i])
		case rest == "" && opt.value == '!':
			o.given = append(o.given, given{opt.long, next})
			return true, nil
		}
		o.given = append(o.given, given{opt.long, strings.TrimPrefix(rest, "=")})
		return false, nil
	}
	return false, nil
}
