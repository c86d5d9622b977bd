package tool

import "strings"

// Options are the options that an applet was called with.
type Options map[string]string

// Has reports whether the option was given.
func (o Options) Has(name string) bool {
	_, ok := o[name]
	return ok
}

// Parse splits args into options and operands. spec names the options, one
// word each: "l" is -l, "json" is --json, and "n=" or "level=" take a value.
// Short options may be joined (-la, -n5); options may follow operands; "--"
// ends them. "a|all" are two spellings, and the first is the key.
func Parse(spec string, args []string) (Options, []string, error) {
	p := parser{known: map[string]option{}, opts: Options{}, rest: args}
	for _, word := range strings.Fields(spec) {
		p.learn(word)
	}
	var operands []string
	for len(p.rest) > 0 {
		arg := p.next()
		var err error
		switch {
		case arg == "--":
			return p.opts, append(operands, p.rest...), nil
		case strings.HasPrefix(arg, "--"):
			err = p.long(arg[2:])
		case len(arg) > 1 && arg[0] == '-':
			err = p.short(arg[1:])
		default:
			operands = append(operands, arg)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return p.opts, operands, nil
}

type option struct {
	key   string
	value bool
}

type parser struct {
	known map[string]option
	opts  Options
	rest  []string
}

func (p *parser) learn(word string) {
	names, value := strings.CutSuffix(word, "=")
	spellings := strings.Split(names, "|")
	for _, s := range spellings {
		p.known[s] = option{spellings[0], value}
	}
}

func (p *parser) next() string {
	arg := p.rest[0]
	p.rest = p.rest[1:]
	return arg
}

func (p *parser) long(s string) error {
	name, value, given := strings.Cut(s, "=")
	o, ok := p.known[name]
	if !ok || len(name) == 1 {
		return Usagef("unknown option --%s", name)
	}
	if !o.value {
		if given {
			return Usagef("option --%s takes no value", name)
		}
		p.opts[o.key] = ""
		return nil
	}
	if !given {
		if len(p.rest) == 0 {
			return Usagef("option --%s needs a value", name)
		}
		value = p.next()
	}
	p.opts[o.key] = value
	return nil
}

func (p *parser) short(s string) error {
	for i := range len(s) {
		o, ok := p.known[s[i:i+1]]
		if !ok {
			return Usagef("unknown option -%s", s[i:i+1])
		}
		if !o.value {
			p.opts[o.key] = ""
			continue
		}
		value := s[i+1:]
		if value == "" {
			if len(p.rest) == 0 {
				return Usagef("option -%s needs a value", s)
			}
			value = p.next()
		}
		p.opts[o.key] = value
		return nil
	}
	return nil
}
