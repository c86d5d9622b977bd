package udev

import (
	"errors"
	"fmt"
	"strings"

	"slashdev/devmgr/devtree"
)

// step does one rule and says whether it applied.
func (st *state) step(s *step) bool {
	for i := 0; i < len(s.tests); i++ {
		if !s.tests[i].kind.ofParent() {
			if !st.test(&s.tests[i]) {
				return false
			}
			continue
		}
		n := i + 1
		for n < len(s.tests) && s.tests[n].kind.ofParent() {
			n++
		}
		if !st.search(s.tests[i:n]) {
			return false
		}
		i = n - 1
	}
	st.escape = ""
	for i := range s.rule.acts {
		st.act(&s.rule.acts[i])
	}
	return true
}

// search looks for one device, this or one above, for which all tests hold.
func (st *state) search(tests []test) bool {
	for at := 0; at <= len(st.above()); at++ {
		if st.allHold(tests, at) {
			st.at = at
			return true
		}
	}
	st.at = -1
	return false
}

func (st *state) allHold(tests []test, at int) bool {
	for i := range tests {
		if !st.holdsAt(&tests[i], at) {
			return false
		}
	}
	return true
}

func (st *state) deviceAt(at int) *devtree.Device {
	if at == 0 {
		return st.dev.Device
	}
	return st.above()[at-1].Device
}

func (st *state) holdsAt(t *test, at int) bool {
	dev := st.deviceAt(at)
	switch t.kind {
	case testKernels:
		return t.compare(strings.ReplaceAll(dev.Name(), "!", "/"))
	case testSubsystems:
		return t.compare(dev.Subsystem)
	case testDrivers:
		return t.compare(dev.Env.Get("DRIVER"))
	case testAttrs:
		value, ok := st.attr(at, t.attr)
		return ok && t.compareAttr(value)
	case testTags:
		tags := st.res.Tags
		if at > 0 {
			tags = st.above()[at-1].Tags
		}
		return t.any(tags)
	}
	return false
}

func (t *test) compare(value string) bool { return t.pat.match(value) != t.not }

// compareAttr leaves white space at the end out, unless the pattern has some.
func (t *test) compareAttr(value string) bool {
	if !t.pat.space {
		value = trimSpace(value)
	}
	return t.compare(value)
}

// any says whether one of the values matches, or none if the test is "!=".
func (t *test) any(values []string) bool {
	for _, v := range values {
		if t.pat.match(v) {
			return !t.not
		}
	}
	return t.not
}

func (st *state) test(t *test) bool {
	switch t.kind {
	case testAction:
		return t.compare(st.dev.Action)
	case testDevpath:
		return t.compare(st.dev.DevPath)
	case testKernel:
		return t.compare(st.name)
	case testSubsystem:
		return t.compare(st.dev.Subsystem)
	case testDriver:
		return t.compare(st.dev.Env.Get("DRIVER"))
	case testEnv:
		return t.compare(st.env(t.name))
	case testSymlink:
		return t.any(st.res.Links)
	case testTag:
		return t.any(st.res.Tags)
	case testName:
		return t.compare(st.res.Name)
	case testConst:
		return t.compare(st.host.Const(t.name))
	case testResult:
		return t.compare(st.result)
	}
	return st.ask(t)
}

// ask does the tests that need the machine.
func (st *state) ask(t *test) bool {
	switch t.kind {
	case testAttr:
		value, ok := "", false
		if t.plain {
			value, ok = st.attr(0, t.attr)
		} else {
			value, ok = st.readAttr(0, st.text(&t.path))
		}
		return ok && t.compareAttr(value)
	case testSysctl:
		value, ok := st.host.Read(sysctlPath(st.text(&t.path)))
		return ok && t.compareAttr(value)
	case testFile:
		return st.exists(t) != t.not
	case testProgram:
		answer, ok := st.call(t, false)
		st.result = ""
		if ok {
			st.result = string(clean([]byte(strings.TrimRight(answer.Output, "\n")), 0, inputBytes))
		}
		return ok != t.not
	}
	return st.load(t) != t.not
}

func sysctlPath(name string) string {
	if !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, ".", "/")
	}
	return "/proc/sys/" + name
}

