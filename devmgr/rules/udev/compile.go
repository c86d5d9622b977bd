package udev

import (
	"slices"
	"strings"
)

// rule is one compiled line.
type rule struct {
	at    Position
	tests []test
	acts  []act
	jump  int // index of the rule to go on with, 0: the next
}

// test is a condition.
type test struct {
	kind  testKind
	not   bool
	attr  int      // number of ATTR{}, ATTRS{}
	name  string   // of ENV{}, SYSCTL{}, CONST{}
	path  template // TEST, IMPORT{file} and names with substitutions
	mask  uint32   // TEST{mode}
	pat   pattern
	argv  []template // PROGRAM, IMPORT{program|builtin}
	at    Position
	plain bool // path has no substitutions
}

// testKind is in the order in which the tests of a rule are done.
type testKind byte

const (
	testAction testKind = iota
	testDevpath
	testKernel
	testSymlink
	testName
	testEnv
	testConst
	testTag
	testSubsystem
	testDriver
	testAttr
	testSysctl
	testKernels // from here: of this device or of one above
	testSubsystems
	testDrivers
	testAttrs
	testTags // to here
	testFile
	testProgram
	testImportFile
	testImportProgram
	testImportBuiltin
	testImportDB
	testImportCmdline
	testImportParent
	testResult
)

func (k testKind) ofParent() bool { return k >= testKernels && k <= testTags }

// act is an assignment.
type act struct {
	kind  actKind
	op    byte // '=', '+', '-', ':'
	name  string
	path  template // of ATTR{} and SYSCTL{}
	value template
	argv  []template
	n     int // link_priority
	at    Position
	blt   bool // RUN{builtin}
}

// actKind is in the order in which the assignments of a rule are done.
type actKind byte

const (
	actEscape actKind = iota
	actPersist
	actWatch
	actPriority
	actOwner
	actGroup
	actMode
	actTag
	actSecLabel
	actEnv
	actName
	actSymlink
	actAttr
	actSysctl
	actRun
)

// compiler turns files into a Set.
type compiler struct {
	set      *Set
	problems []Problem
	numbers  map[string]int // of attributes

	first  int // rule of the file
	labels map[string][]int
	jumps  []jump
}

type jump struct {
	rule  int
	label string
	at    Position
}

// Parse compiles files, in this order.
func Parse(files []File) (*Set, []Problem) {
	c := &compiler{set: &Set{plans: map[planKey][]step{}}, numbers: map[string]int{}}
	for _, f := range files {
		c.file(f)
	}
	return c.set, c.problems
}

func (c *compiler) file(f File) {
	c.first, c.labels, c.jumps = len(c.set.rules), map[string][]int{}, nil
	logicalLines(f.Text, func(l logical) { c.line(f.Name, &l) })
	for _, j := range c.jumps {
		c.resolve(j)
	}
}

// resolve finds the next label of the name in the same file.
func (c *compiler) resolve(j jump) {
	labels := c.labels[j.label]
	if i := slices.IndexFunc(labels, func(at int) bool { return at > j.rule }); i >= 0 {
		c.set.rules[j.rule].jump = labels[i]
		return
	}
	hint := `write LABEL="` + j.label + `" in a later line of this file`
	if len(labels) > 0 {
		hint = "the label stands before it; a jump only goes forward"
	}
	c.problem(j.at, `no LABEL="`+j.label+`" for this GOTO`, hint)
}

func (c *compiler) problem(at Position, text, hint string) {
	c.problems = append(c.problems, Problem{at, text, hint})
}

// line compiles a rule. One that has a fault is left out, because without one
// of its tests it would mean something else; its LABEL stays.
func (c *compiler) line(file string, l *logical) {
	if len(l.text) >= maxLine {
		c.problem(l.at(file, 0), "a line of more than 64 KiB", "split it")
		return
	}
	s := &scanner{file: file, line: l}
	b := builder{c: c, rule: rule{at: l.at(file, 0)}, ok: true}
	for {
		t, ok, bad := s.next()
		if bad != nil {
			c.problems = append(c.problems, *bad)
			b.ok = false
			break
		}
		if !ok {
			break
		}
		b.token(t)
	}
	b.finish()
}

// builder collects one rule.
type builder struct {
	c      *compiler
	rule   rule
	ok     bool
	label  string
	jump   *jump
	static []string // OPTIONS="static_node=..."
	idle   bool     // an assignment was left out because it has no effect here
}

