package udev

import (
	"slices"
	"strconv"
	"strings"
)

type attrRule byte

const (
	attrNone attrRule = iota
	attrNeeded
	attrMaybe
)

// key says what a word of the language takes and how it is compiled.
type key struct {
	attr  attrRule
	test  func(b *builder, t token)
	set   func(b *builder, t token)
	ops   string // that assign
	anyOp bool   // a test, whatever the operator
}

const (
	setOps  = "= :="
	growOps = "= += :="
	listOps = "= += -= :="
)

// keys are all words of the language.
var keys = map[string]key{
	"ACTION":     {test: match(testAction)},
	"DEVPATH":    {test: match(testDevpath)},
	"KERNEL":     {test: match(testKernel)},
	"KERNELS":    {test: match(testKernels)},
	"SUBSYSTEM":  {test: match(testSubsystem)},
	"SUBSYSTEMS": {test: match(testSubsystems)},
	"DRIVER":     {test: match(testDriver)},
	"DRIVERS":    {test: match(testDrivers)},
	"TAGS":       {test: match(testTags)},
	"RESULT":     {test: match(testResult)},
	"ATTRS":      {attr: attrNeeded, test: match(testAttrs)},
	"CONST":      {attr: attrNeeded, test: match(testConst)},
	"TEST":       {attr: attrMaybe, test: fileTest},
	"PROGRAM":    {test: programTest, anyOp: true},
	"IMPORT":     {attr: attrNeeded, test: importTest, anyOp: true},

	"SYMLINK": {test: match(testSymlink), set: assign(actSymlink), ops: listOps},
	"NAME":    {test: match(testName), set: assign(actName), ops: growOps},
	"TAG":     {test: match(testTag), set: assign(actTag), ops: listOps},
	"ENV":     {attr: attrNeeded, test: match(testEnv), set: assign(actEnv), ops: growOps},
	"ATTR":    {attr: attrNeeded, test: match(testAttr), set: assign(actAttr), ops: growOps},
	"SYSCTL":  {attr: attrNeeded, test: match(testSysctl), set: assign(actSysctl), ops: growOps},

	"OWNER":    {set: assign(actOwner), ops: growOps},
	"GROUP":    {set: assign(actGroup), ops: growOps},
	"MODE":     {set: assign(actMode), ops: growOps},
	"SECLABEL": {attr: attrNeeded, set: assign(actSecLabel), ops: growOps},
	"OPTIONS":  {set: option, ops: growOps},
	"RUN":      {attr: attrMaybe, set: run, ops: growOps},
	"LABEL":    {set: labelLine, ops: setOps},
	"GOTO":     {set: gotoLine, ops: setOps},
}

// gone are words of older times.
var gone = map[string]string{
	"BUS": "SUBSYSTEMS", "SYSFS": "ATTRS", "ID": "KERNELS", "PLACE": "KERNELS",
	"DEVTYPE": "ENV{DEVTYPE}", "DEVNAME": "ENV{DEVNAME}", "DEVLINKS": "SYMLINK", "MODALIAS": "ENV{MODALIAS}",
	"USER": "OWNER", "LINK": "SYMLINK", "OPTION": "OPTIONS", "TAGG": "TAG", "ENVS": "ENV",
	"WAIT_FOR": "TEST", "WAIT_FOR_SYSFS": "TEST",
}

// unknownHint says which word may have been meant.
func unknownHint(word string) string {
	big := strings.ToUpper(word)
	if now := gone[big]; now != "" {
		return "use " + now
	}
	if _, ok := keys[big]; ok {
		return "write it in capitals: " + big
	}
	if near := nearKey(word); near != "" {
		return "did you mean " + near + "?"
	}
	return "see udev(7) for the keys that there are"
}

// nearKey returns the key that is one slip away, "" if there is none.
func nearKey(word string) (near string) {
	for k := range keys {
		if oneEdit(word, k) && (near == "" || k < near) {
			near = k
		}
	}
	return near
}

// oneEdit says whether one letter too much, missing, wrong, or two that are
// swapped make a of b.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 1:
		return a[i:] == b[i+1:]
	case 0:
		swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return i < len(a) && (a[i+1:] == b[i+1:] || swapped)
	}
	return false
}

// match compiles the plain comparisons.
func match(kind testKind) func(b *builder, t token) {
	return func(b *builder, t token) {
		x := test{kind: kind, name: t.attr, pat: newPattern(t.value, t.fold)}
		switch kind {
		case testAttr:
			x.path, x.plain = b.name(t)
			x.attr = b.c.attrNumber(t.attr)
		case testAttrs:
			x.attr = b.c.attrNumber(t.attr)
		case testSysctl:
			x.path, x.plain = b.name(t)
		case testConst:
			if t.attr != "arch" && t.attr != "virt" {
				b.c.problem(t.at, "CONST{"+t.attr+"} never matches", "there are CONST{arch} and CONST{virt}")
			}
		}
		b.addTest(t, x)
	}
}

// name compiles a name in braces that may have substitutions.
func (b *builder) name(t token) (tmpl template, plain bool) {
	tmpl, _ = b.c.parseTemplate(t.attr)
	return tmpl, tmpl.isPlain()
}

