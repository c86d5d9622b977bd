package udev

import (
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/uevent"
)

// act does one assignment, unless an earlier ":=" has settled the matter.
func (st *state) act(a *act) {
	if st.final[a.kind] {
		return
	}
	st.final[a.kind] = a.op == ':' && settles(a.kind)
	switch a.kind {
	case actEscape:
		st.escape = a.name
	case actPersist, actWatch, actPriority:
		st.option(a)
	case actOwner, actGroup:
		st.id(a)
	case actMode:
		st.mode(a)
	case actTag:
		st.tag(a)
	case actSecLabel:
		st.res.SecLabels = append(st.res.SecLabels, Property{a.name, st.text(&a.value)})
		st.trace(a.at, "SECLABEL", a.name, st.text(&a.value))
	case actEnv:
		st.assignEnv(a)
	case actName:
		st.rename(a)
	case actSymlink:
		st.symlink(a)
	case actAttr, actSysctl:
		st.write(a)
	case actRun:
		if a.op != '+' {
			st.runs = st.runs[:0]
		}
		st.runs = append(st.runs, a)
		st.trace(a.at, "RUN", "", a.value.text)
	}
}

func (st *state) option(a *act) {
	switch a.kind {
	case actPersist:
		st.res.Persist = true
	case actWatch:
		st.res.Watch, st.res.NoWatch = a.name == "watch", a.name == "nowatch"
	case actPriority:
		st.res.Priority = a.n
	}
	st.trace(a.at, "OPTIONS", "", a.value.text)
}

// settles says which keys ":=" is for; of the others each name is its own.
func settles(k actKind) bool {
	switch k {
	case actOwner, actGroup, actMode, actName, actSymlink, actRun, actWatch, actPriority:
		return true
	}
	return false
}

func (st *state) id(a *act) {
	name, kind, word := st.text(&a.value), User, "OWNER"
	if a.kind == actGroup {
		kind, word = Group, "GROUP"
	}
	id, ok := st.host.ID(kind, name)
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		id, ok = uint32(n), true
	}
	if !ok {
		st.fault(a.at, word+` "`+name+`" does not exist`)
		return
	}
	if kind == User {
		st.res.Owner, st.res.UID, st.res.OwnerSet = name, id, true
	} else {
		st.res.Group, st.res.GID, st.res.GroupSet = name, id, true
	}
	st.trace(a.at, word, "", name)
}

func (st *state) mode(a *act) {
	text := st.text(&a.value)
	n, err := strconv.ParseUint(text, 8, 12)
	if err != nil {
		st.fault(a.at, `MODE "`+text+`" is no octal number`)
		return
	}
	st.res.Mode, st.res.ModeSet = uint32(n), true
	st.trace(a.at, "MODE", "", text)
}

// tag changes the tags; which of them this event set is known apart from those
// of earlier ones.
func (st *state) tag(a *act) {
	name, res := st.text(&a.value), &st.res
	is := func(t string) bool { return t == name }
	if a.op != '-' && !validTag(name) {
		return
	}
	switch a.op {
	case '-':
		res.Tags, res.CurrentTags = slices.DeleteFunc(res.Tags, is), slices.DeleteFunc(res.CurrentTags, is)
	case '+':
		res.Tags, res.CurrentTags = addTag(res.Tags, name), addTag(res.CurrentTags, name)
	default:
		res.Tags, res.CurrentTags = append(res.Tags[:0], name), append(res.CurrentTags[:0], name)
	}
	st.trace(a.at, "TAG", "", name)
}

func addTag(tags []string, name string) []string {
	if slices.Contains(tags, name) || len(tags) >= maxLinks {
		return tags
	}
	return append(tags, name)
}

// validTag wants what can be the name of a file and stand between colons.
func validTag(name string) bool {
	return name != "" && len(name) < 200 && name[0] != '.' && strings.IndexFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || c == '/' || c == ':'
	}) < 0
}

