package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"slashdev/drivers/kmod"
)

const modprobeUsage = `usage: modprobe [-nqvbi] [--first-time] NAME [PARAMETER=VALUE]...
       modprobe [-nqvbi] -a NAME...
       modprobe [-nqv] -r NAME...
       modprobe -D NAME        print what would be loaded (--show-depends)
       modprobe -R NAME        print the modules that an alias means

Loads or removes (-r) kernel modules by name or alias, with what they need.
  -a  all arguments are names        -n  dry run; with -v it says what it would do
  -b  blacklists are for names too   -q  say nothing if there is no such module
  -i  pass over install and remove lines of modprobe.d
  -S RELEASE, -d ROOT  of another kernel, below another root
`

// prober is one run of modprobe.
type prober struct {
	env     environment
	index   *kmod.Index
	kernel  proberKernel
	root    string
	release string
	flags   map[string]bool
	args    []string
	params  string // of the modules that were asked for
}

// proberKernel is what modprobe wants of the kernel.
type proberKernel interface {
	kmod.Kernel
	Remove(module string) error
	Users(module string) (int, error)
}

func runModprobe(env environment, args []string) int {
	m := &prober{env: env, kernel: kmod.Linux{}, root: "/", flags: map[string]bool{}}
	if err := m.parse(args); err != nil {
		return env.fail(exitFailed, "modprobe: %v\n%s", err, modprobeUsage)
	}
	if m.flags["h"] {
		fmt.Fprint(env.stdout, modprobeUsage)
		return exitOK
	}
	if m.release == "" {
		var err error
		if m.release, err = kmod.Release(); err != nil {
			return env.fail(exitFailed, "modprobe: %v", err)
		}
	}
	x, err := kmod.Open(os.DirFS(m.root), m.release)
	if x == nil || err != nil && !m.flags["q"] {
		env.fail(exitFailed, "modprobe: %v", err)
	}
	if x == nil {
		return exitFailed
	}
	m.index, m.kernel = x, kmod.Linux{Root: m.root}
	return m.run()
}

// longFlags are the long names of flags.
var longFlags = map[string]string{
	"all": "a", "use-blacklist": "b", "ignore-install": "i", "ignore-remove": "i", "dry-run": "n", "show": "n",
	"quiet": "q", "remove": "r", "resolve-alias": "R", "show-depends": "D", "verbose": "v", "help": "h",
	"first-time": "1", "syslog": "s", "set-version": "S", "dirname": "d",
}

func (m *prober) parse(args []string) error {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			m.args, args = append(m.args, args...), nil
		case len(word) < 2 || word[0] != '-':
			m.args = append(m.args, word)
		default:
			var err error
			if args, err = m.option(word, args); err != nil {
				return err
			}
		}
	}
	if len(m.args) == 0 && !m.flags["h"] {
		return errors.New("no module is named")
	}
	return nil
}

// option takes one word of options, and its value, off args.
func (m *prober) option(word string, args []string) ([]string, error) {
	letters, value, hasValue := strings.TrimLeft(word, "-"), "", false
	if long, ok := strings.CutPrefix(word, "--"); ok {
		long, value, hasValue = strings.Cut(long, "=")
		letters = longFlags[long]
	}
	if letters == "" {
		return nil, fmt.Errorf("%s is not there", word)
	}
	for i, letter := range strings.Split(letters, "") {
		switch {
		case strings.Contains("abinqrRDvhs1", letter):
			m.flags[letter] = true
			continue
		case letter != "S" && letter != "d":
			return nil, fmt.Errorf("%s is not there", word)
		case i+1 < len(letters):
			value = letters[i+1:]
		case !hasValue && len(args) > 0:
			value, args = args[0], args[1:]
		}
		m.set(letter, value)
		break
	}
	return args, nil
}

func (m *prober) set(letter, value string) {
	if letter == "S" {
		m.release = value
	} else {
		m.root = value
	}
}

func (m *prober) run() int {
	names := m.args
	if !m.flags["a"] && !m.flags["r"] {
		names, m.params = m.args[:1], strings.Join(quoteParams(m.args[1:]), " ")
	}
	one := m.load
	switch {
	case m.flags["R"]:
		one = m.resolve
	case m.flags["D"]:
		one = m.depends
	case m.flags["r"]:
		one = m.remove
	}
	code := exitOK
	for _, name := range names {
		if err := one(name); err != nil {
			code = exitFailed
			m.complain(name, err)
		}
	}
	return code
}