func fileTest(b *builder, t token) {
	x := test{kind: testFile, path: b.template(t, t.value)}
	if t.attr != "" {
		mask, err := strconv.ParseUint(t.attr, 8, 12)
		if err != nil {
			b.fail(t.at, "TEST{"+t.attr+"} is no mode", "write an octal number such as TEST{0111}")
		}
		x.mask = uint32(mask)
	}
	b.addTest(t, x)
}

func programTest(b *builder, t token) {
	b.addTest(t, test{kind: testProgram, argv: b.command(t)})
}

func importTest(b *builder, t token) {
	switch t.attr {
	case "program":
		b.addTest(t, test{kind: testImportProgram, argv: b.command(t)})
	case "builtin":
		b.addTest(t, test{kind: testImportBuiltin, argv: b.builtin(t)})
	case "file":
		b.addTest(t, test{kind: testImportFile, path: b.template(t, t.value)})
	case "db":
		b.c.set.readsDB = true
		b.addTest(t, test{kind: testImportDB, name: t.value})
	case "cmdline":
		b.addTest(t, test{kind: testImportCmdline, name: t.value})
	case "parent":
		b.addTest(t, test{kind: testImportParent, pat: newPattern(t.value, t.fold)})
	default:
		b.fail(t.at, "unknown IMPORT{"+t.attr+"}", "use program, builtin, file, db, cmdline or parent")
	}
}

// builtins are the names that IMPORT{builtin} and RUN{builtin} know.
var builtins = []string{
	"blkid", "btrfs", "hwdb", "input_id", "keyboard", "kmod", "net_driver", "net_id", "net_setup_link",
	"path_id", "uaccess", "usb_id", "dissect_image", "factory_reset",
}

func (b *builder) builtin(t token) []template {
	argv := b.command(t)
	if len(argv) > 0 && !slices.Contains(builtins, argv[0].text) {
		b.fail(t.valueAt, `unknown builtin "`+argv[0].text+`"`, "use one of "+strings.Join(builtins, ", "))
	}
	return argv
}

// assign compiles the plain assignments.
func assign(kind actKind) func(b *builder, t token) {
	return func(b *builder, t token) {
		a := act{kind: kind, name: t.attr}
		if kind == actAttr || kind == actSysctl {
			a.path, _ = b.name(t)
		}
		if t.fold {
			b.c.problem(t.valueAt, `i"..." has no meaning here`, "it is for comparisons; remove the i")
		}
		a.value = b.template(t, t.value)
		switch {
		case kind == actMode && a.value.isPlain() && !isMode(t.value):
			b.fail(t.valueAt, "MODE is no mode", `write an octal number such as "0660"`)
		case kind == actEnv && strings.ContainsAny(t.attr, "=\n\x00"):
			b.fail(t.at, "ENV{"+strconv.Quote(t.attr)+"} cannot be a name", "use letters, digits and _")
		case kind == actTag && strings.ContainsAny(t.value, "/:"):
			b.fail(t.valueAt, "a tag cannot hold / or :", "use letters, digits, - and _")
		}
		b.addAct(t, a)
	}
}

func isMode(s string) bool {
	_, err := strconv.ParseUint(s, 8, 12)
	return err == nil
}

func run(b *builder, t token) {
	switch t.attr {
	case "", "program":
		b.addAct(t, act{kind: actRun, argv: b.command(t), value: template{text: t.value}})
	case "builtin":
		b.addAct(t, act{kind: actRun, argv: b.builtin(t), blt: true, value: template{text: t.value}})
	default:
		b.fail(t.at, "unknown RUN{"+t.attr+"}", "use RUN{program} or RUN{builtin}")
	}
}

func labelLine(b *builder, t token) { b.label = t.value }

func gotoLine(b *builder, t token) { b.jump = &jump{label: t.value, at: t.at} }

// oldOptions are gone from the language: a rule that has one still applies.
var oldOptions = []string{"last_rule", "ignore_device", "ignore_remove", "all_partitions", "event_timeout", "dump", "dump-json"}

func option(b *builder, t token) {
	name, value, _ := strings.Cut(t.value, "=")
	a := act{name: name, value: template{text: t.value}}
	switch name {
	case "string_escape":
		a.kind = actEscape
		if a.name = value; value != "none" && value != "replace" {
			b.c.problem(t.valueAt, "unknown string_escape", "use string_escape=none or string_escape=replace")
			return
		}
	case "link_priority":
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			b.c.problem(t.valueAt, "link_priority needs a number", "write link_priority=100")
			return
		}
		a.kind, a.n = actPriority, int(n)
	case "watch", "nowatch":
		a.kind = actWatch
	case "db_persist":
		a.kind = actPersist
	case "static_node":
		if value == "" {
			b.c.problem(t.valueAt, "static_node needs a name", "write static_node=snd/seq")
			return
		}
		b.static = append(b.static, value)
		return
	case "log_level":
		b.idle = true // there is one log, and it has what happened
		return
	default:
		b.badOption(t, name)
		return
	}
	b.addAct(t, a)
}

func (b *builder) badOption(t token, name string) {
	b.idle = true
	if slices.Contains(oldOptions, name) {
		b.c.problem(t.valueAt, "the option "+name+" does nothing", "remove it")
		return
	}
	b.c.problem(t.valueAt, "unknown option "+strconv.Quote(name),
		"use link_priority=, string_escape=, static_node=, watch, nowatch, db_persist or log_level=")
}
