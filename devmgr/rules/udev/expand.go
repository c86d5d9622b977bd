package udev

import (
	"cmp"
	"path"
	"strconv"
	"strings"
)

// expand puts the values in and returns the text. With join, white space in
// what is put in becomes "_", so that it stays one name. The bytes are valid
// until the next call.
func (st *state) expand(t *template, join bool) []byte {
	st.buf = st.buf[:0]
	for i := range t.pieces {
		from := len(st.buf)
		p := &t.pieces[i]
		st.put(p)
		if p.what != substText && join {
			st.buf = joinSpaces(st.buf, from)
		}
		if len(st.buf) > maxValue {
			st.buf = st.buf[:maxValue]
			break
		}
	}
	return st.buf
}

// text is expand as a string, which costs nothing where there is nothing to
// put in.
func (st *state) text(t *template) string {
	if len(t.pieces) == 1 && t.pieces[0].what == substText {
		return t.pieces[0].text
	}
	return string(st.expand(t, false))
}

func (st *state) add(s string) { st.buf = append(st.buf, s...) }

func (st *state) put(p *piece) {
	switch p.what {
	case substText:
		st.add(p.text)
	case substKernel:
		st.add(st.name)
	case substNumber:
		st.add(number(st.name))
	case substDevpath:
		st.add(st.dev.DevPath)
	case substID:
		if st.at >= 0 {
			st.add(strings.ReplaceAll(path.Base(st.devpath(st.at)), "!", "/"))
		}
	case substDriver:
		if st.at >= 0 {
			st.add(st.deviceAt(st.at).Env.Get("DRIVER"))
		}
	case substAttr:
		st.putAttr(p.attr)
	case substEnv:
		st.add(st.env(p.text))
	case substMajor:
		st.buf = strconv.AppendUint(st.buf, uint64(st.dev.Major), 10)
	case substMinor:
		st.buf = strconv.AppendUint(st.buf, uint64(st.dev.Minor), 10)
	default:
		st.putRare(p)
	}
}

func (st *state) putRare(p *piece) {
	switch p.what {
	case substResult:
		st.add(resultPart(st.result, p))
	case substParent:
		if above := st.above(); len(above) > 0 {
			st.add(above[0].DevName)
		}
	case substName:
		st.add(cmp.Or(st.res.Name, st.dev.DevName, st.name))
	case substLinks:
		st.add(strings.Join(st.links(), " "))
	case substRoot:
		st.add("/dev")
	case substSys:
		st.add("/sys")
	case substDevnode:
		if st.dev.DevName != "" {
			st.add("/dev/" + st.dev.DevName)
		}
	}
}

func (st *state) links() []string {
	if st.dev.Action == "remove" {
		return st.dev.Links
	}
	return st.res.Links
}

// putAttr takes the attribute of this device, or else of the one that the last
// test of parents found. What does not belong into a value becomes "_".
func (st *state) putAttr(number int) {
	value, ok := st.attr(0, number)
	if !ok && st.at > 0 {
		value, _ = st.attr(st.at, number)
	}
	from := len(st.buf)
	st.add(trimSpace(value))
	st.buf = clean(st.buf, from, inputBytes)
}

// inputBytes may stay in what devices and programs say.
const inputBytes = "/ $%?,"

func trimSpace(s string) string {
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// number returns the digits at the end of a name.
func number(name string) string {
	i := len(name)
	for i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
		i--
	}
	return name[i:]
}

// resultPart returns the result, or one of its words, or all from that one on.
func resultPart(result string, p *piece) string {
	if p.part == 0 {
		return result
	}
	rest := strings.TrimLeft(result, " ")
	for n := 1; n < p.part; n++ {
		_, rest, _ = strings.Cut(rest, " ")
		rest = strings.TrimLeft(rest, " ")
	}
	if !p.more {
		rest, _, _ = strings.Cut(rest, " ")
	}
	return rest
}

// argv expands a command. What is put in stays within its word, but a program
// that is itself a substitution brings its arguments with it.
func (st *state) argv(words []template) []string {
	argv := make([]string, 0, len(words))
	for i := range words {
		text := st.text(&words[i])
		if i == 0 && words[0].onlySubst() {
			argv, _ = splitCommand(text)
			continue
		}
		argv = append(argv, text)
	}
	return argv
}
