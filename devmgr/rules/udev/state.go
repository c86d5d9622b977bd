package udev

import (
	"slices"
	"strings"

	"slashdev/devmgr/uevent"
)

// state is one decision in the making.
type state struct {
	set  *Set
	dev  Device
	host Host
	name string // of the kernel, with "/" for "!"

	props   []property
	attrs   []attrValue // read so far
	parents []Parent
	asked   bool // parents are known
	at      int  // where the last test of parents held: 0 this device, then those above; -1 nowhere
	result  string
	escape  string // none, replace or ""
	final   [actRun + 1]bool
	runs    []*act
	res     Result

	buf    []byte // the value that is being expanded
	public []Property
}

type property struct {
	Property
	set bool // by a rule
}

type attrValue struct {
	at, number int
	value      string
	ok         bool
}

// maxValue bounds what one value can grow to, maxProps how many there are:
// programs and devices have a say in both.
const (
	maxValue = 16 << 10
	maxProps = 2000
)

// Decide runs the rules for one device.
func (s *Set) Decide(dev Device, host Host) Result {
	st, _ := s.idle.Get().(*state)
	if st == nil {
		st = &state{set: s}
	}
	st.begin(dev, host)
	st.steps(s.plan(dev.Action, dev.Subsystem))
	st.end()
	res := st.res
	st.forget()
	s.idle.Put(st)
	return res
}

func (st *state) steps(steps []step) {
	for i := 0; i < len(steps) && !st.res.Later; {
		if st.step(&steps[i]) && steps[i].next > 0 {
			i = steps[i].next
		} else {
			i++
		}
	}
}

func (st *state) begin(dev Device, host Host) {
	st.dev, st.host, st.at, st.escape = dev, host, -1, ""
	st.name = strings.ReplaceAll(dev.Name(), "!", "/")
	st.res.Tags = append([]string(nil), dev.Tags...)
	st.known("ACTION", dev.Action)
	st.known("DEVPATH", dev.DevPath)
	st.known("SUBSYSTEM", dev.Subsystem)
	st.kernelEnv(dev.Env)
	st.kernelEnv(dev.Extra)
	st.remembered()
}

func (st *state) kernelEnv(env uevent.Env) {
	for key, value := range env.All() {
		st.kernelSays(key, value)
	}
}

// remembered adds what is known of a device that went.
func (st *state) remembered() {
	if st.dev.Action != "remove" {
		return
	}
	for _, p := range st.dev.Stored {
		st.known(p.Key, p.Value)
	}
	if len(st.dev.Links) > 0 {
		st.known("DEVLINKS", "/dev/"+strings.Join(st.dev.Links, " /dev/"))
	}
}

func (st *state) kernelSays(key, value string) {
	switch key {
	case "ACTION", "DEVPATH", "SUBSYSTEM":
		return
	case "DEVNAME":
		value = "/dev/" + value
	}
	st.known(key, value)
}

// known adds a property that no rule set; of two that the device tree knows
// the first counts, see uevent.Env.
func (st *state) known(key, value string) {
	if st.find(key) < 0 && len(st.props) < maxProps {
		st.props = append(st.props, property{Property{key, value}, false})
	}
}

func (st *state) find(key string) int {
	for i := range st.props {
		if st.props[i].Key == key {
			return i
		}
	}
	return -1
}

func (st *state) env(key string) string {
	if i := st.find(key); i >= 0 {
		return st.props[i].Value
	}
	return ""
}

// setEnv sets a property; an empty one is taken away if unset says so.
func (st *state) setEnv(key, value string, unset bool) {
	i := st.find(key)
	switch {
	case unset && i >= 0:
		st.props = append(st.props[:i], st.props[i+1:]...)
	case unset:
	case i >= 0:
		st.props[i].Value, st.props[i].set = value, true
	case len(st.props) < maxProps:
		st.props = append(st.props, property{Property{key, value}, true})
	}
}