// quoteParams puts back the quotes that a shell has taken off a value.
func quoteParams(params []string) []string {
	quoted := make([]string, len(params))
	for i, p := range params {
		quoted[i] = p
		if key, value, ok := strings.Cut(p, "="); ok && strings.ContainsAny(value, " \t") && !strings.Contains(value, `"`) {
			quoted[i] = key + `="` + value + `"`
		}
	}
	return quoted
}

func (m *prober) complain(name string, err error) {
	switch {
	case errors.Is(err, kmod.ErrUnknown) && m.flags["q"]:
	case errors.Is(err, kmod.ErrUnknown):
		m.env.fail(exitFailed, "modprobe: FATAL: Module %s not found in directory /lib/modules/%s", printable(name), m.release)
	default:
		m.env.fail(exitFailed, "modprobe: %s: %s", printable(name), printable(kmod.Outcome{Err: err}.Text()))
	}
}

// plan is the index's, as the flags want it. What is blacklisted is passed over.
func (m *prober) plan(name string) ([]kmod.Load, error) {
	loads, err := m.index.Plan(name)
	if errors.Is(err, kmod.ErrBlacklisted) {
		m.say("# %s: %v\n", printable(name), err)
		return nil, nil
	}
	for _, l := range loads {
		if where := m.index.Blacklisted(l.Module); l.Target && m.flags["b"] && where != "" {
			m.say("# %s is blacklisted at %s\n", l.Module, where)
			return nil, nil
		}
	}
	for i := range loads {
		m.adapt(&loads[i])
	}
	return loads, err
}

func (m *prober) adapt(l *kmod.Load) {
	if l.Target && m.params != "" {
		l.Options = strings.TrimSpace(l.Options + " " + m.params)
	}
	if l.Target && m.flags["i"] {
		l.Command, l.Refused = "", ""
	}
}

func (m *prober) say(format string, args ...any) {
	if m.flags["v"] {
		fmt.Fprintf(m.env.stdout, format, args...)
	}
}

func (m *prober) load(name string) error {
	loads, err := m.plan(name)
	if err != nil {
		return err
	}
	for _, l := range loads {
		if l.Target && m.flags["1"] && (l.Builtin || m.kernel.Loaded(l.Module)) {
			return errors.New("module is in the kernel already")
		}
	}
	return kmod.Perform(loads, m.insert)
}

func (m *prober) insert(l kmod.Load) error {
	switch {
	case l.Refused != "":
		return errors.New(l.Refused)
	case l.Command != "":
		m.say("install %s\n", l.Command)
		return nil
	case l.File == "" || m.kernel.Loaded(l.Module):
		return nil
	}
	m.say("%s\n", m.line(l))
	if m.flags["n"] {
		return nil
	}
	return m.kernel.Insert(l)
}

// line is a load as the command that one would type.
func (m *prober) line(l kmod.Load) string {
	return strings.TrimSpace("insmod " + strings.TrimRight(m.root, "/") + "/" + l.File + " " + l.Options)
}

func (m *prober) depends(name string) error {
	loads, err := m.plan(name)
	for _, l := range loads {
		line := m.line(l)
		switch {
		case l.Command != "":
			line = "install " + l.Command
		case l.Builtin:
			line = "builtin " + l.Module
		}
		fmt.Fprintln(m.env.stdout, line)
	}
	return err
}

func (m *prober) resolve(name string) error {
	loads, err := m.plan(name)
	for _, l := range loads {
		if l.Target {
			fmt.Fprintln(m.env.stdout, l.Module)
		}
	}
	return err
}

// remove takes out what a name means, and what only that needed.
func (m *prober) remove(name string) error {
	loads, err := m.plan(name)
	if err != nil {
		return err
	}
	var errs []error
	for i := len(loads) - 1; i >= 0; i-- {
		l := loads[i]
		if !l.Target && !m.idle(l) {
			continue
		}
		if err := m.take(l); err != nil && l.Target {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// idle says whether nothing uses a module.
func (m *prober) idle(l kmod.Load) bool {
	n, err := m.kernel.Users(l.Module)
	return err == nil && n == 0
}

func (m *prober) take(l kmod.Load) error {
	if l.Builtin {
		return fmt.Errorf("remove %s: it is built in", l.Module)
	}
	if l.File == "" || !m.kernel.Loaded(l.Module) {
		return nil
	}
	reason, done := m.index.Kept(l.Module)
	switch {
	case m.flags["i"] && l.Target:
	case done:
		return nil
	case reason != "":
		return fmt.Errorf("remove %s: %s", l.Module, reason)
	}
	m.say("rmmod %s\n", l.Module)
	if m.flags["n"] {
		return nil
	}
	if err := m.kernel.Remove(l.Module); err != nil {
		return fmt.Errorf("remove %s: %w", l.Module, err)
	}
	return nil
}