// exists does TEST: a name is below the device's own directory unless it is a
// whole path.
func (st *state) exists(t *test) bool {
	name := st.text(&t.path)
	paths := []string{name}
	switch {
	case strings.HasPrefix(name, "["):
		paths = bracketPaths(name)
	case !strings.HasPrefix(name, "/"):
		paths[0] = "/sys" + st.dev.DevPath + "/" + name
	}
	for _, path := range paths {
		if mode, ok := st.host.Stat(path); ok {
			return t.mask == 0 || uint32(mode.Perm())&t.mask != 0
		}
	}
	return false
}

// load does IMPORT and says whether there was something to import.
func (st *state) load(t *test) bool {
	switch t.kind {
	case testImportFile:
		text, ok := st.host.Read(st.text(&t.path))
		st.loadLines(text, t)
		return ok
	case testImportProgram:
		answer, ok := st.call(t, false)
		if ok {
			st.loadLines(answer.Output, t)
			st.loadProperties(answer.Properties, t) // of a program that is built in
		}
		return ok
	case testImportBuiltin:
		answer, ok := st.call(t, true)
		st.loadProperties(answer.Properties, t) // also what a probe found before it failed
		return ok
	case testImportDB:
		return st.loadStored(t)
	case testImportCmdline:
		text, _ := st.host.Read("/proc/cmdline")
		value, ok := bootOption(text, t.name)
		if ok {
			st.imported(t.name, value, t)
		}
		return ok
	case testImportParent:
		return st.loadParent(t)
	}
	return false
}

func (st *state) loadStored(t *test) bool {
	for _, p := range st.dev.Stored {
		if p.Key == t.name {
			st.imported(p.Key, p.Value, t)
			return true
		}
	}
	return false
}

func (st *state) loadParent(t *test) bool {
	above := st.above()
	if len(above) == 0 {
		return false
	}
	for key, value := range above[0].Env.All() {
		if t.pat.match(key) {
			st.imported(key, value, t)
		}
	}
	for _, p := range above[0].Stored {
		if t.pat.match(p.Key) && p.Key[0] != '.' {
			st.imported(p.Key, p.Value, t)
		}
	}
	return true
}

func (st *state) loadProperties(list []Property, t *test) {
	for _, p := range list {
		st.imported(p.Key, p.Value, t)
	}
}

func (st *state) imported(key, value string, t *test) {
	if validKey(key) {
		st.setEnv(key, value, false)
		st.trace(t.at, "IMPORT", key, value)
	}
}

// validKey keeps a program from writing what would not be one property.
func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] == '=' || key[i] >= 0x7f {
			return false
		}
	}
	return key != "" && len(key) < 256
}

// loadLines takes in KEY=VALUE lines; a value may stand in quotes.
func (st *state) loadLines(text string, t *test) {
	for row := range strings.Lines(text[:min(len(text), maxValue)]) {
		row = strings.TrimSpace(row)
		key, value, ok := strings.Cut(row, "=")
		if !ok || strings.HasPrefix(row, "#") {
			continue
		}
		key, value = strings.TrimRight(key, " \t"), strings.TrimLeft(value, " \t")
		if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		st.imported(key, value, t)
	}
}

// bootOption returns the value of an option of the kernel, "1" if it is a flag.
func bootOption(cmdline, name string) (string, bool) {
	found, value := false, ""
	for word := range strings.FieldsSeq(cmdline) {
		key, v, has := strings.Cut(word, "=")
		if key == name {
			found, value = true, strings.Trim(v, `"`)
			if !has {
				value = "1"
			}
		}
	}
	return value, found
}

// call runs a program or builtin. What went wrong is kept for people.
func (st *state) call(t *test, builtin bool) (Answer, bool) {
	c := Call{Builtin: builtin, Argv: st.argv(t.argv), Properties: st.publicProps(), At: t.at}
	if len(c.Argv) == 0 {
		return Answer{}, false
	}
	answer, err := st.host.Call(c)
	switch {
	case errors.Is(err, ErrLater):
		st.res.Later = true
	case err != nil && !errors.Is(err, ErrNothing):
		st.fault(t.at, fmt.Sprintf("%s: %v", c.Argv[0], err))
	}
	return answer, err == nil
}

// ErrNothing is returned by a Host when a builtin has nothing to say, which is
// no fault.
var ErrNothing = errors.New("nothing found")

// publicProps returns the properties that others may see.
func (st *state) publicProps() []Property {
	st.public = st.public[:0]
	for i := range st.props {
		if p := &st.props[i]; p.Key[0] != '.' {
			st.public = append(st.public, p.Property)
		}
	}
	return st.public
}