// end makes the Result of what was collected.
func (st *state) end() {
	if st.res.Later {
		st.res = Result{Later: true}
		return
	}
	if st.res.GroupSet && !st.res.ModeSet {
		st.res.Mode, st.res.ModeSet = 0o660, true
	}
	st.res.Properties = st.ownProps()
	st.expandRuns()
}

// ownProps returns the properties that rules set.
func (st *state) ownProps() (own []Property) {
	n := 0
	for i := range st.props {
		if st.props[i].set {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	own = make([]Property, 0, n)
	for i := range st.props {
		if st.props[i].set {
			own = append(own, st.props[i].Property)
		}
	}
	return own
}

// expandRuns puts the values in that all rules have left.
func (st *state) expandRuns() {
	for _, a := range st.runs {
		if argv := st.argv(a.argv); len(argv) > 0 {
			st.res.Runs = append(st.res.Runs, Run{a.blt, argv, a.at})
		}
	}
	if len(st.res.Runs) > 0 {
		st.res.Env = slices.Clone(st.publicProps())
	}
}

// forget keeps the buffers and nothing else.
func (st *state) forget() {
	clear(st.props)
	clear(st.attrs)
	clear(st.runs)
	clear(st.public)
	*st = state{set: st.set, props: st.props[:0], attrs: st.attrs[:0], runs: st.runs[:0],
		buf: st.buf[:0], public: st.public[:0]}
}

func (st *state) above() []Parent {
	if !st.asked {
		st.parents, st.asked = st.host.Parents(), true
	}
	return st.parents
}

// devpath returns the path of this device (0) or of one above it.
func (st *state) devpath(at int) string {
	if at == 0 {
		return st.dev.DevPath
	}
	return st.above()[at-1].DevPath
}

// attr reads an attribute once.
func (st *state) attr(at, number int) (string, bool) {
	for i := range st.attrs {
		if a := &st.attrs[i]; a.number == number && a.at == at {
			return a.value, a.ok
		}
	}
	value, ok := st.readAttr(at, st.set.attrs[number])
	st.attrs = append(st.attrs, attrValue{at, number, value, ok})
	return value, ok
}

func (st *state) readAttr(at int, name string) (string, bool) {
	if strings.HasPrefix(name, "[") {
		return st.readElsewhere(name)
	}
	value, ok := st.host.Attr(st.devpath(at), name)
	return value[:min(len(value), maxValue)], ok
}

// readElsewhere reads an attribute of another device.
func (st *state) readElsewhere(name string) (string, bool) {
	for _, path := range bracketPaths(name) {
		if value, ok := st.host.Read(path); ok {
			return strings.TrimSuffix(value[:min(len(value), maxValue)], "\n"), true
		}
	}
	return "", false
}

// bracketPaths returns where "[subsystem/device]attribute" may be.
func bracketPaths(name string) []string {
	in, rest, ok := strings.Cut(strings.TrimPrefix(name, "["), "]")
	subsystem, device, both := strings.Cut(in, "/")
	if !ok || !both || subsystem == "" || device == "" {
		return nil
	}
	rest = "/" + strings.TrimPrefix(rest, "/")
	switch subsystem {
	case "subsystem":
		return []string{"/sys/bus/" + device + rest, "/sys/class/" + device + rest}
	case "module":
		return []string{"/sys/module/" + device + rest}
	case "drivers":
		bus, driver, _ := strings.Cut(device, ":")
		return []string{"/sys/bus/" + bus + "/drivers/" + driver + rest}
	}
	return []string{
		"/sys/bus/" + subsystem + "/devices/" + device + rest,
		"/sys/class/" + subsystem + "/" + device + rest,
		"/sys/firmware/" + subsystem + "/" + device + rest,
	}
}

func (st *state) fault(at Position, text string) {
	if len(st.res.Faults) < 50 {
		st.res.Faults = append(st.res.Faults, Problem{Position: at, Text: text})
	}
}