func (b *builder) finish() {
	c := b.c
	if b.label != "" {
		c.labels[b.label] = append(c.labels[b.label], len(c.set.rules))
	}
	if !b.ok {
		return
	}
	slices.SortStableFunc(b.rule.tests, func(x, y test) int { return int(x.kind) - int(y.kind) })
	slices.SortStableFunc(b.rule.acts, func(x, y act) int { return int(x.kind) - int(y.kind) })
	if b.jump != nil {
		b.jump.rule = len(c.set.rules)
		c.jumps = append(c.jumps, *b.jump)
	}
	for _, name := range b.static {
		c.set.static = append(c.set.static, staticNode(name, &b.rule))
	}
	switch {
	case len(b.rule.acts) > 0 || b.jump != nil || hasEffect(b.rule.tests):
		c.set.rules = append(c.set.rules, b.rule)
	case len(b.rule.tests) > 0 && b.label == "" && len(b.static) == 0 && !b.idle:
		c.problem(b.rule.at, "the line does nothing", "give it an assignment, or remove it")
	}
}

func (c *compiler) attrNumber(name string) int {
	n, ok := c.numbers[name]
	if !ok {
		n = len(c.set.attrs)
		c.numbers[name] = n
		c.set.attrs = append(c.set.attrs, name)
	}
	return n
}

// fail reports a fault that makes the rule useless.
func (b *builder) fail(at Position, text, hint string) {
	b.c.problem(at, text, hint)
	b.ok = false
}

// template parses a value that may have substitutions.
func (b *builder) template(t token, text string) template {
	tmpl, bad := b.c.parseTemplate(text)
	if bad != "" {
		b.c.problem(t.valueAt, `"`+bad+`" is no substitution`, `it stays as it is; write "`+strings.Repeat(bad[:1], 2)+bad[1:]+`" to say so`)
	}
	return tmpl
}

// command parses a command line: first into words, so that what is put in
// never becomes a word of its own.
func (b *builder) command(t token) []template {
	argv, ok := splitCommand(t.value)
	if !ok {
		b.fail(t.valueAt, "a quotation mark of the command is not closed", "close it")
	}
	if len(argv) == 0 {
		b.fail(t.valueAt, "no command", `write the program and its arguments, or leave `+t.key+" out")
	}
	var all []template
	for _, word := range argv {
		all = append(all, b.template(t, word))
	}
	return all
}

// token compiles one KEY OP "value".
func (b *builder) token(t token) {
	k, known := keys[t.key]
	switch {
	case !known:
		b.fail(t.at, "unknown key "+t.key, unknownHint(t.key))
	case k.attr == attrNone && t.hasAttr:
		b.fail(t.at, t.key+" has no {...}", "write "+t.key+" alone")
	case k.attr == attrNeeded && t.attr == "":
		b.fail(t.at, t.key+" needs a name", "write "+t.key+"{name}")
	case isMatch(t.op) && k.test == nil:
		b.fail(t.at, t.key+" cannot be compared", "use "+k.ops)
	case !isMatch(t.op) && k.set == nil && !k.anyOp:
		b.fail(t.at, t.key+" cannot be assigned", "use == or !=")
	case !isMatch(t.op) && !k.anyOp && !slices.Contains(strings.Fields(k.ops), t.op):
		b.fail(t.at, t.key+" does not take "+t.op, "use "+k.ops)
	case k.anyOp && t.op == "-=":
		b.fail(t.at, t.key+" does not take -=", "use == or !=")
	case isMatch(t.op) || k.anyOp:
		k.test(b, t)
	default:
		if t.op == ":=" && slices.Contains(unsettled, t.key) {
			b.c.problem(t.at, t.key+" cannot be settled", "it is taken for =, as udev does; write =")
		}
		k.set(b, t)
	}
}

// unsettled are the keys of which each name is a value of its own, that later
// rules can always change.
var unsettled = []string{"ENV", "TAG", "ATTR", "SYSCTL", "SECLABEL"}

func isMatch(op string) bool { return op == "==" || op == "!=" }

func (b *builder) addTest(t token, x test) {
	x.not, x.at = t.op == "!=", t.at
	b.rule.tests = append(b.rule.tests, x)
}

func (b *builder) addAct(t token, a act) {
	a.op, a.at = t.op[0], t.at
	b.rule.acts = append(b.rule.acts, a)
}

// staticNode collects what the rule says about a node without a device.
func staticNode(name string, r *rule) StaticNode {
	n := StaticNode{Name: name, At: r.at}
	for _, a := range r.acts {
		switch a.kind {
		case actOwner:
			n.Owner = a.value.text
		case actGroup:
			n.Group = a.value.text
		case actMode:
			n.Mode = a.value.text
		case actTag:
			n.Tags = append(n.Tags, a.value.text)
		}
	}
	return n
}