func (st *state) assignEnv(a *act) {
	value := st.expand(&a.value, false)
	if st.escape == "replace" {
		value = clean(value, 0, "")
	}
	text := a.value.text
	if !a.value.isPlain() || st.escape == "replace" {
		text = string(value)
	} else if len(a.value.pieces) == 1 {
		text = a.value.pieces[0].text
	}
	if old := st.env(a.name); a.op == '+' && old != "" {
		if text == "" {
			return
		}
		text = old + " " + text
		text = text[:min(len(text), maxValue)]
	}
	st.setEnv(a.name, text, a.value.text == "")
	st.trace(a.at, "ENV", a.name, text)
}

// rename is for network interfaces only: the name of a node is the kernel's.
func (st *state) rename(a *act) {
	value := st.expand(&a.value, false)
	if st.escape != "none" {
		value = clean(value, 0, "")
	}
	name := string(value)
	switch {
	case st.dev.Subsystem == "net" && validInterface(name):
		st.res.Name = name
		st.trace(a.at, "NAME", "", name)
	case st.dev.Subsystem == "net":
		st.fault(a.at, "NAME "+strconv.Quote(name)+" cannot be the name of an interface")
	case name != st.name && name != st.dev.DevName:
		st.fault(a.at, "NAME is for network interfaces; use SYMLINK")
	}
}

// validInterface is what dev_valid_name in net/core/dev.c takes, and no name
// that is a number, which would be taken for an index.
func validInterface(name string) bool {
	if name == "" || len(name) > 15 || name == "." || name == ".." {
		return false
	}
	return strings.Trim(name, "0123456789") != "" && strings.IndexFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || c == '/' || c == ':' || c == '%'
	}) < 0
}

// maxLinks bounds the links, and the tags, of one device.
const maxLinks = 200

func (st *state) symlink(a *act) {
	if st.dev.DevName == "" {
		return
	}
	names := st.expand(&a.value, st.escape != "none")
	switch st.escape {
	case "":
		names = clean(names, 0, "/ ")
	case "replace":
		names = clean(names, 0, "/")
	}
	if a.op == '=' || a.op == ':' {
		st.res.Links = st.res.Links[:0]
	}
	for name := range strings.FieldsSeq(string(names)) {
		st.link(a, name)
	}
}

func (st *state) link(a *act, name string) {
	name = strings.TrimPrefix(name, "/dev/")
	has := slices.Index(st.res.Links, name)
	switch {
	case a.op == '-' && has >= 0:
		st.res.Links = slices.Delete(st.res.Links, has, has+1)
	case a.op == '-' || has >= 0 || name == st.dev.DevName:
		return
	case uevent.CheckName(name) != nil || len(st.res.Links) >= maxLinks:
		st.fault(a.at, "SYMLINK "+strconv.Quote(name[:min(len(name), 64)])+" cannot be a name below /dev")
		return
	default:
		st.res.Links = append(st.res.Links, name)
	}
	st.trace(a.at, "SYMLINK", "", name)
}

func (st *state) write(a *act) {
	name := st.text(&a.path)
	w := Write{Value: st.text(&a.value), At: a.at}
	switch {
	case a.kind == actSysctl:
		w.Path = sysctlPath(name)
	case strings.HasPrefix(name, "["):
		w.Path = st.firstFile(bracketPaths(name))
	default:
		w.Path = "/sys" + st.dev.DevPath + "/" + name
	}
	if w.Path != "" {
		st.res.Writes = append(st.res.Writes, w)
		st.trace(a.at, "write", w.Path, w.Value)
	}
}

func (st *state) firstFile(paths []string) string {
	for _, p := range paths {
		if _, ok := st.host.Stat(p); ok {
			return p
		}
	}
	return ""
}

func (st *state) trace(at Position, what, name, value string) {
	if !st.dev.Trace {
		return
	}
	if name != "" {
		what += "{" + name + "}"
	}
	st.res.Trace = append(st.res.Trace, Trace{at, what + "=" + strconv.Quote(value)})
}
